//! Splits in which no identity stands on both sides.

use facette_random::stream;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use crate::{DataError, Dataset};

/// Which identities to hold out for validation: what a recipe says under `[data.split]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Split {
    /// A share of the identities, drawn at random.
    Share {
        /// Above 0 and below 1; rounded to whole identities, at least one on either side.
        share: f64,
    },
    /// The identities named.
    Listed {
        /// Their names.
        identities: Vec<String>,
    },
}

impl Dataset {
    /// The data set without the identities that `split` holds out, and these; each with only its
    /// own classes. A share is drawn from the stream `select/split` of `seed`.
    ///
    /// # Errors
    /// [`DataError::Selection`] for an impossible share, an identity that is not there, or a side
    /// without a picture.
    pub fn split(&self, split: &Split, seed: u64) -> Result<(Self, Self), DataError> {
        let held = match split {
            Split::Listed { identities } => self.listed(identities)?,
            Split::Share { share } => self.drawn(*share, seed)?,
        };
        let train = self.identities(|label| !held[label])?;
        Ok((train, self.identities(|label| held[label])?))
    }

    fn drawn(&self, share: f64, seed: u64) -> Result<Vec<bool>, DataError> {
        let classes = self.by_class();
        let mut there: Vec<_> = (0..classes.len()).filter(|&c| !classes[c].is_empty()).collect();
        if !(share > 0.0 && share < 1.0) || there.len() < 2 {
            return Err(DataError::selection(format!(
                "a split that holds out a share of {share} of {} identities; expected a share \
                 above 0 and below 1, and two identities",
                there.len()
            )));
        }
        let count = (there.len() as f64 * share).round() as usize;
        let count = count.clamp(1, there.len() - 1);
        there.shuffle(&mut stream(seed, "select/split", 0));
        let mut held = vec![false; classes.len()];
        there[..count].iter().for_each(|&label| held[label] = true);
        Ok(held)
    }
}
