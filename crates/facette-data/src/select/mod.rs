//! Taking part of a data set: by identity, by number, by share.

mod few;
mod limits;
mod long_tail;
mod split;

use facette_random::stream;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

pub use split::Split;

use crate::{DataError, Dataset};

/// What part of a data set to take: what a recipe says under `[data.select]`. Everything is off by
/// default; what is set happens in the order of the fields. What is random about it comes from the
/// streams `select/...` of the seed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Selection {
    /// Only these identities.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
    /// Not these identities.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<String>,
    /// Only identities with at least so many pictures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_per_identity: Option<usize>,
    /// At most so many pictures of every identity, drawn at random: also the few-sample setting
    /// "k pictures a class".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_per_identity: Option<usize>,
    /// This share of the pictures of every identity, drawn at random, at least one: the
    /// few-sample setting "a tenth of the data".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// A long tail: the ratio of the largest to the smallest class. See
    /// [`Dataset::long_tail`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub long_tail: Option<f64>,
    /// Only the first so many pictures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<usize>,
}

impl Selection {
    /// The selected part of `dataset`. Identities that are taken out by name or by
    /// `min_per_identity` cease to be classes; otherwise labels stay as they are.
    ///
    /// # Errors
    /// [`DataError::Selection`] for impossible values, for identities that are not there, and if
    /// nothing is left.
    pub fn apply(&self, dataset: Dataset, seed: u64) -> Result<Dataset, DataError> {
        let mut dataset = dataset;
        if !self.only.is_empty() {
            dataset = dataset.only_identities(&self.only)?;
        }
        if !self.except.is_empty() {
            dataset = dataset.without_identities(&self.except)?;
        }
        if let Some(least) = self.min_per_identity {
            dataset = dataset.at_least_per_identity(least)?;
        }
        if let Some(most) = self.max_per_identity {
            dataset = dataset.at_most_per_identity(most, seed)?;
        }
        if let Some(share) = self.share {
            dataset = dataset.share_of_each_identity(share, seed)?;
        }
        if let Some(ratio) = self.long_tail {
            dataset = dataset.long_tail(ratio, seed)?;
        }
        if let Some(count) = self.first {
            dataset = dataset.first(count)?;
        }
        Ok(dataset)
    }
}

impl Dataset {
    /// Of every class, the number of pictures that `keep` says of its label and size, drawn from
    /// the stream `name`, number `label`, in the order of the data set. A draw of more pictures
    /// contains the draw of fewer.
    fn draw_per_class(
        &self,
        name: &str,
        seed: u64,
        keep: impl Fn(usize, usize) -> usize,
    ) -> Result<Self, DataError> {
        let mut kept = Vec::new();
        for (label, mut pictures) in self.by_class().into_iter().enumerate() {
            let count = keep(label, pictures.len());
            if count < pictures.len() {
                pictures.shuffle(&mut stream(seed, name, label as u64));
                pictures.truncate(count);
            }
            kept.append(&mut pictures);
        }
        kept.sort_unstable();
        self.subset(&kept)
    }

    /// The pictures whose label `keep` says yes to, with only their classes.
    fn identities(&self, keep: impl Fn(usize) -> bool) -> Result<Self, DataError> {
        let kept: Vec<_> = (0..self.len()).filter(|&i| keep(self.label(i))).collect();
        Ok(self.subset(&kept)?.compacted())
    }
}
