//! How a graph is executed: which nodes run together, and when a value is no longer needed.

use facette_graph::{Graph, NodeId, Op};

/// Which taps a forward pass must keep, besides the embedding and the logits. What is not wanted
/// may be fused away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Output of every stage, and of the stem.
    pub stages: bool,
    /// The same before the last activation.
    pub before_activation: bool,
    /// A stage whose map several branches read: gradient that reaches it in training is divided
    /// by their number.
    pub shared: Option<Shared>,
}

/// A map that several branches read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shared {
    /// Place of its stage, from 0.
    pub stage: usize,
    /// Branches, the network's own included.
    pub branches: usize,
}

impl Wanted {
    /// What either of two readers wants.
    pub fn or(self, other: Self) -> Self {
        Self {
            stages: self.stages || other.stages,
            before_activation: self.before_activation || other.before_activation,
            shared: self.shared.or(other.shared),
        }
    }
}

/// One step of a forward pass; its output is the value of `node`.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) node: NodeId,
    pub(crate) work: Work,
    /// Values nobody reads after this step.
    pub(crate) frees: Vec<NodeId>,
}

#[derive(Debug, Clone)]
pub(crate) enum Work {
    /// Run the node by itself.
    Single,
    /// Batch normalisation at `norm` of the value of `from`, plus `residual`, then the activation
    /// at `act`.
    Fused { norm: NodeId, from: NodeId, residual: Option<NodeId>, act: Option<NodeId> },
}

/// The steps of `graph` when `wanted` taps must be kept.
pub(crate) fn plan(graph: &Graph, wanted: Wanted) -> Vec<Step> {
    let count = graph.nodes.len();
    let mut kept = vec![false; count];
    let taps = &graph.taps;
    kept[taps.embedding] = true;
    taps.logits.iter().for_each(|&id| kept[id] = true);
    if wanted.stages {
        taps.stages.iter().chain(&taps.stem).for_each(|&id| kept[id] = true);
    }
    if wanted.before_activation {
        taps.before_activation.iter().for_each(|&id| kept[id] = true);
    }
    wanted
        .shared
        .and_then(|map| taps.stages.get(map.stage))
        .iter()
        .for_each(|&&id| kept[id] = true);
    let mut readers: Vec<Vec<NodeId>> = vec![Vec::new(); count];
    for (id, node) in graph.nodes.iter().enumerate() {
        node.inputs.iter().for_each(|&from| readers[from].push(id));
    }
    let only_reader = |id: NodeId| match (kept[id], readers[id].as_slice()) {
        (false, [reader]) => Some(*reader),
        _ => None,
    };

    let mut work: Vec<Option<Work>> = vec![Some(Work::Single); count];
    work[0] = None;
    let mut absorbed = vec![false; count];
    for (norm, node) in graph.nodes.iter().enumerate() {
        if !matches!(node.op, Op::BatchNorm { .. }) || absorbed[norm] {
            continue;
        }
        let (mut last, mut residual, mut act) = (norm, None, None);
        if let Some(sum) = only_reader(last)
            && matches!(graph.nodes[sum].op, Op::Add)
            && graph.nodes[sum].inputs.iter().all(|&input| !absorbed[input])
        {
            residual = graph.nodes[sum].inputs.iter().copied().find(|&input| input != norm);
            if residual.is_some() {
                absorbed[norm] = true;
                last = sum;
            }
        }
        if let Some(next) = only_reader(last)
            && matches!(graph.nodes[next].op, Op::Relu | Op::Relu6 | Op::Prelu { .. })
        {
            absorbed[last] = true;
            act = Some(next);
            last = next;
        }
        work[norm] = None;
        if let Some(sum) = residual.and(only_reader(norm)) {
            work[sum] = None;
        }
        work[last] = Some(Work::Fused { norm, from: node.inputs[0], residual, act });
    }

    let mut steps: Vec<Step> = work
        .into_iter()
        .enumerate()
        .filter_map(|(node, work)| Some(Step { node, work: work?, frees: Vec::new() }))
        .collect();
    let mut free_from = vec![None; count];
    for (index, step) in steps.iter().enumerate() {
        match &step.work {
            Work::Single => {
                graph.nodes[step.node].inputs.iter().for_each(|&i| free_from[i] = Some(index));
            }
            Work::Fused { from, residual, .. } => {
                free_from[*from] = Some(index);
                residual.iter().for_each(|&i| free_from[i] = Some(index));
            }
        }
    }
    for (id, last) in free_from.into_iter().enumerate() {
        if let (Some(last), false) = (last, kept[id]) {
            steps[last].frees.push(id);
        }
    }
    steps
}
