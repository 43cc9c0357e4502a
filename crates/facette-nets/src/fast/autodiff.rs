//! Our own gradients.

use burn::backend::tensor::FloatTensor;
use burn_autodiff::Autodiff;
use burn_autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops, OpsKind};
use facette_kernels::conv::ConvShape;

use super::{CpuKernels, CpuOps};

impl<B: CpuKernels, C: CheckpointStrategy> CpuOps for Autodiff<B, C> {
    fn convolve(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        shape: ConvShape,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), weight.node()];
        let (x, weight) = (x.into_primitive(), weight.into_primitive());
        let y = B::convolve_forward(&x, &weight, &shape);
        match Convolve.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((x, weight, shape), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }
}

#[derive(Debug)]
struct Convolve;

impl<B: CpuKernels> Backward<B, 2> for Convolve {
    type State = (FloatTensor<B>, FloatTensor<B>, ConvShape);

    fn backward(
        self,
        ops: Ops<Self::State, 2>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let [node_x, node_weight] = ops.parents;
        let (x, weight, shape) = ops.state;
        let dy = grads.consume::<B>(&ops.node);
        if let Some(node) = node_weight {
            grads.register::<B>(node.id, B::convolve_weight_gradient(&x, &dy, &shape));
        }
        if let Some(node) = node_x {
            grads.register::<B>(node.id, B::convolve_input_gradient(&dy, &weight, &shape));
        }
    }
}
