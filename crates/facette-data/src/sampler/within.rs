//! A sampler over part of a data set.

use super::Sampler;

/// What another sampler draws of a part, as places in the whole.
pub(super) struct Within {
    pub(super) inner: Box<dyn Sampler>,
    /// Places of the part's pictures in the whole.
    pub(super) places: Vec<usize>,
}

impl Sampler for Within {
    fn batch(&self) -> usize {
        self.inner.batch()
    }

    fn steps(&self) -> usize {
        self.inner.steps()
    }

    fn order(&self, epoch: u64) -> Vec<usize> {
        self.inner.order(epoch).into_iter().map(|i| self.places[i]).collect()
    }
}
