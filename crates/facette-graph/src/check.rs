//! What a graph must fulfil before anything is built from it, wherever it came from.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;

use crate::error::GraphError;
use crate::graph::Graph;
use crate::op::{Conv, Op, Pool, Shape};

/// Most nodes in a graph.
const NODES: usize = 1 << 16;
/// Most channels of a map, or length of a vector.
const CHANNELS: usize = 1 << 24;
/// Longest side of a map, a kernel, a stride or a padding.
const SIDE: usize = 1 << 14;
/// Most values in one map or one tensor.
const VALUES: usize = 1 << 30;

impl Graph {
    /// Whether the graph can be run: every node fits its inputs, sizes are within reason, weight
    /// names are unique, and taps lie where knowledge of their kind is read.
    ///
    /// # Errors
    /// Names the first node or tap that is wrong.
    pub fn check(&self) -> Result<(), GraphError> {
        let refuse = |node: &str, op: &'static str, problem: String| {
            Err(GraphError::Node { node: node.to_owned(), op, problem })
        };
        let whole = &self.architecture;
        if self.nodes.len() > NODES {
            return refuse(whole, "graph", format!("has more than {NODES} nodes"));
        }
        let shapes = self.shapes()?;
        let mut names = BTreeSet::new();
        for tensor in self.tensors() {
            if !names.insert(tensor.name.clone()) {
                return refuse(&tensor.name, "tensor", "is owned by two nodes".into());
            }
        }
        let taps = &self.taps;
        if taps.stages.len() != taps.before_activation.len() {
            return refuse(
                whole,
                "taps",
                format!(
                    "{} stages, and {} before the activation",
                    taps.stages.len(),
                    taps.before_activation.len()
                ),
            );
        }
        for &tap in [taps.embedding].iter().chain(&taps.logits) {
            let Shape { channels, height, width } = shapes[tap];
            if (height, width) != (1, 1) {
                return refuse(
                    &self.nodes[tap].path,
                    self.nodes[tap].op.kind(),
                    format!("embedding and logits are vectors, found {channels}x{height}x{width}"),
                );
            }
        }
        Ok(())
    }
}

/// Refuses an empty or unreasonably large shape.
pub(crate) fn shape(shape: Shape) -> Result<(), String> {
    let Shape { channels, height, width } = shape;
    let fits = (1..=CHANNELS).contains(&channels)
        && (1..=SIDE).contains(&height)
        && (1..=SIDE).contains(&width)
        && channels.checked_mul(height * width).is_some_and(|values| values <= VALUES);
    if fits { Ok(()) } else { Err(format!("yields {channels}x{height}x{width} values")) }
}

/// Refuses an operation whose own numbers are out of reason, before anything is computed with
/// them.
pub(crate) fn op(op: &Op) -> Result<(), String> {
    match op {
        Op::Conv(conv) => convolution(conv),
        Op::MaxPool(pool) | Op::AvgPool(pool) => pooling(pool),
        Op::BatchNorm { eps, .. } if !(*eps > 0.0 && *eps < 1.0) => {
            Err(format!("needs an eps between 0 and 1, found {eps}"))
        }
        Op::LeakyRelu { slope } if !slope.is_finite() => {
            Err(format!("needs a finite slope, found {slope}"))
        }
        Op::Linear { inputs, outputs, .. } => tensor(&[*inputs, *outputs]),
        Op::Channels { start, length } => match start.checked_add(*length) {
            Some(end) if *length > 0 && end <= CHANNELS => Ok(()),
            _ => Err(format!("takes {length} channels from {start}")),
        },
        _ => Ok(()),
    }
}

fn convolution(conv: &Conv) -> Result<(), String> {
    let [kh, kw] = conv.kernel;
    sides(&[conv.kernel, conv.stride, conv.padding, conv.dilation])?;
    tensor(&[conv.outputs, conv.inputs / conv.groups.max(1), kh, kw])
}

fn pooling(pool: &Pool) -> Result<(), String> {
    sides(&[pool.kernel, pool.stride, pool.padding])?;
    match (0..2).find(|&axis| 2 * pool.padding[axis] > pool.kernel[axis]) {
        None => Ok(()),
        Some(axis) => Err(format!(
            "pads by at most half of the window of {}, found {}",
            pool.kernel[axis], pool.padding[axis]
        )),
    }
}

fn sides(pairs: &[[usize; 2]]) -> Result<(), String> {
    match pairs.iter().flatten().find(|&&side| side > SIDE) {
        None => Ok(()),
        Some(side) => Err(format!("has a side of {side}, at most {SIDE} are allowed")),
    }
}

fn tensor(shape: &[usize]) -> Result<(), String> {
    let values = shape.iter().try_fold(1usize, |all, &side| all.checked_mul(side));
    match values {
        Some(1..=VALUES) => Ok(()),
        _ => Err(format!("owns a tensor of shape {shape:?}")),
    }
}
