//! The CPU device's side of the extension.

use burn::backend::{Flex, TensorMetadata, tensor::FloatTensor};
use burn::tensor::{Bytes, DType, Shape};
use burn_flex::{FlexTensor, Layout};
use facette_kernels::conv::{self, ConvShape};
use facette_kernels::norm::{self, BatchNorm, NormGradients, Statistics};
use facette_kernels::{Activation, ChannelShape};

use super::{Act, CpuKernels, CpuOps, NormBackward, NormInputs, NormSpec};

impl CpuOps for Flex {
    fn convolve(x: FlexTensor, weight: FlexTensor, shape: ConvShape) -> FlexTensor {
        Self::convolve_forward(&x, &weight, &shape)
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

    fn normalise_forward(
        inputs: &NormInputs<Self>,
        spec: NormSpec,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let inputs = contiguous(inputs);
        let norm = described(&inputs, spec);
        let residual = spec.residual.then(|| values(&inputs.residual));
        let x = values(&inputs.x);
        let mut used = None;
        let y = filled(inputs.x.shape(), |y| {
            used = Some(match spec.running {
                true => {
                    let running = given(&inputs);
                    norm::batch_norm_infer(&norm, &running, x, residual, y);
                    running
                }
                false => norm::batch_norm_train(&norm, x, residual, y),
            });
        });
        let used = used.expect("set while the output was written");
        (y, vector(used.mean), vector(used.variance))
    }

    fn normalise_backward(
        inputs: &NormInputs<Self>,
        spec: NormSpec,
        dy: &FlexTensor,
    ) -> NormBackward<Self> {
        let (inputs, dy) = (contiguous(inputs), dy.to_contiguous());
        let (x, shape) = (values(&inputs.x), inputs.x.shape());
        let zeros = |tensor: &FlexTensor| vec![0.0; tensor.shape().num_elements()];
        let mut dx = zeros(&inputs.x);
        let mut dgamma = spec.affine.then(|| zeros(&inputs.gamma));
        let mut dbeta = spec.affine.then(|| zeros(&inputs.beta));
        let mut dslope = (spec.act == Act::Prelu).then(|| zeros(&inputs.slopes));
        let mut dresidual = spec.residual.then(|| zeros(&inputs.residual));
        norm::batch_norm_backward(
            &described(&inputs, spec),
            &given(&inputs),
            !spec.running,
            x,
            spec.residual.then(|| values(&inputs.residual)),
            values(&dy),
            NormGradients {
                dx: &mut dx,
                dgamma: dgamma.as_deref_mut(),
                dbeta: dbeta.as_deref_mut(),
                dslope: dslope.as_deref_mut(),
                dresidual: dresidual.as_deref_mut(),
            },
        );
        NormBackward {
            dx: tensor(shape.clone(), dx),
            dgamma: dgamma.map(vector),
            dbeta: dbeta.map(vector),
            dslopes: dslope.map(vector),
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

/// A tensor of the given shape, written by `write`.
fn filled(shape: Shape, write: impl FnOnce(&mut [f32])) -> FlexTensor {
    let mut values = vec![0.0; shape.num_elements()];
    write(&mut values);
    tensor(shape, values)
}

fn vector(values: Vec<f32>) -> FlexTensor {
    tensor([values.len()].into(), values)
}

fn tensor(shape: Shape, values: Vec<f32>) -> FlexTensor {
    FlexTensor::new(Bytes::from_elems(values), Layout::contiguous(shape), DType::F32)
}
