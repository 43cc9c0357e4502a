//! Writing a graph down the way a network is written down.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use crate::error::GraphError;
use crate::graph::{Graph, Input, Node, NodeId, Taps};
use crate::op::{Conv, Op, Pool, Shape};

/// Builds a [`Graph`] node by node. Paths are PyTorch module paths.
///
/// ```
/// use facette_graph::{Builder, Conv, Input};
/// let mut b = Builder::new("tiny", Input::colour(16));
/// let x = b.conv("conv1", 0, Conv::square(3, 8, 3, 2));
/// let x = b.norm("bn1", x);
/// let x = b.relu(x);
/// b.stage(x);
/// let pooled = b.global_average(x);
/// let embedding = b.linear("fc", pooled, 8, 4, true);
/// let graph = b.finish(embedding, None).unwrap();
/// assert_eq!(graph.counts().unwrap().parameters, 8 * 3 * 9 + 16 + 8 * 4 + 4);
/// ```
#[derive(Debug)]
pub struct Builder {
    architecture: String,
    input: Input,
    nodes: Vec<Node>,
    shapes: Vec<Option<Shape>>,
    stem: Option<NodeId>,
    stages: Vec<NodeId>,
}

impl Builder {
    /// Starts a network that takes `input`; the picture is node 0.
    pub fn new(architecture: impl Into<String>, input: Input) -> Self {
        let shape = Shape { channels: input.channels, height: input.height, width: input.width };
        Self {
            architecture: architecture.into(),
            input,
            nodes: vec![Node { path: String::new(), op: Op::Input, inputs: Vec::new() }],
            shapes: vec![Some(shape)],
            stem: None,
            stages: Vec::new(),
        }
    }

    /// Adds any operation.
    pub fn push(&mut self, path: impl Into<String>, op: Op, inputs: &[NodeId]) -> NodeId {
        let shapes: Option<Vec<Shape>> =
            inputs.iter().map(|&id| self.shapes.get(id).copied().flatten()).collect();
        self.shapes.push(shapes.and_then(|shapes| op.output(&shapes).ok()));
        self.nodes.push(Node { path: path.into(), op, inputs: inputs.to_vec() });
        self.nodes.len() - 1
    }

    /// Shape of a node's output; `None` where the graph is already known not to fit (which
    /// [`Builder::finish`] reports).
    pub fn shape(&self, id: NodeId) -> Option<Shape> {
        self.shapes.get(id).copied().flatten()
    }

    /// Channels of a node's output; 0 where the graph does not fit.
    pub fn channels(&self, id: NodeId) -> usize {
        self.shape(id).map_or(0, |shape| shape.channels)
    }

    /// A convolution.
    pub fn conv(&mut self, path: impl Into<String>, x: NodeId, conv: Conv) -> NodeId {
        self.push(path, Op::Conv(conv), &[x])
    }

    /// An affine batch normalisation with eps 1e-5.
    pub fn norm(&mut self, path: impl Into<String>, x: NodeId) -> NodeId {
        let channels = self.channels(x);
        self.push(path, Op::BatchNorm { channels, eps: 1e-5, affine: true }, &[x])
    }

    /// A convolution and the batch normalisation of its output.
    pub fn conv_norm(
        &mut self,
        conv_path: impl Into<String>,
        norm_path: impl Into<String>,
        x: NodeId,
        conv: Conv,
    ) -> NodeId {
        let y = self.conv(conv_path, x, conv);
        self.norm(norm_path, y)
    }

    /// ReLU.
    pub fn relu(&mut self, x: NodeId) -> NodeId {
        self.push("", Op::Relu, &[x])
    }

    /// PReLU with one slope a channel.
    pub fn prelu(&mut self, path: impl Into<String>, x: NodeId) -> NodeId {
        let slopes = self.channels(x);
        self.push(path, Op::Prelu { slopes }, &[x])
    }

    /// Maximum over a window.
    pub fn max_pool(&mut self, x: NodeId, pool: Pool) -> NodeId {
        self.push("", Op::MaxPool(pool), &[x])
    }

    /// Mean over the map.
    pub fn global_average(&mut self, x: NodeId) -> NodeId {
        self.push("", Op::GlobalAvgPool, &[x])
    }

    /// Mean over a window; padding counts as zeros.
    pub fn avg_pool(&mut self, x: NodeId, pool: Pool) -> NodeId {
        self.push("", Op::AvgPool(pool), &[x])
    }

    /// Inputs one after the other along the channels.
    pub fn concat(&mut self, inputs: &[NodeId]) -> NodeId {
        self.push("", Op::Concat, inputs)
    }

    /// The map without its first rows and columns.
    pub fn crop(&mut self, x: NodeId, rows: usize, columns: usize) -> NodeId {
        self.push("", Op::Crop { rows, columns }, &[x])
    }

    /// Side of a node's map, its rows; 0 where the graph does not fit.
    pub fn side(&self, id: NodeId) -> usize {
        self.shape(id).map_or(0, |shape| shape.height)
    }

    /// Sum of two nodes.
    pub fn add(&mut self, a: NodeId, b: NodeId) -> NodeId {
        self.push("", Op::Add, &[a, b])
    }

    /// The map as a vector.
    pub fn flatten(&mut self, x: NodeId) -> NodeId {
        self.push("", Op::Flatten, &[x])
    }

    /// A linear layer.
    pub fn linear(
        &mut self,
        path: impl Into<String>,
        x: NodeId,
        inputs: usize,
        outputs: usize,
        bias: bool,
    ) -> NodeId {
        self.push(path, Op::Linear { inputs, outputs, bias }, &[x])
    }

    /// Marks the output of the stem.
    pub fn stem(&mut self, x: NodeId) {
        self.stem = Some(x);
    }

    /// Marks the output of the next stage.
    pub fn stage(&mut self, x: NodeId) {
        self.stages.push(x);
    }

    /// The finished graph, read at `embedding` and, where it classifies, at `logits`.
    ///
    /// # Errors
    /// Names the first node that does not fit its inputs.
    pub fn finish(self, embedding: NodeId, logits: Option<NodeId>) -> Result<Graph, GraphError> {
        let before_activation = self
            .stages
            .iter()
            .map(|&stage| match self.nodes[stage].op {
                Op::Relu | Op::Relu6 | Op::LeakyRelu { .. } | Op::Prelu { .. } => {
                    self.nodes[stage].inputs[0]
                }
                _ => stage,
            })
            .collect();
        let taps =
            Taps { stem: self.stem, stages: self.stages, before_activation, embedding, logits };
        let graph =
            Graph { architecture: self.architecture, input: self.input, nodes: self.nodes, taps };
        graph.check()?;
        Ok(graph)
    }
}
