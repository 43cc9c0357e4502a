//! Our own CPU kernels in the place of the framework's, forwards and backwards.
//!
//! [`CpuOps`] is a backend extension: on the CPU device its operations run the kernels of
//! `facette-kernels` and register their own gradients; [`available`] says whether a tensor lives
//! there. On every other device [`crate::ops`] uses the framework's operations.

mod autodiff;
mod flex;

use burn::backend::Dispatch;
use burn::backend::{Backend, DispatchDevice, backend_extension, tensor::FloatTensor};
use burn::tensor::{DType, Tensor};
use facette_graph::Conv;
use facette_kernels::conv::{ConvOptions, ConvShape};

/// Layer operations whose gradients are our own.
#[backend_extension(Flex, Autodiff)]
pub trait CpuOps: Backend {
    /// 2-d convolution of `x [n, c, h, w]` with the flat `weight`.
    fn convolve(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        shape: ConvShape,
    ) -> FloatTensor<Self>;
}

/// What the gradients of [`CpuOps`] are made of; runs without autodiff.
pub trait CpuKernels: Backend {
    /// Forward pass of [`CpuOps::convolve`].
    fn convolve_forward(
        x: &FloatTensor<Self>,
        weight: &FloatTensor<Self>,
        shape: &ConvShape,
    ) -> FloatTensor<Self>;

    /// Gradient by the input, shaped as the input.
    fn convolve_input_gradient(
        dy: &FloatTensor<Self>,
        weight: &FloatTensor<Self>,
        shape: &ConvShape,
    ) -> FloatTensor<Self>;

    /// Gradient by the weight, flat.
    fn convolve_weight_gradient(
        x: &FloatTensor<Self>,
        dy: &FloatTensor<Self>,
        shape: &ConvShape,
    ) -> FloatTensor<Self>;
}

/// Whether our kernels serve a tensor: f32, on the CPU device.
pub(crate) fn available<const D: usize>(tensor: &Tensor<D>) -> bool {
    tensor.dtype() == DType::F32
        && matches!(tensor.device().inner().as_dispatch(), DispatchDevice::Flex(_))
}

/// [`crate::ops::conv2d`] without a bias, by our kernels.
pub(crate) fn convolve(x: Tensor<4>, weight: Tensor<1>, conv: &Conv) -> Tensor<4> {
    let options = ConvOptions {
        stride: conv.stride,
        padding: conv.padding,
        dilation: conv.dilation,
        groups: conv.groups,
    };
    let shape = ConvShape::new(x.dims(), conv.outputs, conv.kernel, options)
        .expect("the graph's shapes were checked when the network was built");
    Tensor::from_dispatch(Dispatch::convolve(x.into_dispatch(), weight.into_dispatch(), shape))
}
