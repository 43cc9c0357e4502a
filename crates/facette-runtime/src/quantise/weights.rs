//! Weights rounded to whole multiples of one step a channel.

use facette_graph::{Arrays, Graph, NodeId, Op, TensorKind};

use super::range::short;

/// Rounds the weight of `node` in place and, where the mean of each of its inputs is given, takes
/// the mean error off its bias. Yields the weight's name and steps.
pub(super) fn round(
    graph: &Graph,
    node: NodeId,
    arrays: &mut Arrays,
    means: Option<&[f64]>,
) -> Option<(String, Vec<f32>)> {
    let specs = graph.node_tensors(node);
    let name = |kind| specs.iter().find(|spec| spec.kind == kind).map(|spec| spec.name.clone());
    let weight = name(TensorKind::Weight)?;
    let (groups, taps) = match &graph.nodes[node].op {
        Op::Conv(conv) => (conv.groups, conv.kernel[0] * conv.kernel[1]),
        _ => (1, 1),
    };
    let array = arrays.get_mut(&weight)?;
    let outputs = array.shape[0];
    let row = array.values.len() / outputs;
    let mut steps = Vec::with_capacity(outputs);
    let mut errors = Vec::with_capacity(outputs);
    for (output, values) in array.values.chunks_mut(row).enumerate() {
        let most = values.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
        let step = Some(short(f64::from(most) / 127.0));
        let step = step.filter(|s| s.is_normal() && s.recip().is_normal()).unwrap_or(1.0);
        let first = output / (outputs / groups) * (row / taps);
        let mut error = 0.0;
        for (i, value) in values.iter_mut().enumerate() {
            let rounded = (*value / step).round().clamp(-127.0, 127.0) * step;
            let mean = means.and_then(|means| means.get(first + i / taps)).unwrap_or(&0.0);
            error += (f64::from(rounded) - f64::from(*value)) * mean;
            *value = rounded;
        }
        steps.push(step);
        errors.push(error);
    }
    if let Some(bias) = name(TensorKind::Bias).and_then(|name| arrays.get_mut(&name)) {
        for (bias, error) in bias.values.iter_mut().zip(&errors) {
            *bias = (f64::from(*bias) - error) as f32;
        }
    }
    Some((weight, steps))
}

#[cfg(test)]
mod tests {
    use facette_graph::{Array, Builder, Conv, Input};

    use super::*;

    #[test]
    fn the_mean_output_stays() {
        let mut b = Builder::new("one", Input::square(4, 1));
        let x = b.conv("conv", 0, Conv::square(4, 2, 1, 1).groups(2).biased());
        let graph = b.finish(x, None).unwrap();
        let weight = vec![1.27, 0.004, -0.5, 0.3333];
        let mut arrays = Arrays::from([
            ("conv.weight".to_owned(), Array { shape: vec![2, 2, 1, 1], values: weight.clone() }),
            ("conv.bias".to_owned(), Array { shape: vec![2], values: vec![0.5, 0.25] }),
        ]);
        let means = [1.0, 2.0, 3.0, 4.0];
        let (name, steps) = round(&graph, x, &mut arrays, Some(&means)).unwrap();
        assert_eq!((name.as_str(), steps[0]), ("conv.weight", 0.01));
        let (after, bias) = (&arrays["conv.weight"].values, &arrays["conv.bias"].values);
        assert_eq!(after[..2], [1.27, 0.0]);
        for (output, start) in [0.5, 0.25].into_iter().enumerate() {
            let sum = |weight: &[f32]| -> f64 {
                (0..2).map(|i| f64::from(weight[2 * output + i]) * means[2 * output + i]).sum()
            };
            assert!((sum(&weight) + start - sum(after) - f64::from(bias[output])).abs() < 1e-6);
        }
    }
}
