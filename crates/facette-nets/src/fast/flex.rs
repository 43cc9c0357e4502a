//! The CPU device's side of the extension.

use burn::backend::{Flex, TensorMetadata, tensor::FloatTensor};
use burn::tensor::{Bytes, DType, Shape};
use burn_flex::{FlexTensor, Layout};
use facette_kernels::conv::{self, bf16};
use facette_kernels::norm::{self, BatchNorm, NormGradients, Statistics};
use facette_kernels::{Activation, ChannelShape};

use super::{Act, ConvSpec, CpuKernels, CpuOps, NormBackward, NormInputs, NormSpec};
use crate::precision::Precision;

impl CpuOps for Flex {
    fn convolve(x: FlexTensor, weight: FlexTensor, spec: ConvSpec) -> FlexTensor {
        Self::convolve_forward(&x, &weight, &spec)
    }

    fn normalise(
        x: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        slopes: FlexTensor,
        residual: FlexTensor,
        mean: FlexTensor,
        variance: FlexTensor,
        spec: NormSpec,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let inputs = NormInputs { x, gamma, beta, slopes, residual, mean, variance };
        Self::normalise_forward(&inputs, spec)
    }
}

impl CpuKernels for Flex {
    fn convolve_forward(x: &FlexTensor, weight: &FlexTensor, spec: &ConvSpec) -> FloatTensor<Self> {
        let (x, weight) = (x.to_contiguous(), weight.to_contiguous());
        let s = &spec.shape;
        let size = [s.batch(), s.out_channels(), s.out_height(), s.out_width()];
        let convolve = match spec.precision {
            Precision::F32 => conv::conv2d_vec,
            Precision::Bf16 => bf16::conv2d_vec,
        };
        tensor(size.into(), convolve(s, values(&x), values(&weight), None))
    }

    fn convolve_input_gradient(
        dy: &FlexTensor,
        weight: &FlexTensor,
        spec: &ConvSpec,
    ) -> FloatTensor<Self> {
        let (dy, weight) = (dy.to_contiguous(), weight.to_contiguous());
        let gradient = match spec.precision {
            Precision::F32 => conv::conv2d_input_gradient_vec,
            Precision::Bf16 => bf16::conv2d_input_gradient_vec,
        };
        let size = spec.shape.input_size();
        tensor(size.into(), gradient(&spec.shape, values(&dy), values(&weight)))
    }

    fn convolve_weight_gradient(
        x: &FlexTensor,
        dy: &FlexTensor,
        spec: &ConvSpec,
    ) -> FloatTensor<Self> {
        let (x, dy) = (x.to_contiguous(), dy.to_contiguous());
        let gradient = match spec.precision {
            Precision::F32 => conv::conv2d_weight_gradient_vec,
            Precision::Bf16 => bf16::conv2d_weight_gradient_vec,
        };
        vector(gradient(&spec.shape, values(&x), values(&dy)))
    }

    fn normalise_forward(
        inputs: &NormInputs<Self>,
        spec: NormSpec,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let inputs = contiguous(inputs);
        let norm = described(&inputs, spec);
        let residual = spec.residual.then(|| values(&inputs.residual));
        let x = values(&inputs.x);
        let (y, used) = if spec.running {
            let running = given(&inputs);
            (norm::batch_norm_infer_vec(&norm, &running, x, residual), running)
        } else {
            norm::batch_norm_train_vec(&norm, x, residual)
        };
        (tensor(inputs.x.shape(), y), vector(used.mean), vector(used.variance))
    }

    fn normalise_backward(
        inputs: &NormInputs<Self>,
        spec: NormSpec,
        dy: &FlexTensor,
    ) -> NormBackward<Self> {
        let (inputs, dy) = (contiguous(inputs), dy.to_contiguous());
        let shape = inputs.x.shape();
        let NormGradients { dx, dgamma, dbeta, dslope, dresidual } = norm::batch_norm_backward(
            &described(&inputs, spec),
            &given(&inputs),
            !spec.running,
            values(&inputs.x),
            spec.residual.then(|| values(&inputs.residual)),
            values(&dy),
        );
        NormBackward {
            dx: tensor(shape.clone(), dx),
            dgamma: spec.affine.then(|| vector(dgamma)),
            dbeta: spec.affine.then(|| vector(dbeta)),
            dslopes: (spec.act == Act::Prelu).then(|| vector(dslope)),
            dresidual: dresidual.map(|values| tensor(shape, values)),
        }
    }
}

fn contiguous(inputs: &NormInputs<Flex>) -> NormInputs<Flex> {
    NormInputs {
        x: inputs.x.to_contiguous(),
        gamma: inputs.gamma.to_contiguous(),
        beta: inputs.beta.to_contiguous(),
        slopes: inputs.slopes.to_contiguous(),
        residual: inputs.residual.to_contiguous(),
        mean: inputs.mean.to_contiguous(),
        variance: inputs.variance.to_contiguous(),
    }
}

fn described(inputs: &NormInputs<Flex>, spec: NormSpec) -> BatchNorm<'_> {
    let [batch, channels, height, width] = inputs.x.shape().dims();
    BatchNorm {
        shape: ChannelShape::new(batch, channels, height * width)
            .expect("the graph's shapes were checked when the network was built"),
        gamma: spec.affine.then(|| values(&inputs.gamma)),
        beta: spec.affine.then(|| values(&inputs.beta)),
        epsilon: spec.eps,
        activation: match spec.act {
            Act::Identity => Activation::Identity,
            Act::Relu => Activation::Relu,
            Act::Relu6 => Activation::Relu6,
            Act::Prelu => Activation::Prelu(values(&inputs.slopes)),
        },
    }
}

fn given(inputs: &NormInputs<Flex>) -> Statistics {
    let read = |tensor: &FlexTensor| values(tensor).to_vec();
    Statistics { mean: read(&inputs.mean), variance: read(&inputs.variance) }
}

/// The values of a contiguous f32 tensor.
fn values(tensor: &FlexTensor) -> &[f32] {
    let start = tensor.layout().start_offset();
    &tensor.storage::<f32>()[start..start + tensor.shape().num_elements()]
}

fn vector(values: Vec<f32>) -> FlexTensor {
    tensor([values.len()].into(), values)
}

fn tensor(shape: Shape, values: Vec<f32>) -> FlexTensor {
    FlexTensor::new(Bytes::from_elems(values), Layout::contiguous(shape), DType::F32)
}
