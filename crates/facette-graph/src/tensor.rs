//! The named tensors a graph needs.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::op::Op;

/// What a tensor is for; decides weight decay, optimisation and counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TensorKind {
    /// Kernel of a convolution or matrix of a linear layer.
    Weight,
    /// Bias of a convolution or linear layer.
    Bias,
    /// Scale of a normalisation.
    NormScale,
    /// Shift of a normalisation.
    NormShift,
    /// Slopes of a PReLU.
    Slope,
    /// Running mean; not learned, not a parameter.
    RunningMean,
    /// Running (unbiased) variance; not learned, not a parameter.
    RunningVariance,
}

impl TensorKind {
    /// Whether gradient descent changes it.
    pub fn is_learned(self) -> bool {
        !matches!(self, Self::RunningMean | Self::RunningVariance)
    }
}

/// A tensor of a network: its PyTorch name, shape and kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TensorSpec {
    /// Name in a state dict, e.g. `layer1.0.conv1.weight`.
    pub name: String,
    /// Shape, outermost first.
    pub shape: Vec<usize>,
    /// What it is for.
    pub kind: TensorKind,
}

impl TensorSpec {
    /// Values in it.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Tensors of one operation whose path is `path`, in PyTorch's order.
pub(crate) fn tensors(path: &str, op: &Op) -> Vec<TensorSpec> {
    let spec = |leaf: &str, shape: Vec<usize>, kind| TensorSpec {
        name: if path.is_empty() { leaf.to_owned() } else { format!("{path}.{leaf}") },
        shape,
        kind,
    };
    let mut list = Vec::new();
    match op {
        Op::Conv(conv) => {
            let [kh, kw] = conv.kernel;
            let shape = vec![conv.outputs, conv.inputs / conv.groups.max(1), kh, kw];
            list.push(spec("weight", shape, TensorKind::Weight));
            if conv.bias {
                list.push(spec("bias", vec![conv.outputs], TensorKind::Bias));
            }
        }
        Op::Linear { inputs, outputs, bias } => {
            list.push(spec("weight", vec![*outputs, *inputs], TensorKind::Weight));
            if *bias {
                list.push(spec("bias", vec![*outputs], TensorKind::Bias));
            }
        }
        Op::BatchNorm { channels, affine, .. } => {
            if *affine {
                list.push(spec("weight", vec![*channels], TensorKind::NormScale));
                list.push(spec("bias", vec![*channels], TensorKind::NormShift));
            }
            list.push(spec("running_mean", vec![*channels], TensorKind::RunningMean));
            list.push(spec("running_var", vec![*channels], TensorKind::RunningVariance));
        }
        Op::Prelu { slopes } => list.push(spec("weight", vec![*slopes], TensorKind::Slope)),
        _ => {}
    }
    list
}
