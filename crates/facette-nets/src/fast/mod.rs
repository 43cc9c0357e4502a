//! Our own CPU kernels in the place of the framework's, forwards and backwards.
//!
//! [`CpuOps`] is a backend extension: on the CPU device its operations run the kernels of
//! `facette-kernels` and register their own gradients; `available` says whether a tensor lives
//! there. On every other device [`crate::ops`] uses the framework's operations.

mod autodiff;
mod flex;

use std::sync::LazyLock;

use burn::backend::Dispatch;
use burn::backend::{Backend, DispatchDevice, backend_extension, tensor::FloatTensor};
use burn::tensor::{DType, Device, Tensor};
use facette_graph::Conv;
use facette_kernels::conv::{ConvOptions, ConvShape};

use crate::ops::{Activation, Statistics};
use crate::precision::Precision;

/// Layer operations whose gradients are our own.
#[backend_extension(Flex, Autodiff)]
pub trait CpuOps: Backend {
    /// 2-d convolution of `x [n, c, h, w]` with the flat `weight`.
    fn convolve(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        spec: ConvSpec,
    ) -> FloatTensor<Self>;

    /// Normalisation over the channels, with what follows it; yields the output and the
    /// statistics used, `[c]` each, which carry no gradient. What [`NormSpec`] leaves out is given
    /// as any tensor.
    #[allow(clippy::too_many_arguments)]
    fn normalise(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        slopes: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        spec: NormSpec,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

/// A convolution, and what its products are computed in, forwards and backwards.
#[derive(Debug, Clone, Copy)]
pub struct ConvSpec {
    /// The geometry.
    pub shape: ConvShape,
    /// Of the operands.
    pub precision: Precision,
}

/// Which parts a fused normalisation has.
#[derive(Debug, Clone, Copy)]
pub struct NormSpec {
    /// Added to the variance.
    pub eps: f32,
    /// Whether scale and shift are given.
    pub affine: bool,
    /// Whether a residual is added.
    pub residual: bool,
    /// Whether mean and variance are given; otherwise they are the batch's.
    pub running: bool,
    /// What follows.
    pub act: Act,
}

/// The activation of a fused normalisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Nothing.
    Identity,
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, 0), 6)`.
    Relu6,
    /// Slopes below zero are given.
    Prelu,
}

/// Inputs of [`CpuOps::normalise`].
#[derive(Debug, Clone)]
pub struct NormInputs<B: Backend> {
    /// `[n, c, h, w]`.
    pub x: FloatTensor<B>,
    /// `[c]`.
    pub gamma: FloatTensor<B>,
    /// `[c]`.
    pub beta: FloatTensor<B>,
    /// `[c]` or `[1]`.
    pub slopes: FloatTensor<B>,
    /// `[n, c, h, w]`.
    pub residual: FloatTensor<B>,
    /// `[c]`.
    pub mean: FloatTensor<B>,
    /// Biased, `[c]`.
    pub variance: FloatTensor<B>,
}

/// Gradients of [`CpuOps::normalise`]; those of parts left out are `None`.
#[derive(Debug)]
pub struct NormBackward<B: Backend> {
    /// By the input.
    pub dx: FloatTensor<B>,
    /// By the scale.
    pub dgamma: Option<FloatTensor<B>>,
    /// By the shift.
    pub dbeta: Option<FloatTensor<B>>,
    /// By the slopes.
    pub dslopes: Option<FloatTensor<B>>,
    /// By the residual.
    pub dresidual: Option<FloatTensor<B>>,
}

/// What the gradients of [`CpuOps`] are made of; runs without autodiff.
pub trait CpuKernels: Backend {
    /// Forward pass of [`CpuOps::convolve`].
    fn convolve_forward(
        x: &FloatTensor<Self>,
        weight: &FloatTensor<Self>,
        spec: &ConvSpec,
    ) -> FloatTensor<Self>;

    /// Gradient by the input, shaped as the input.
    fn convolve_input_gradient(
        dy: &FloatTensor<Self>,
        weight: &FloatTensor<Self>,
        spec: &ConvSpec,
    ) -> FloatTensor<Self>;

    /// Gradient by the weight, flat.
    fn convolve_weight_gradient(
        x: &FloatTensor<Self>,
        dy: &FloatTensor<Self>,
        spec: &ConvSpec,
    ) -> FloatTensor<Self>;

    /// Forward pass of [`CpuOps::normalise`]: output, mean and variance.
    fn normalise_forward(
        inputs: &NormInputs<Self>,
        spec: NormSpec,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    /// Gradients of [`CpuOps::normalise`]; `inputs` hold the statistics that were used.
    fn normalise_backward(
        inputs: &NormInputs<Self>,
        spec: NormSpec,
        dy: &FloatTensor<Self>,
    ) -> NormBackward<Self>;
}

/// Whether our kernels serve a tensor: f32, on a device that [they serve](serves).
pub(crate) fn available<const D: usize>(tensor: &Tensor<D>) -> bool {
    tensor.dtype() == DType::F32 && serves(&tensor.device())
}

/// Whether our kernels serve a device: the CPU, where the environment variable `FACETTE_KERNELS` does
/// not ask for the `framework`'s operations to compare them with.
pub(crate) fn serves(device: &Device) -> bool {
    static OURS: LazyLock<bool> =
        LazyLock::new(|| std::env::var("FACETTE_KERNELS").ok().as_deref() != Some("framework"));
    *OURS && matches!(device.clone().inner().as_dispatch(), DispatchDevice::Flex(_))
}

/// [`crate::ops::conv2d`] without a bias, by our kernels.
pub(crate) fn convolve(
    x: Tensor<4>,
    weight: Tensor<1>,
    conv: &Conv,
    precision: Precision,
) -> Tensor<4> {
    let options = ConvOptions {
        stride: conv.stride,
        padding: conv.padding,
        dilation: conv.dilation,
        groups: conv.groups,
    };
    let shape = ConvShape::new(x.dims(), conv.outputs, conv.kernel, options)
        .expect("the graph's shapes were checked when the network was built");
    let spec = ConvSpec { shape, precision };
    Tensor::from_dispatch(Dispatch::convolve(x.into_dispatch(), weight.into_dispatch(), spec))
}

/// [`crate::ops::norm_act`] by our kernels.
pub(crate) fn normalise(
    x: Tensor<4>,
    affine: Option<(Tensor<1>, Tensor<1>)>,
    statistics: &Statistics,
    eps: f64,
    residual: Option<Tensor<4>>,
    act: &Activation,
) -> (Tensor<4>, Option<(Tensor<1>, Tensor<1>)>) {
    let absent = || Tensor::<1>::zeros([1], &x.device()).into_dispatch();
    let (act, slopes) = match act {
        Activation::Identity => (Act::Identity, absent()),
        Activation::Relu => (Act::Relu, absent()),
        Activation::Relu6 => (Act::Relu6, absent()),
        Activation::Prelu(slopes) => (Act::Prelu, slopes.clone().into_dispatch()),
    };
    let spec = NormSpec {
        eps: eps as f32,
        affine: affine.is_some(),
        residual: residual.is_some(),
        running: matches!(statistics, Statistics::Running(..)),
        act,
    };
    let (gamma, beta) = affine
        .map_or_else(|| (absent(), absent()), |(g, b)| (g.into_dispatch(), b.into_dispatch()));
    let residual = residual.map_or_else(absent, Tensor::into_dispatch);
    let (mean, variance) = match statistics {
        Statistics::Batch => (absent(), absent()),
        Statistics::Running(m, v) => (m.clone().into_dispatch(), v.clone().into_dispatch()),
    };
    let (y, mean, variance) =
        Dispatch::normalise(x.into_dispatch(), gamma, beta, slopes, residual, mean, variance, spec);
    let batch =
        (!spec.running).then(|| (Tensor::from_dispatch(mean), Tensor::from_dispatch(variance)));
    (Tensor::from_dispatch(y), batch)
}
