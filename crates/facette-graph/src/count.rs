//! What a network costs: parameters, multiply-accumulates, activations.

use alloc::vec::Vec;

use serde::Serialize;

use crate::error::GraphError;
use crate::graph::Graph;
use crate::op::Op;

/// Costs of one network for one picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Learned values; running statistics are not counted.
    pub parameters: usize,
    /// Multiply-accumulates of convolutions and linear layers.
    pub macs: usize,
    /// Values of the picture and of every convolution, pooling and linear output; normalisations
    /// and activations work in place. Four bytes each, this is the reading that meets the
    /// memory published for low-resolution students (bridge 0.057 MB, selective 0.15 MB,
    /// few-shot 30 KB).
    pub activations: usize,
    /// Most values alive at once when every node's output is freed after its last reader, and
    /// element-wise operations work in place.
    pub peak: usize,
}

impl Graph {
    /// Counts what the network costs for one picture.
    ///
    /// # Errors
    /// As [`Graph::shapes`].
    pub fn counts(&self) -> Result<Counts, GraphError> {
        let shapes = self.shapes()?;
        let parameters =
            self.tensors().iter().filter(|t| t.kind.is_learned()).map(|t| t.len()).sum();
        let (mut macs, mut activations) = (0usize, 0usize);
        for (node, shape) in self.nodes.iter().zip(&shapes) {
            let per_value = match &node.op {
                Op::Conv(c) => c.kernel[0] * c.kernel[1] * c.inputs / c.groups,
                Op::Linear { inputs, .. } => *inputs,
                Op::Input | Op::MaxPool(_) | Op::AvgPool(_) | Op::GlobalAvgPool => 0,
                _ => continue,
            };
            macs = macs.saturating_add(per_value.saturating_mul(shape.len()));
            activations = activations.saturating_add(shape.len());
        }
        Ok(Counts { parameters, macs, activations, peak: self.peak(&shapes) })
    }

    fn peak(&self, shapes: &[crate::op::Shape]) -> usize {
        let mut last_reader: Vec<usize> = (0..self.nodes.len()).collect();
        for (id, node) in self.nodes.iter().enumerate() {
            for &from in &node.inputs {
                last_reader[from] = last_reader[from].max(id);
            }
        }
        let (mut alive, mut peak) = (0usize, 0usize);
        for (id, node) in self.nodes.iter().enumerate() {
            let dies = |from: usize| last_reader[from] == id;
            let in_place = matches!(
                node.op,
                Op::BatchNorm { .. }
                    | Op::Relu
                    | Op::Relu6
                    | Op::LeakyRelu { .. }
                    | Op::Prelu { .. }
                    | Op::Sigmoid
                    | Op::Add
                    | Op::Flatten
                    | Op::L2Normalise
            ) && node.inputs.iter().any(|&from| dies(from));
            let freed: usize = {
                let mut dying: Vec<usize> =
                    node.inputs.iter().copied().filter(|&from| dies(from)).collect();
                dying.sort_unstable();
                dying.dedup();
                dying.iter().map(|&from| shapes[from].len()).sum()
            };
            let needed = shapes[id].len();
            peak = peak.max(if in_place { alive } else { alive + needed });
            alive = alive + needed - freed;
        }
        peak
    }
}
