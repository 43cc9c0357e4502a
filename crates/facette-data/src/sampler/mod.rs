//! In which order an epoch shows the pictures.

mod balanced;
mod cursor;
mod domains;
mod sequential;
mod shuffled;
mod within;

use serde::{Deserialize, Serialize};

pub use balanced::Balanced;
pub use cursor::Cursor;
pub use domains::Domains;
pub use sequential::Sequential;
pub use shuffled::Shuffled;

use crate::{DataError, Dataset};

/// An order of pictures, batch by batch, for every epoch.
///
/// The order is a function of the epoch (and of the seed that the sampler was made with), so that
/// a [`Cursor`] is all there is to know of how far a run has come.
pub trait Sampler: Send + Sync {
    /// Pictures in a batch; the last batch of an epoch may have fewer.
    fn batch(&self) -> usize;

    /// Batches in an epoch, at least 1.
    fn steps(&self) -> usize;

    /// The pictures of an epoch, one batch after the other.
    fn order(&self, epoch: u64) -> Vec<usize>;
}

/// Which sampler a recipe wants: what it says under `[data.sampler]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum SamplerSettings {
    /// Every picture once an epoch, in another order each time. Pictures that do not fill a last
    /// batch sit the epoch out, other ones each time.
    Shuffled {
        /// Pictures in a batch.
        batch: usize,
    },
    /// Batches of a few pictures each of a few classes, all classes equally often: as losses on
    /// pairs and triplets need them.
    Balanced {
        /// Classes in a batch (P).
        classes: usize,
        /// Pictures of each (K).
        pictures: usize,
    },
    /// As many pictures of every domain in each batch.
    Domains {
        /// Pictures in a batch, a multiple of the number of domains.
        batch: usize,
    },
    /// Every picture once, in the order of the data set; the last batch may be short.
    Sequential {
        /// Pictures in a batch.
        batch: usize,
    },
}

impl Default for SamplerSettings {
    fn default() -> Self {
        Self::Shuffled { batch: 128 }
    }
}

impl SamplerSettings {
    /// The sampler for a data set and a seed.
    ///
    /// # Errors
    /// [`DataError::Setting`] if a batch is empty or larger than the data allow.
    pub fn build(&self, dataset: &Dataset, seed: u64) -> Result<Box<dyn Sampler>, DataError> {
        Ok(match *self {
            Self::Shuffled { batch } => Box::new(Shuffled::new(dataset.len(), batch, seed)?),
            Self::Balanced { classes, pictures } => {
                Box::new(Balanced::new(dataset.by_class(), classes, pictures, seed)?)
            }
            Self::Domains { batch } => {
                let mut members = vec![Vec::new(); dataset.domains().len()];
                (0..dataset.len())
                    .filter(|_| !dataset.domains().is_empty())
                    .for_each(|i| members[dataset.domain(i)].push(i));
                Box::new(Domains::new(members, batch, seed)?)
            }
            Self::Sequential { batch } => Box::new(Sequential::new(dataset.len(), batch)?),
        })
    }
}

impl SamplerSettings {
    /// As [`build`](Self::build), of the pictures of the `domains` alone, all where none is named.
    ///
    /// # Errors
    /// [`DataError::Setting`], too, for a domain that is not there.
    pub fn build_within(
        &self,
        dataset: &Dataset,
        domains: &[String],
        seed: u64,
    ) -> Result<Box<dyn Sampler>, DataError> {
        if domains.is_empty() {
            return self.build(dataset, seed);
        }
        let places = dataset.places_in(domains)?;
        let inner = self.build(&dataset.subset(&places)?, seed)?;
        Ok(Box::new(within::Within { inner, places }))
    }
}

impl Dataset {
    /// Places of the pictures of the domains called `names`.
    ///
    /// # Errors
    /// [`DataError::Setting`] for a domain that is not there.
    pub fn places_in(&self, names: &[String]) -> Result<Vec<usize>, DataError> {
        let mut wanted = vec![false; self.domains().len()];
        for name in names {
            let place = self.domains().iter().position(|domain| domain == name);
            let place = place.ok_or_else(|| {
                let known = match self.domains() {
                    [] => "the data has none; add [[data.domain]]".to_owned(),
                    domains => format!("known: {}", domains.join(", ")),
                };
                DataError::setting(
                    "stage",
                    "domains",
                    format!("no domain is called {name:?}; {known}"),
                )
            })?;
            wanted[place] = true;
        }
        Ok((0..self.len()).filter(|&i| wanted.get(self.domain(i)) == Some(&true)).collect())
    }
}

fn check_batch(batch: usize, pictures: usize) -> Result<(), DataError> {
    if (1..=pictures).contains(&batch) {
        return Ok(());
    }
    let problem = format!("found {batch}; expected 1 to {pictures}, the number of pictures");
    Err(DataError::setting("sampler", "batch", problem))
}
