//! Layer operations on batches of maps `[n, c, h, w]`; a batch of vectors is `[n, c, 1, 1]`.
//!
//! These are the only places where a network meets the framework, and so the only places where
//! faster kernels take the framework's place.

use burn::tensor::module;
use burn::tensor::ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions};
use burn::tensor::{Device, Tensor, activation};
use facette_graph::{Conv, Pool};

use crate::fast;
use crate::precision::Precision;

/// What follows a normalisation.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "one lives at a time, for one layer")]
pub enum Activation {
    /// Nothing.
    Identity,
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, 0), 6)`.
    Relu6,
    /// Learned slopes below zero, one or as many as channels.
    Prelu(Tensor<1>),
}

/// Where a normalisation takes its statistics from.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "one lives at a time, for one layer")]
pub enum Statistics {
    /// From the batch, as in training.
    Batch,
    /// From these running values `[c]`: mean and variance.
    Running(Tensor<1>, Tensor<1>),
}

/// 2-d convolution. `weight` is flat, `[outputs, inputs / groups, kh, kw]`. It is `f32`
/// where [`Precision::Bf16`] is not served: on other devices than the CPU, and without facette's kernels.
pub fn conv2d(
    x: Tensor<4>,
    weight: Tensor<1>,
    bias: Option<Tensor<1>>,
    conv: &Conv,
    precision: Precision,
) -> Tensor<4> {
    if fast::available(&x) {
        return biased(fast::convolve(x, weight, conv, precision), bias);
    }
    let [kh, kw] = conv.kernel;
    let weight = weight.reshape([conv.outputs, conv.inputs / conv.groups, kh, kw]);
    let options = ConvOptions::new(conv.stride, conv.padding, conv.dilation, conv.groups);
    module::conv2d(x, weight, bias, options)
}

/// Whether products on the device can be in [`Precision::Bf16`].
pub(crate) fn bf16_serves(device: &Device) -> bool {
    fast::serves(device)
}

fn biased(y: Tensor<4>, bias: Option<Tensor<1>>) -> Tensor<4> {
    match bias {
        Some(bias) => {
            let channels = bias.dims()[0];
            y + bias.reshape([1, channels, 1, 1])
        }
        None => y,
    }
}

/// `activation(normalise(x) * scale + shift [+ residual])` over the channels, with the batch's
/// mean and biased variance `[c]` where the statistics came from the batch.
pub fn norm_act(
    x: Tensor<4>,
    affine: Option<(Tensor<1>, Tensor<1>)>,
    statistics: Statistics,
    eps: f64,
    residual: Option<Tensor<4>>,
    act: &Activation,
) -> (Tensor<4>, Option<(Tensor<1>, Tensor<1>)>) {
    if fast::available(&x) {
        return fast::normalise(x, affine, &statistics, eps, residual, act);
    }
    let channels = x.dims()[1];
    let device = x.device();
    let (scale, shift) = affine
        .unwrap_or_else(|| (Tensor::ones([channels], &device), Tensor::zeros([channels], &device)));
    let (y, batch) = match statistics {
        Statistics::Batch => {
            let out = module::batch_norm_train(x, scale, shift, eps);
            (out.output, Some((out.mean, out.variance)))
        }
        Statistics::Running(mean, variance) => {
            (module::batch_norm(x, scale, shift, mean, variance, eps), None)
        }
    };
    let y = match residual {
        Some(residual) => y + residual,
        None => y,
    };
    (activate(y, act), batch)
}

/// The activation alone.
pub fn activate(x: Tensor<4>, act: &Activation) -> Tensor<4> {
    match act {
        Activation::Identity => x,
        Activation::Relu => activation::relu(x),
        Activation::Relu6 => x.clamp(0.0, 6.0),
        Activation::Prelu(slopes) => activation::prelu(x, slopes.clone()),
    }
}

/// `x W^T + b` on vectors. `weight` is flat, `[outputs, inputs]`; for the precision see [`conv2d`].
pub fn linear(
    x: Tensor<4>,
    weight: Tensor<1>,
    bias: Option<Tensor<1>>,
    outputs: usize,
    precision: Precision,
) -> Tensor<4> {
    let [n, inputs, _, _] = x.dims();
    if precision == Precision::Bf16 && fast::available(&x) {
        let conv = Conv::square(inputs, outputs, 1, 1);
        return biased(fast::convolve(x, weight, &conv, precision), bias);
    }
    let y = x.reshape([n, inputs]).matmul(weight.reshape([outputs, inputs]).transpose());
    let y = match bias {
        Some(bias) => y + bias.reshape([1, outputs]),
        None => y,
    };
    y.reshape([n, outputs, 1, 1])
}

/// Maximum over a window.
pub fn max_pool(x: Tensor<4>, pool: &Pool) -> Tensor<4> {
    let options =
        MaxPoolOptions::new(pool.kernel).with_stride(pool.stride).with_padding(pool.padding);
    module::max_pool2d(x, options)
}

/// Mean over a window; padding counts as zeros.
pub fn avg_pool(x: Tensor<4>, pool: &Pool) -> Tensor<4> {
    let options =
        AvgPoolOptions::new(pool.kernel).with_stride(pool.stride).with_padding(pool.padding);
    module::avg_pool2d(x, options)
}

/// Mean over the whole map.
pub fn global_avg_pool(x: Tensor<4>) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    x.reshape([n, c, h * w]).mean_dim(2).reshape([n, c, 1, 1])
}

/// Every vector divided by its Euclidean length (at least 1e-12).
pub fn l2_normalise(x: Tensor<4>) -> Tensor<4> {
    let norm = x.clone().square().sum_dim(1).sqrt().clamp_min(1e-12);
    x / norm
}

/// Interleaves `groups` equal blocks of channels.
pub fn channel_shuffle(x: Tensor<4>, groups: usize) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    x.reshape([n, groups, c / groups, h, w]).swap_dims(1, 2).reshape([n, c, h, w])
}
