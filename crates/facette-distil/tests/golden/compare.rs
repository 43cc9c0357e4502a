//! Comparing what a runner finds with what the reference found.

use burn::tensor::Tensor;

use crate::case::Case;
use crate::cases::{Found, Runner};

fn host<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
    let values = facette_nets::read("golden", tensor).expect("the device can be read");
    values.into_iter().map(f64::from).collect()
}

fn largest(values: impl Iterator<Item = f64>) -> f64 {
    values.map(f64::abs).fold(0.0, f64::max)
}

/// Checks every output the runner claims: how many those are, and what does not agree.
pub(crate) fn case(case: &Case, runner: &Runner) -> (usize, Vec<String>) {
    let (mut claimed, mut failures) = (0, Vec::new());
    for output in &case.outputs {
        case.forget();
        let Some(found) = (runner.run)(case, output) else {
            if *output == case.primary {
                failures.push(format!("{output}: the primary output is not claimed"));
            }
            continue;
        };
        claimed += 1;
        let problems = match found {
            Found::Loss(loss) => {
                let kinked = case.degenerate && runner.kinked.contains(&output.as_str());
                let mut problems: Vec<String> =
                    value(case, output, host(&loss)[0]).into_iter().collect();
                problems.extend(gradients(case, output, &loss, kinked));
                problems
            }
            Found::Values(values) => tensor(case, output, &host(&values)),
        };
        failures.extend(problems.into_iter().map(|problem| format!("{output}: {problem}")));
    }
    (claimed, failures)
}

fn value(case: &Case, output: &str, found: f64) -> Option<String> {
    let Some(expected) = case.expected(output) else {
        return Some("the reference has no such scalar".into());
    };
    let error = (found - expected).abs() / expected.abs().max(1e-12);
    (error.is_nan() || error > case.value_rtol)
        .then(|| format!("value {found}, expected {expected}, off by {error:.2e}"))
}

fn tensor(case: &Case, output: &str, found: &[f64]) -> Vec<String> {
    let expected = case.values(&format!("out/{output}"));
    if found.len() != expected.len() {
        return vec![format!("{} values, expected {}", found.len(), expected.len())];
    }
    let scale = largest(expected.iter().map(|&v| f64::from(v)));
    let error = largest(found.iter().zip(expected).map(|(a, &b)| a - f64::from(b)));
    match error <= case.value_rtol * scale {
        true => Vec::new(),
        false => vec![format!("off by {error:.2e} of {scale:.2e}")],
    }
}

fn gradients(case: &Case, output: &str, loss: &Tensor<1>, kinked: bool) -> Vec<String> {
    let references = case.gradients(output);
    if references.is_empty() {
        return Vec::new();
    }
    let grads = loss.backward();
    // Rows at a kink are left out of both the comparison and the scale.
    let kept = |name: &str, shape: &[usize]| -> Vec<bool> {
        let width = shape[1..].iter().product::<usize>().max(1);
        let rows = if kinked { case.kink_rows(name) } else { Vec::new() };
        (0..shape.iter().product()).map(|i: usize| !rows.contains(&(i / width))).collect()
    };
    let masked = |values: &[f32], mask: &[bool]| {
        largest(values.iter().zip(mask).filter(|(_, keep)| **keep).map(|(&v, _)| f64::from(v)))
    };
    let overall = references
        .iter()
        .map(|(name, values, shape)| masked(values, &kept(name, shape)))
        .fold(0.0, f64::max);
    let mut problems = Vec::new();
    for (name, reference, shape) in &references {
        let Some(leaf) = case.leaf(name) else {
            problems.push(format!("no leaf stands for {name}"));
            continue;
        };
        let found = match leaf.grad(&grads) {
            Some(grad) => host(&grad),
            None => vec![0.0; reference.len()],
        };
        if found.iter().any(|v| !v.is_finite()) {
            problems.push(format!("gradient of {name} is not finite"));
            continue;
        }
        if case.zero_grads.contains(&format!("{output}/{name}")) {
            let found = largest(found.iter().copied());
            if found > 1e-3 * overall {
                problems.push(format!("gradient of {name} is {found:.2e} where it is zero"));
            }
            continue;
        }
        let mask = kept(name, shape);
        let scale = masked(reference, &mask).max(1e-3 * overall);
        let pairs = found.iter().zip(*reference).zip(&mask).filter(|(_, keep)| **keep);
        let error = largest(pairs.map(|((a, &b), _)| a - f64::from(b)));
        if error > case.grad_maxrel * scale {
            problems.push(format!(
                "gradient of {name} off by {error:.2e} of {scale:.2e} ({:.1e})",
                error / scale
            ));
        }
    }
    problems
}
