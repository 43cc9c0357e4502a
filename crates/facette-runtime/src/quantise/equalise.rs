//! Channels of a map brought to ranges alike.

use facette_graph::{Arrays, Graph, NodeId, Op, StudentFile, TensorKind};

use super::calibration::Calibration;
use crate::error::RuntimeError;
use crate::input::Face;

/// The float student, folded, with the channels of its maps scaled so that they share one range of
/// bytes better: where a layer's output goes through nothing but activations and pools to one other
/// layer, channel `c` is divided by `s_c` behind the one and multiplied by it before the other,
/// `s_c = sqrt(a_c / w_c)` with the largest activation `a_c` seen on `faces` and the largest weight
/// `w_c` that reads it.
///
/// This is cross-layer equalisation (Nagel et al., ICCV 2019, section 4.1) with the range of the
/// activations in the place of that of the first layer's weights: weights have a step for each output
/// channel anyway, and it is the activations that share one. `s_c` is rounded to a power of two, so
/// that the student computes the same to the last bit.
///
/// # Errors
/// If the student is int8 already or cannot be run, if there is no face, or if one cannot be
/// brought to the student's size.
pub fn equalise(file: &StudentFile, faces: &[Face<'_>]) -> Result<StudentFile, RuntimeError> {
    let calibration = Calibration::new(file, faces)?;
    let graph = &calibration.graph;
    let mut arrays = calibration.arrays.clone();
    for first in 0..graph.nodes.len() {
        let Some((map, second)) = reader(graph, first) else { continue };
        let Some(largest) = calibration.seen.get(&map).map(|seen| &seen.largest) else { continue };
        let scales = scales(graph, second, &arrays, largest);
        divide_outputs(graph, first, &mut arrays, &scales);
        multiply_inputs(graph, second, &mut arrays, &scales);
    }
    calibration.folded(arrays)
}

/// Where `first` is a layer with weights whose channels go through activations and pools to one
/// other such layer alone: the node behind its activation, and that layer.
fn reader(graph: &Graph, first: NodeId) -> Option<(NodeId, NodeId)> {
    let weighted = |id: NodeId| matches!(graph.nodes[id].op, Op::Conv(_) | Op::Linear { .. });
    if !weighted(first) {
        return None;
    }
    let (mut at, mut map) = (first, first);
    loop {
        let mut readers =
            (at + 1..graph.nodes.len()).filter(|&id| graph.nodes[id].inputs.contains(&at));
        let (next, None) = (readers.next()?, readers.next()) else { return None };
        if at == graph.taps.embedding {
            return None;
        }
        // All of these give a times as much for a times as much.
        match graph.nodes[next].op {
            _ if weighted(next) => return Some((map, next)),
            Op::Relu | Op::LeakyRelu { .. } | Op::Prelu { .. } => map = next,
            Op::MaxPool(_) | Op::AvgPool(_) | Op::GlobalAvgPool => {}
            _ => return None,
        }
        at = next;
    }
}

/// The scale of each channel, a power of two.
fn scales(graph: &Graph, second: NodeId, arrays: &Arrays, largest: &[f32]) -> Vec<f32> {
    let mut weights = vec![0.0_f32; largest.len()];
    let name = tensor(graph, second, TensorKind::Weight).unwrap_or_default();
    if let Some(array) = arrays.get(&name) {
        for (i, value) in array.values.iter().enumerate() {
            let channel = &mut weights[input(graph, second, &array.shape, i)];
            *channel = channel.max(value.abs());
        }
    }
    let wanted: Vec<f64> = largest
        .iter()
        .zip(&weights)
        .map(|(&a, &w)| 0.5 * (f64::from(a) / f64::from(w)).log2())
        .map(|log| if log.is_finite() { log } else { f64::NAN })
        .collect();
    // Relative to the middle, so that no scale grows from layer to layer.
    let alive: Vec<f64> = wanted.iter().copied().filter(|log| !log.is_nan()).collect();
    let middle = alive.iter().sum::<f64>() / alive.len().max(1) as f64;
    let power = |log: f64| if log.is_nan() { 0.0 } else { (log - middle).round() };
    wanted.into_iter().map(|log| power(log).clamp(-8.0, 8.0).exp2() as f32).collect()
}

fn divide_outputs(graph: &Graph, node: NodeId, arrays: &mut Arrays, scales: &[f32]) {
    for spec in graph.node_tensors(node) {
        if let Some(array) = arrays.get_mut(&spec.name) {
            let row = array.values.len() / scales.len();
            let rows = array.values.chunks_exact_mut(row.max(1));
            for (values, scale) in rows.zip(scales) {
                values.iter_mut().for_each(|value| *value /= scale);
            }
        }
    }
}

fn multiply_inputs(graph: &Graph, node: NodeId, arrays: &mut Arrays, scales: &[f32]) {
    let name = tensor(graph, node, TensorKind::Weight).unwrap_or_default();
    if let Some(array) = arrays.get_mut(&name) {
        let shape = array.shape.clone();
        for (i, value) in array.values.iter_mut().enumerate() {
            *value *= scales[input(graph, node, &shape, i)];
        }
    }
}

fn tensor(graph: &Graph, node: NodeId, kind: TensorKind) -> Option<String> {
    graph.node_tensors(node).into_iter().find(|spec| spec.kind == kind).map(|spec| spec.name)
}

/// The channel that weight `i` of a layer reads.
fn input(graph: &Graph, node: NodeId, shape: &[usize], i: usize) -> usize {
    let taps: usize = shape[2..].iter().product();
    let groups = match &graph.nodes[node].op {
        Op::Conv(conv) => conv.groups,
        _ => 1,
    };
    let (output, within) = (i / (shape[1] * taps), i / taps % shape[1]);
    output / (shape[0] / groups) * shape[1] + within
}
