//! Batch normalisation, fused with the activation and the residual sum that follow it:
//! `y = act(gamma * (x - mean) / sqrt(variance + epsilon) + beta [+ residual])`.
//!
//! Ioffe and Szegedy, "Batch Normalization", 2015. The backward pass keeps only `x` and the
//! statistics, and computes the rest again: arithmetic is cheaper than memory.
//!
//! Numerics: statistics are sums of differences to the channel's first element, in `f32` over sixteen
//! pictures and in `f64` over the batch, so that a mean far from zero does not cancel the variance.

mod backward;
mod forward;

pub use backward::{NormGradients, batch_norm_backward, batch_norm_backward_at};
pub use forward::{
    batch_norm_infer, batch_norm_infer_at, batch_norm_infer_vec, batch_norm_statistics,
    batch_norm_train, batch_norm_train_at, batch_norm_train_vec,
};

use crate::activation::{Activation, ChannelShape};
use crate::check_len;
use crate::pointwise::{ChannelTerms, Terms};

/// A normalisation with what follows it. Without `gamma` the scale is 1, without `beta` the shift 0.
#[derive(Debug, Clone, Copy)]
pub struct BatchNorm<'a> {
    /// Of input, output and residual.
    pub shape: ChannelShape,
    /// Scale of each channel.
    pub gamma: Option<&'a [f32]>,
    /// Shift of each channel.
    pub beta: Option<&'a [f32]>,
    /// Added to the variance; PyTorch's default is 1e-5.
    pub epsilon: f32,
    /// Applied after the residual sum.
    pub activation: Activation<'a>,
}

/// Mean and biased variance (divided by the count) of each channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Statistics {
    /// Mean of each channel.
    pub mean: Vec<f32>,
    /// Biased variance of each channel.
    pub variance: Vec<f32>,
}

impl Statistics {
    /// `1 / sqrt(variance + epsilon)` of each channel.
    pub fn inverse_deviation(&self, epsilon: f32) -> Vec<f32> {
        self.variance.iter().map(|v| 1.0 / (v + epsilon).sqrt()).collect()
    }
}

impl BatchNorm<'_> {
    fn check(&self) {
        let channels = self.shape.channels;
        check_len("gamma", self.gamma.map_or(channels, <[f32]>::len), channels);
        check_len("beta", self.beta.map_or(channels, <[f32]>::len), channels);
    }

    /// Normalisation, shift and activation as one affine map of each channel.
    fn terms(&self, statistics: &Statistics) -> Terms {
        check_len("mean", statistics.mean.len(), self.shape.channels);
        check_len("variance", statistics.variance.len(), self.shape.channels);
        let mut scale = statistics.inverse_deviation(self.epsilon);
        if let Some(gamma) = self.gamma {
            scale.iter_mut().zip(gamma).for_each(|(scale, gamma)| *scale *= gamma);
        }
        let shift = scale.iter().zip(&statistics.mean).enumerate();
        let shift = shift.map(|(c, (scale, mean))| self.beta.map_or(0.0, |b| b[c]) - mean * scale);
        let shift: Vec<f32> = shift.collect();
        let channels = ChannelTerms {
            scale: &scale,
            shift: &shift,
            slope: &self.activation.slopes(self.shape.channels),
            mean: &statistics.mean,
            cap: self.activation.cap(),
        };
        Terms::new(channels, self.shape.plane)
    }
}
