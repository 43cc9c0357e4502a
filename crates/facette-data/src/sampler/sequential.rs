//! Every picture once, in the order of the data set.

use super::{Sampler, check_batch};
use crate::DataError;

/// See [`SamplerSettings::Sequential`](super::SamplerSettings::Sequential).
#[derive(Clone, Debug)]
pub struct Sequential {
    pictures: usize,
    batch: usize,
}

impl Sequential {
    /// Batches of `batch` of the pictures `0..pictures`.
    ///
    /// # Errors
    /// [`DataError::Setting`] if a batch is empty or larger than the data.
    pub fn new(pictures: usize, batch: usize) -> Result<Self, DataError> {
        check_batch(batch, pictures)?;
        Ok(Self { pictures, batch })
    }
}

impl Sampler for Sequential {
    fn batch(&self) -> usize {
        self.batch
    }

    fn steps(&self) -> usize {
        self.pictures.div_ceil(self.batch)
    }

    fn order(&self, _epoch: u64) -> Vec<usize> {
        (0..self.pictures).collect()
    }
}
