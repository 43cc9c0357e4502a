//! The paraphraser of factor transfer: an autoencoder of the teacher's last map.
//!
//! ```text
//! encoder  conv C -> C, conv C -> kC, conv kC -> kC            3x3 with bias, LeakyReLU 0.1 after each
//! decoder  the same backwards, transposed
//! ```
//!
//! It learns to rebuild the map by mean squared error before the student starts, then stays as it is.
//! Source: Kim et al. 2018 (arXiv 1802.04977), in the form of RepDistiller `Paraphraser` without batch
//! normalisation.

use burn::tensor::{Tensor, activation};
use facette_graph::{Conv, TensorKind, TensorSpec};
use facette_nets::{Init, Parameters, Precision, ops, read};

use crate::error::DistilError;
use crate::map_network::{transposed, transposed_specs};
use crate::term::Context;

/// Slope of the activation below zero.
pub(crate) const SLOPE: f64 = 0.1;

const MOMENTUM: f64 = 0.9;

/// Autoencoder of maps. Its tensors are buffers: only [`Paraphraser::learn`] changes them.
pub(crate) struct Paraphraser {
    tensors: Parameters,
    /// Channels between the encoder's convolutions.
    channels: [usize; 4],
    momentum: Vec<Tensor<1>>,
}

impl Paraphraser {
    /// For maps of `channels`, paraphrased by `factors` channels.
    ///
    /// # Errors
    /// If the tensors cannot be made.
    pub(crate) fn new(
        owner: &str,
        channels: usize,
        factors: usize,
        context: &Context<'_>,
    ) -> Result<Self, DistilError> {
        let channels = [channels, channels, factors, factors];
        let mut specs = Vec::new();
        for layer in 0..3 {
            let path = format!("paraphraser.encoder.{}", 3 * layer);
            let shape = vec![channels[layer + 1], channels[layer], 3, 3];
            let bias = vec![channels[layer + 1]];
            let spec = |leaf: &str, shape, kind| TensorSpec {
                name: format!("{path}.{leaf}"),
                shape,
                kind,
            };
            specs.push(spec("weight", shape, TensorKind::Weight));
            specs.push(spec("bias", bias, TensorKind::Bias));
        }
        for layer in 0..3 {
            let path = format!("paraphraser.decoder.{}", 3 * layer);
            specs.extend(transposed_specs(&path, channels[3 - layer], channels[2 - layer], 3));
        }
        // Drawn as weights are, kept as buffers, so that the stage's optimiser leaves them alone.
        let drawn = context.parameters(owner, specs, Init::Torch);
        let mut tensors = Parameters::default();
        for (spec, values) in drawn.values()? {
            let spec = TensorSpec { kind: TensorKind::RunningMean, ..spec };
            tensors.push(spec, values, context.device)?;
        }
        let learned = TensorSpec {
            name: "paraphraser.batches_seen".into(),
            shape: vec![1],
            kind: TensorKind::RunningMean,
        };
        tensors.push(learned, vec![0.0], context.device)?;
        Ok(Self { tensors, channels, momentum: Vec::new() })
    }

    /// Factors `[n, k c, h, w]` of maps `[n, c, h, w]`.
    pub(crate) fn factors(&self, map: Tensor<4>) -> Tensor<4> {
        encode(map, &self.channels, &self.values())
    }

    /// Weights and biases, encoder first.
    fn values(&self) -> [Tensor<1>; 12] {
        std::array::from_fn(|index| self.tensors.at(index).value.clone())
    }

    /// One step of momentum descent on the reconstruction of `map`.
    pub(crate) fn learn(&mut self, map: Tensor<4>, rate: f64) {
        let leaves = self.values().map(|value| value.detach().require_grad());
        let mut grads = reconstruction(map, self.channels, &leaves).backward();
        let mut moved = Vec::with_capacity(leaves.len());
        for (index, leaf) in leaves.iter().enumerate() {
            let grad = leaf.grad_remove(&mut grads).map(Tensor::from_inner);
            let grad = grad.unwrap_or_else(|| leaf.clone().detach().zeros_like());
            let momentum = match self.momentum.get(index) {
                None => grad,
                Some(old) => old.clone().mul_scalar(MOMENTUM) + grad,
            };
            let step = momentum.clone().mul_scalar(rate);
            self.tensors.at_mut(index).set(leaf.clone().detach() - step);
            moved.push(momentum.detach());
        }
        self.momentum = moved;
        let seen = self.tensors.at_mut(12);
        seen.set(seen.value.clone().add_scalar(1.0));
    }

    /// Whether it has learned at all.
    ///
    /// # Errors
    /// If the device cannot be read.
    pub(crate) fn has_learned(&self) -> Result<bool, DistilError> {
        Ok(read("batches_seen", &self.tensors.at(12).value)?[0] > 0.0)
    }

    pub(crate) fn parameters_mut(&mut self) -> &mut Parameters {
        &mut self.tensors
    }
}

/// How well maps `[n, c, h, w]` are rebuilt from their factors, mean squared error; `[1]`. `channels`
/// are those before and after the encoder's convolutions, `tensors` its and the decoder's six weights
/// and biases each, flat, in order.
pub fn reconstruction(
    map: Tensor<4>,
    channels: [usize; 4],
    tensors: &[Tensor<1>; 12],
) -> Tensor<1> {
    let factors = encode(map.clone(), &channels, &tensors[..6]);
    let rebuilt = decode(factors, &channels, &tensors[6..]);
    (rebuilt - map).square().mean()
}

fn encode(map: Tensor<4>, channels: &[usize; 4], tensors: &[Tensor<1>]) -> Tensor<4> {
    (0..3).fold(map, |x, layer| {
        let conv = Conv::square(channels[layer], channels[layer + 1], 3, 1).biased();
        let (weight, bias) = (tensors[2 * layer].clone(), tensors[2 * layer + 1].clone());
        activation::leaky_relu(ops::conv2d(x, weight, Some(bias), &conv, Precision::F32), SLOPE)
    })
}

fn decode(factors: Tensor<4>, channels: &[usize; 4], tensors: &[Tensor<1>]) -> Tensor<4> {
    (0..3).fold(factors, |x, layer| {
        let shape = [channels[3 - layer], channels[2 - layer], 3, 3];
        let weight = tensors[2 * layer].clone().reshape(shape);
        let x = transposed(x, weight, tensors[2 * layer + 1].clone(), 1, 1);
        activation::leaky_relu(x, SLOPE)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{context, device, scalar, shapes};

    #[test]
    fn learning_rebuilds_the_map_better() {
        let own = shapes();
        let mut paraphraser = Paraphraser::new("ft", 4, 2, &context(&own, None)).unwrap();
        assert!(!paraphraser.has_learned().unwrap());
        let values: Vec<f32> = (0..2 * 4 * 9).map(|i| (i as f32 * 0.7).sin().abs()).collect();
        let map = Tensor::<1>::from_floats(values.as_slice(), &device()).reshape([2, 4, 3, 3]);
        let error = |p: &Paraphraser| scalar(&reconstruction(map.clone(), p.channels, &p.values()));
        let before = error(&paraphraser);
        for _ in 0..40 {
            paraphraser.learn(map.clone(), 0.05);
        }
        let after = error(&paraphraser);
        assert!(after < 0.8 * before, "{before} to {after}");
        assert!(paraphraser.has_learned().unwrap());
    }
}
