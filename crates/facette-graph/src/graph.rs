//! A network as a list of nodes in execution order.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::check;
use crate::error::GraphError;
use crate::op::{Op, Shape};
use crate::tensor::{TensorSpec, tensors};

/// Position of a node in [`Graph::nodes`].
pub type NodeId = usize;

/// The picture a network takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Channels: 3 for colour, 1 for grey, or the length of a vector.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl Input {
    /// A colour picture of `size` by `size`.
    pub fn colour(size: usize) -> Self {
        Self::square(3, size)
    }

    /// A picture of `size` by `size` with `channels` channels.
    pub fn square(channels: usize, size: usize) -> Self {
        Self { channels, height: size, width: size }
    }
}

/// One operation, where its input comes from, and the path its weights are stored under.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// PyTorch module path, e.g. `layer1.0.conv1`; may be shared by operations without weights.
    pub path: String,
    /// What it does.
    #[serde(flatten)]
    pub op: Op,
    /// Nodes it reads, all earlier in the list. Written as `from`, because operations have inputs
    /// of their own.
    #[serde(rename = "from")]
    pub inputs: Vec<NodeId>,
}

/// Where knowledge is read off a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taps {
    /// Output of the stem, where the network has one apart from its first stage.
    pub stem: Option<NodeId>,
    /// Output map of every stage, shallow to deep, after the activation.
    pub stages: Vec<NodeId>,
    /// The same before the last activation of the stage, where there is one (for AB and FitNet
    /// forms that ask for it); as long as `stages`.
    pub before_activation: Vec<NodeId>,
    /// The vector a face is compared by; of a classifier the pooled penultimate feature.
    pub embedding: NodeId,
    /// Class scores, where the network has a classifier.
    pub logits: Option<NodeId>,
}

/// A network: operations in execution order, and where its knowledge is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Graph {
    /// Architecture name as in the registry.
    pub architecture: String,
    /// What it takes.
    pub input: Input,
    /// Operations; node 0 is [`Op::Input`].
    pub nodes: Vec<Node>,
    /// Where knowledge is read.
    pub taps: Taps,
}

impl Graph {
    /// Shape of every node's output for one picture.
    ///
    /// # Errors
    /// Names the first node that does not fit its inputs, or that reads a later node.
    pub fn shapes(&self) -> Result<Vec<Shape>, GraphError> {
        let mut shapes: Vec<Shape> = Vec::with_capacity(self.nodes.len());
        for (id, node) in self.nodes.iter().enumerate() {
            let refuse = |problem: String| GraphError::Node {
                node: node.path.clone(),
                op: node.op.kind(),
                problem,
            };
            if (id == 0) != matches!(node.op, Op::Input) {
                return Err(refuse("the first node, and only the first, is the input".into()));
            }
            if id == 0 {
                let Input { channels, height, width } = self.input;
                let picture = Shape { channels, height, width };
                check::shape(picture).map_err(refuse)?;
                shapes.push(picture);
                continue;
            }
            let inputs = node
                .inputs
                .iter()
                .map(|&from| shapes.get(from).copied())
                .collect::<Option<Vec<Shape>>>()
                .ok_or_else(|| refuse(format!("reads {:?}, not all before {id}", node.inputs)))?;
            shapes.push(node.op.output(&inputs).map_err(refuse)?);
        }
        let taps = &self.taps;
        let tapped = taps.stem.iter().chain(&taps.stages).chain(&taps.before_activation);
        for &tap in tapped.chain([&taps.embedding]).chain(&taps.logits) {
            if tap >= shapes.len() {
                return Err(GraphError::Node {
                    node: self.architecture.clone(),
                    op: "taps",
                    problem: format!("tap {tap} of {} nodes", shapes.len()),
                });
            }
        }
        Ok(shapes)
    }

    /// Every tensor the network owns, in execution order.
    pub fn tensors(&self) -> Vec<TensorSpec> {
        self.nodes.iter().flat_map(|node| tensors(&node.path, &node.op)).collect()
    }

    /// Tensors of one node, in PyTorch's order.
    pub fn node_tensors(&self, id: NodeId) -> Vec<TensorSpec> {
        self.nodes.get(id).map(|node| tensors(&node.path, &node.op)).unwrap_or_default()
    }

    /// The network that ends at `last`: later nodes and the taps on them are dropped. Use it to
    /// leave a classifier behind: `graph.ending_at(graph.taps.embedding)`.
    pub fn ending_at(&self, last: NodeId) -> Graph {
        let mut graph = self.clone();
        graph.nodes.truncate(last + 1);
        let taps = &mut graph.taps;
        let stages = taps.stages.iter().zip(&taps.before_activation);
        let (stages, before_activation) =
            stages.filter(|(stage, before)| *stage.max(before) <= &last).unzip();
        (taps.stages, taps.before_activation) = (stages, before_activation);
        taps.stem = taps.stem.filter(|tap| *tap <= last);
        taps.logits = taps.logits.filter(|tap| *tap <= last);
        taps.embedding = taps.embedding.min(last);
        graph
    }

    /// The network that takes the output of node `first` as its picture and ends as this one does:
    /// what only earlier nodes need is dropped, and so are the taps on it. Its paths stay.
    ///
    /// # Errors
    /// If what remains reads other earlier nodes, too, or nothing remains.
    pub fn starting_at(&self, first: NodeId) -> Result<Graph, GraphError> {
        let shapes = self.shapes()?;
        let refuse = |problem: String| GraphError::Node {
            node: self.nodes.get(first).map(|node| node.path.clone()).unwrap_or_default(),
            op: self.nodes.get(first).map_or("none", |node| node.op.kind()),
            problem,
        };
        let Some(&Shape { channels, height, width }) = shapes.get(first) else {
            return Err(refuse(format!("node {first} of {}", shapes.len())));
        };
        let mut needed = vec![false; self.nodes.len()];
        for &end in [self.taps.embedding].iter().chain(&self.taps.logits) {
            needed[end] = true;
        }
        for id in (first + 1..self.nodes.len()).rev() {
            if needed[id] {
                self.nodes[id].inputs.iter().for_each(|&input| needed[input] = true);
            }
        }
        if let Some(earlier) = (0..first).find(|&id| needed[id]) {
            let problem = format!("a network cannot start here, later nodes read node {earlier}");
            return Err(refuse(problem));
        }
        let mut places = vec![None; self.nodes.len()];
        places[first] = Some(0);
        let mut nodes = vec![Node { path: String::new(), op: Op::Input, inputs: Vec::new() }];
        for id in (first + 1..self.nodes.len()).filter(|&id| needed[id]) {
            let node = &self.nodes[id];
            let inputs = node.inputs.iter().map(|&input| places[input]).collect::<Option<_>>();
            let inputs = inputs.ok_or_else(|| refuse(format!("node {id} reads nothing kept")))?;
            places[id] = Some(nodes.len());
            nodes.push(Node { inputs, ..node.clone() });
        }
        let after = |tap: NodeId| places[tap].filter(|_| tap > first);
        let stages = self.taps.stages.iter().zip(&self.taps.before_activation);
        let (stages, before_activation) =
            stages.filter_map(|(&map, &before)| Some((after(map)?, after(before)?))).unzip();
        let embedding = places[self.taps.embedding];
        let taps = Taps {
            stem: None,
            stages,
            before_activation,
            embedding: embedding.ok_or_else(|| refuse("nothing comes after it".into()))?,
            logits: self.taps.logits.and_then(after),
        };
        let input = Input { channels, height, width };
        let graph = Graph { architecture: self.architecture.clone(), input, nodes, taps };
        graph.check()?;
        Ok(graph)
    }
}
