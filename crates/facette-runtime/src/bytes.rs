//! What of a network is stored in bytes.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;

use facette_graph::{Arrays, Card, Graph, GraphError, NodeId, Quantisation, TensorKind};
use facette_kernels::infer::Code;

/// How the activations and weights of a network are stored in bytes.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Bytes {
    /// The codes of those nodes' values that are stored in bytes.
    pub(crate) codes: BTreeMap<NodeId, Code>,
    /// Weights of nodes as integers, and the step of each output channel.
    pub(crate) weights: BTreeMap<NodeId, (Vec<i8>, Vec<f32>)>,
}

impl Bytes {
    /// Reads what the card says of its graph, of which `graph` and `arrays` are the folded form.
    pub(crate) fn new(
        card: &Card,
        quantisation: &Quantisation,
        graph: &Graph,
        arrays: &Arrays,
    ) -> Result<Self, GraphError> {
        let refuse = |field: &str, problem: &str| {
            let (field, problem) = (format!("quantisation.{field}"), problem.to_owned());
            Err(GraphError::Card { field, problem })
        };
        if card.graph.nodes != graph.nodes {
            return refuse("activations", "names nodes of a graph that is not folded");
        }
        let mut bytes = Self::default();
        for code in &quantisation.activations {
            let Some(read) = Code::new(code.scale, code.zero) else {
                return refuse("activations", "has a scale that is not positive");
            };
            bytes.codes.insert(code.node, read);
        }
        for id in 0..graph.nodes.len() {
            let specs = graph.node_tensors(id).into_iter();
            for spec in specs.filter(|spec| spec.kind == TensorKind::Weight) {
                if let Some(steps) = quantisation.weights.get(&spec.name) {
                    let integers = quantisation.integers(&spec.name, &arrays[&spec.name])?;
                    bytes.weights.insert(id, (integers, steps.clone()));
                }
            }
        }
        Ok(bytes)
    }
}
