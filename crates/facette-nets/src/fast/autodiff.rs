//! Our own gradients.

use burn::backend::tensor::FloatTensor;
use burn_autodiff::Autodiff;
use burn_autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops, OpsKind};

use super::{ConvSpec, CpuKernels, CpuOps, NormBackward, NormInputs, NormSpec};

impl<B: CpuKernels, C: CheckpointStrategy> CpuOps for Autodiff<B, C> {
    fn convolve(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        spec: ConvSpec,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), weight.node()];
        let (x, weight) = (x.into_primitive(), weight.into_primitive());
        let y = B::convolve_forward(&x, &weight, &spec);
        match Convolve.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((x, weight, spec), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }

    fn normalise(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        slopes: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        spec: NormSpec,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let nodes = [x.node(), gamma.node(), beta.node(), slopes.node(), residual.node()];
        let mut inputs = NormInputs {
            x: x.into_primitive(),
            gamma: gamma.into_primitive(),
            beta: beta.into_primitive(),
            slopes: slopes.into_primitive(),
            residual: residual.into_primitive(),
            mean: mean.into_primitive(),
            variance: variance.into_primitive(),
        };
        let (y, mean, variance) = B::normalise_forward(&inputs, spec);
        let statistics =
            (<FloatTensor<Self>>::new(mean.clone()), <FloatTensor<Self>>::new(variance.clone()));
        (inputs.mean, inputs.variance) = (mean, variance);
        let y = match Normalise.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((inputs, spec), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        };
        (y, statistics.0, statistics.1)
    }
}

#[derive(Debug)]
struct Normalise;

impl<B: CpuKernels> Backward<B, 5> for Normalise {
    type State = (NormInputs<B>, NormSpec);

    fn backward(
        self,
        ops: Ops<Self::State, 5>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let (inputs, spec) = ops.state;
        let dy = grads.consume::<B>(&ops.node);
        let NormBackward { dx, dgamma, dbeta, dslopes, dresidual } =
            B::normalise_backward(&inputs, spec, &dy);
        let gradients = [Some(dx), dgamma, dbeta, dslopes, dresidual];
        for (node, gradient) in ops.parents.into_iter().zip(gradients) {
            if let (Some(node), Some(gradient)) = (node, gradient) {
                grads.register::<B>(node.id, gradient);
            }
        }
    }
}

#[derive(Debug)]
struct Convolve;

impl<B: CpuKernels> Backward<B, 2> for Convolve {
    type State = (FloatTensor<B>, FloatTensor<B>, ConvSpec);

    fn backward(
        self,
        ops: Ops<Self::State, 2>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let [node_x, node_weight] = ops.parents;
        let (x, weight, spec) = ops.state;
        let dy = grads.consume::<B>(&ops.node);
        if let Some(node) = node_weight {
            grads.register::<B>(node.id, B::convolve_weight_gradient(&x, &dy, &spec));
        }
        if let Some(node) = node_x {
            grads.register::<B>(node.id, B::convolve_input_gradient(&dy, &weight, &spec));
        }
    }
}
