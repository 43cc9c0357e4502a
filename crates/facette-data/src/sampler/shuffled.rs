//! Every picture once an epoch, in another order each time.

use facette_random::stream;
use rand::seq::SliceRandom;

use super::{Sampler, check_batch};
use crate::DataError;

/// See [`SamplerSettings::Shuffled`](super::SamplerSettings::Shuffled).
#[derive(Clone, Debug)]
pub struct Shuffled {
    pictures: usize,
    batch: usize,
    seed: u64,
}

impl Shuffled {
    /// Batches of `batch` of the pictures `0..pictures`; orders are drawn from the stream
    /// `sampler/shuffled` of `seed`.
    ///
    /// # Errors
    /// [`DataError::Setting`] if a batch is empty or larger than the data.
    pub fn new(pictures: usize, batch: usize, seed: u64) -> Result<Self, DataError> {
        check_batch(batch, pictures)?;
        Ok(Self { pictures, batch, seed })
    }
}

impl Sampler for Shuffled {
    fn batch(&self) -> usize {
        self.batch
    }

    fn steps(&self) -> usize {
        self.pictures / self.batch
    }

    fn order(&self, epoch: u64) -> Vec<usize> {
        let mut order: Vec<_> = (0..self.pictures).collect();
        order.shuffle(&mut stream(self.seed, "sampler/shuffled", epoch));
        order.truncate(self.steps() * self.batch);
        order
    }
}
