//! A float network, and what was seen of it on faces.

use std::collections::BTreeMap;

use facette_graph::{Arrays, ByteCode, Card, Graph, NodeId, Op, Quantisation, StudentFile};

use super::QuantiseOptions;
use super::observe::{Seen, observe};
use super::weights;
use crate::error::RuntimeError;
use crate::fold::fold;
use crate::fuse::{Fused, fuse};
use crate::input::{Face, Input};
use crate::plan::Plan;

/// A folded float network, and what was seen of it on faces: any number of int8 students can be
/// made of it.
pub(super) struct Calibration {
    card: Card,
    pub(super) graph: Graph,
    pub(super) arrays: Arrays,
    pub(super) seen: BTreeMap<NodeId, Seen>,
    faces: usize,
}

impl Calibration {
    /// Shows the faces to the student.
    ///
    /// # Errors
    /// If the student is int8 already or cannot be run, if there is no face, or if one cannot be
    /// brought to the student's size.
    pub(super) fn new(file: &StudentFile, faces: &[Face<'_>]) -> Result<Self, RuntimeError> {
        let card = file.card();
        if card.quantisation.is_some() {
            return Err(RuntimeError::Quantised);
        }
        if faces.is_empty() {
            return Err(RuntimeError::Empty { what: "faces to calibrate on" });
        }
        let input = Input::new(card)?;
        let (graph, arrays) = fold(&card.graph, file.arrays())?;
        let plan = Plan::new(&graph, &arrays, &input, None)?;
        let seen = observe(&graph, &plan, &input, faces)?;
        Ok(Self { card: card.clone(), graph, arrays, seen, faces: faces.len() })
    }

    /// The float student that was shown the faces, folded, with these weights.
    pub(super) fn folded(mut self, arrays: Arrays) -> Result<StudentFile, RuntimeError> {
        self.card.graph = self.graph;
        Ok(StudentFile::new(self.card, arrays)?)
    }

    /// The int8 student.
    pub(super) fn student(&self, options: QuantiseOptions) -> Result<StudentFile, RuntimeError> {
        let groups = fuse(&self.graph);
        let codes = self.codes(&groups, options);
        let mut arrays = self.arrays.clone();
        let mut steps = BTreeMap::new();
        for group in &groups {
            let node = &self.graph.nodes[group.head];
            let read = node.inputs.first().copied().unwrap_or_default();
            // What reads the picture stays as it is; vectors stay floats, the weights they meet do not.
            if !matches!(node.op, Op::Conv(_) | Op::Linear { .. }) || read == 0 {
                continue;
            }
            let means = self.seen.get(&read).filter(|_| options.correct_bias).map(Seen::means);
            steps.extend(weights::round(&self.graph, group.head, &mut arrays, means.as_deref()));
        }
        let mut card = self.card.clone();
        card.graph = self.graph.clone();
        card.accuracy = Vec::new();
        card.quantisation = Some(Quantisation {
            calibration: format!("{options} on {} faces", self.faces),
            activations: codes.into_values().collect(),
            weights: steps,
            gate: None,
        });
        card.version = Card::current_version();
        Ok(StudentFile::new(card, arrays)?)
    }

    /// What the bytes of each node stand for, of those that are stored in bytes.
    fn codes(&self, groups: &[Fused], options: QuantiseOptions) -> BTreeMap<NodeId, ByteCode> {
        let mut codes: BTreeMap<NodeId, ByteCode> = BTreeMap::new();
        for group in groups.iter().filter(|group| becomes_bytes(&self.graph, group)) {
            let code = match (inherits(&self.graph, group), self.seen.get(&group.tail)) {
                (Some(from), _) if codes.contains_key(&from) => {
                    Some(ByteCode { node: group.tail, ..codes[&from] })
                }
                (_, Some(seen)) => options
                    .range
                    .code(&seen.histogram)
                    .map(|(scale, zero)| ByteCode { node: group.tail, scale, zero }),
                (_, None) => None,
            };
            codes.extend(code.map(|code| (group.tail, code)));
        }
        codes
    }
}

/// Whether a group's result is stored in bytes: maps are, vectors and what is not linear between
/// bytes are not.
fn becomes_bytes(graph: &Graph, group: &Fused) -> bool {
    let shapes = graph.shapes().unwrap_or_default();
    let shape = shapes.get(group.tail);
    let soft = matches!(graph.nodes[group.head].op, Op::Sigmoid | Op::L2Normalise | Op::Flatten);
    shape.is_some_and(|shape| shape.height * shape.width > 1) && !soft
}

/// The node whose code a group's result has as well, since its values are among that node's.
fn inherits(graph: &Graph, group: &Fused) -> Option<NodeId> {
    let node = &graph.nodes[group.head];
    let moves = matches!(
        node.op,
        Op::Channels { .. } | Op::Crop { .. } | Op::ChannelShuffle { .. } | Op::MaxPool(_)
    );
    node.inputs.first().copied().filter(|_| moves)
}
