//! Batch normalisation put into the weights before it.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::borrow::Borrow;

use facette_graph::{Array, Arrays, Graph, GraphError, NodeId, Op, TensorKind};

/// The network up to its embedding, without what the embedding does not need, and with every
/// normalisation that follows a convolution or linear layer folded into its weight and bias:
/// `w' = w g / sqrt(v + eps)`, `b' = (b - m) g / sqrt(v + eps) + h`. Computed in `f64`.
///
/// Taps on dropped nodes move to the node that now yields their value. A folded network is folded
/// to itself.
///
/// # Errors
/// If the tensors are not those of the graph.
pub fn fold(graph: &Graph, arrays: &Arrays) -> Result<(Graph, Arrays), GraphError> {
    folded(graph, arrays.clone())
}

/// [`fold`] in the memory of the weights.
pub(crate) fn folded(graph: &Graph, mut arrays: Arrays) -> Result<(Graph, Arrays), GraphError> {
    graph.check_arrays(&arrays)?;
    let whole = graph.ending_at(graph.taps.embedding);
    let needed = needed(&whole);
    let readers = readers(&whole, &needed);
    let mut folded = Graph { nodes: Vec::new(), ..whole.clone() };
    let mut kept = Arrays::new();
    let mut moved: Vec<NodeId> = Vec::with_capacity(whole.nodes.len());
    for (id, node) in whole.nodes.iter().enumerate() {
        if !needed[id] {
            moved.push(usize::MAX);
            continue;
        }
        let specs = whole.node_tensors(id).into_iter();
        let tensors: Vec<(TensorKind, String, Array)> = specs
            .filter_map(|spec| Some((spec.kind, arrays.remove_entry(&spec.name)?)))
            .map(|(kind, (name, array))| (kind, name, array))
            .collect();
        if let Op::BatchNorm { eps, .. } = &node.op
            && let Some(&before) = node.inputs.first()
            && readers[before] == 1
        {
            let into = moved[before];
            let norm = Affine::new(&tensors, *eps);
            if norm.fold_into(&mut folded, into, &mut kept) {
                moved.push(into);
                continue;
            }
        }
        for (_, name, array) in tensors {
            kept.insert(name, array);
        }
        let mut node = node.clone();
        node.inputs.iter_mut().for_each(|input| *input = moved[*input]);
        folded.nodes.push(node);
        moved.push(folded.nodes.len() - 1);
    }
    let taps = &mut folded.taps;
    taps.embedding = moved[taps.embedding];
    taps.logits = None;
    taps.stem = taps.stem.map(|tap| moved[tap]).filter(|&tap| tap != usize::MAX);
    let stages = taps.stages.iter().zip(&taps.before_activation);
    let stages = stages.map(|(&stage, &before)| (moved[stage], moved[before]));
    (taps.stages, taps.before_activation) =
        stages.filter(|&(stage, before)| stage.max(before) != usize::MAX).unzip();
    folded.check_arrays(&kept)?;
    Ok((folded, kept))
}

/// Nodes that the embedding depends on; the picture always counts.
fn needed(graph: &Graph) -> Vec<bool> {
    let mut needed = vec![false; graph.nodes.len()];
    needed[0] = true;
    needed[graph.taps.embedding] = true;
    for (id, node) in graph.nodes.iter().enumerate().rev() {
        if needed[id] {
            node.inputs.iter().for_each(|&input| needed[input] = true);
        }
    }
    needed
}

/// How often each node is read by a needed one.
fn readers(graph: &Graph, needed: &[bool]) -> Vec<usize> {
    let mut readers = vec![0; graph.nodes.len()];
    for (node, _) in graph.nodes.iter().zip(needed).filter(|(_, needed)| **needed) {
        node.inputs.iter().for_each(|&input| readers[input] += 1);
    }
    readers
}

/// A batch normalisation as `scale * x + shift`.
pub(crate) struct Affine {
    pub(crate) scale: Vec<f64>,
    pub(crate) shift: Vec<f64>,
}

impl Affine {
    pub(crate) fn new(tensors: &[(TensorKind, String, impl Borrow<Array>)], eps: f64) -> Self {
        let of =
            |kind| tensors.iter().find(|t| t.0 == kind).map(|t| t.2.borrow().values.as_slice());
        let [mean, variance] = [TensorKind::RunningMean, TensorKind::RunningVariance]
            .map(|kind| of(kind).unwrap_or_default());
        let at = |values: Option<&[f32]>, c: usize, otherwise: f64| {
            values.and_then(|values| values.get(c)).map_or(otherwise, |&value| value.into())
        };
        let scale: Vec<f64> = variance
            .iter()
            .enumerate()
            .map(|(c, &v)| at(of(TensorKind::NormScale), c, 1.0) / libm::sqrt(f64::from(v) + eps))
            .collect();
        let shift = scale
            .iter()
            .zip(mean)
            .enumerate()
            .map(|(c, (s, &m))| at(of(TensorKind::NormShift), c, 0.0) - f64::from(m) * s)
            .collect();
        Self { scale, shift }
    }

    /// Changes the layer `id` to what it and this normalisation are together, if it is one with
    /// weights of its own.
    fn fold_into(&self, graph: &mut Graph, id: NodeId, arrays: &mut Arrays) -> bool {
        let outputs = match &mut graph.nodes[id].op {
            Op::Conv(conv) => {
                conv.bias = true;
                conv.outputs
            }
            Op::Linear { outputs, bias, .. } => {
                *bias = true;
                *outputs
            }
            _ => return false,
        };
        for spec in graph.node_tensors(id) {
            let array = arrays
                .entry(spec.name)
                .or_insert_with(|| Array { shape: spec.shape, values: vec![0.0; outputs] });
            let row = array.values.len() / outputs;
            let rows = array.values.chunks_exact_mut(row.max(1));
            for ((values, scale), shift) in rows.zip(&self.scale).zip(&self.shift) {
                let shift = if spec.kind == TensorKind::Bias { *shift } else { 0.0 };
                for value in values {
                    *value = (f64::from(*value) * scale + shift) as f32;
                }
            }
        }
        true
    }
}
