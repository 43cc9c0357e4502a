//! The CPU device's side of the extension.

use burn::backend::{Flex, TensorMetadata, tensor::FloatTensor};
use burn::tensor::{DType, Shape};
use burn_flex::{FlexTensor, Layout};
use facette_kernels::conv::{self, ConvShape};

use super::{CpuKernels, CpuOps};

impl CpuOps for Flex {
    fn convolve(x: FlexTensor, weight: FlexTensor, shape: ConvShape) -> FlexTensor {
        Self::convolve_forward(&x, &weight, &shape)
    }
}

impl CpuKernels for Flex {
    fn convolve_forward(x: &FlexTensor, weight: &FlexTensor, s: &ConvShape) -> FloatTensor<Self> {
        let (x, weight) = (x.to_contiguous(), weight.to_contiguous());
        let size = [s.batch(), s.out_channels(), s.out_height(), s.out_width()];
        filled(size.into(), |y| conv::conv2d(s, values(&x), values(&weight), None, y))
    }

    fn convolve_input_gradient(
        dy: &FlexTensor,
        weight: &FlexTensor,
        s: &ConvShape,
    ) -> FloatTensor<Self> {
        let (dy, weight) = (dy.to_contiguous(), weight.to_contiguous());
        let size = s.input_size();
        filled(size.into(), |dx| conv::conv2d_input_gradient(s, values(&dy), values(&weight), dx))
    }

    fn convolve_weight_gradient(
        x: &FlexTensor,
        dy: &FlexTensor,
        s: &ConvShape,
    ) -> FloatTensor<Self> {
        let (x, dy) = (x.to_contiguous(), dy.to_contiguous());
        filled([s.weight_len()].into(), |dw| {
            conv::conv2d_weight_gradient(s, values(&x), values(&dy), dw);
        })
    }
}

/// The values of a contiguous f32 tensor.
fn values(tensor: &FlexTensor) -> &[f32] {
    let start = tensor.layout().start_offset();
    &tensor.storage::<f32>()[start..start + tensor.shape().num_elements()]
}

/// A tensor of the given shape, written by `write`.
fn filled(shape: Shape, write: impl FnOnce(&mut [f32])) -> FlexTensor {
    let mut values = vec![0.0; shape.num_elements()];
    write(&mut values);
    let bytes = burn::tensor::Bytes::from_elems(values);
    FlexTensor::new(bytes, Layout::contiguous(shape), DType::F32)
}
