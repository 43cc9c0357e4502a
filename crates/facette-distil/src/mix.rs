//! Virtual pictures: sums of two pictures of a batch.
//!
//! Zhang et al. 2018 (ICLR, "mixup", arXiv 1710.09412) with Beta(1, 1), which is uniform.

use burn::tensor::{Int, Tensor, TensorData};
use facette_random::stream;
use rand::RngExt;
use rand::seq::SliceRandom;

/// How the pictures of a batch are mixed: `share x_i + (1 - share) x_order(i)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Mix {
    /// Weight of each picture itself, `0..1`.
    pub share: f64,
    /// Its partner in the batch, `[n]`.
    pub order: Vec<usize>,
}

impl Mix {
    /// The mixture of `count` pictures in a step, drawn from the stream `mix` of `seed`.
    pub fn drawn(seed: u64, step: u64, count: usize) -> Self {
        let mut rng = stream(seed, "mix", step);
        let share = rng.random();
        let mut order: Vec<usize> = (0..count).collect();
        order.shuffle(&mut rng);
        Self { share, order }
    }

    /// The virtual pictures made of `x` `[n, c, h, w]`.
    pub fn pictures(&self, x: Tensor<4>) -> Tensor<4> {
        let partners = x.clone().select(0, self.partners(&x));
        x.mul_scalar(self.share) + partners.mul_scalar(1.0 - self.share)
    }

    /// The partners' places, `[n]`, on the device of `x`.
    pub(crate) fn partners<const D: usize>(&self, x: &Tensor<D>) -> Tensor<1, Int> {
        let places: Vec<i64> = self.order.iter().map(|&place| place as i64).collect();
        Tensor::from_data(TensorData::new(places, [self.order.len()]), &x.device())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{device, values};

    #[test]
    fn pictures_are_added_by_their_shares() {
        let x = Tensor::<1>::from_floats([1.0, 5.0], &device()).reshape([2, 1, 1, 1]);
        let mix = Mix { share: 0.75, order: vec![1, 0] };
        assert_eq!(values(&mix.pictures(x)), [2.0, 4.0]);
        assert_eq!(Mix::drawn(3, 7, 9), Mix::drawn(3, 7, 9));
        assert_ne!(Mix::drawn(3, 7, 9), Mix::drawn(3, 8, 9));
    }
}
