//! One network of the golden vectors: outputs in evaluation and in training, taps, running
//! statistics and gradients.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{DType, Device, Tensor};
use facette_graph::{Array, Arrays, StateDict};
use facette_nets::{Knowledge, Mode, NetOptions, Network, Wanted, build, find, read};

use super::folder::Entry;
use super::reference;
use crate::support::{distance, tensor};

/// How far a gradient in f32 may be off, where the one in f64 is right. A rectifier's input that
/// is 0 but for rounding (1e-6, and one of the files has such a one) may change sides in f32, and
/// the gradient jumps; PyTorch's own f32 gradient is then off by 0.04.
const CHANGED_SIDES: f64 = 0.1;

/// What a case holds, by the first part of its tensors' names.
struct Case(Arrays);

impl Case {
    fn get(&self, name: &str) -> Result<&Array, String> {
        self.0.get(name).ok_or_else(|| format!("lacks {name:?}"))
    }

    fn below(&self, prefix: &str) -> Arrays {
        let strip = |(name, array): (&String, &Array)| {
            Some((name.strip_prefix(prefix)?.to_owned(), array.clone()))
        };
        self.0.iter().filter_map(strip).collect()
    }
}

/// Differences found so far.
struct Report {
    compared: usize,
    changed_sides: usize,
    /// Largest difference from PyTorch, in units of what is allowed.
    worst: f64,
    problems: Vec<String>,
}

impl Report {
    fn add(&mut self, what: &str, found: f64, allowed: f64) {
        self.compared += 1;
        self.worst = self.worst.max(found / allowed);
        if found.is_nan() || found > allowed {
            self.problems.push(format!("{what} differs by {found:.2e}, allowed {allowed:.2e}"));
        }
    }
}

/// Runs the case at `entry`; yields a summary.
pub(crate) fn check(folder: &Path, entry: &Entry) -> Result<String, String> {
    let file = StateDict::open(&folder.join(&entry.file)).map_err(|error| error.to_string())?;
    let case = Case(file.arrays);
    let sd = case.below("sd/");
    let x = case.get("in/x")?;
    let shape: [usize; 4] = x.shape.as_slice().try_into().map_err(|_| "in/x is no batch")?;
    let (id, options) = reference::network(&entry.reference, &sd, shape[2])?;
    let options = with_head(&id, options, case.get("out/eval")?.shape[1], shape[1])?;

    let device = Device::flex().autodiff();
    let graph = build(&id, &options).map_err(|error| format!("{id}: {error}"))?;
    let arrays = StateDict { arrays: sd }.fit(&graph).and_then(|found| found.complete(&graph));
    let arrays = arrays.map_err(|error| error.to_string())?;
    let network = Network::of_arrays(graph, &arrays, &device).map_err(|error| error.to_string())?;

    let mut report = Report { compared: 0, changed_sides: 0, worst: 0.0, problems: Vec::new() };
    evaluate(&case, entry, &network, shape, &mut report)?;
    train(&case, entry, &network, shape, &mut report)?;
    let Report { compared, changed_sides, worst, .. } = report;
    let summary = format!("{id}, {compared} tensors, at most {worst:.2} of what is allowed");
    match report.problems.is_empty() {
        true if changed_sides > 0 => {
            Ok(format!("{summary}; gradients of {changed_sides} are exact in f64 only"))
        }
        true => Ok(summary),
        false => Err(format!("{id}: {}", report.problems.join("; "))),
    }
}

/// Face networks yield an embedding, the others class scores.
fn with_head(
    id: &str,
    mut options: NetOptions,
    length: usize,
    channels: usize,
) -> Result<NetOptions, String> {
    options.channels = channels;
    let net = find(id).map_err(|error| error.to_string())?;
    Ok(match net.embedding() {
        Some(_) => options.embedding(length),
        None => options.classes(length),
    })
}

fn output(knowledge: &Knowledge) -> Tensor<2> {
    knowledge.logits.clone().unwrap_or_else(|| knowledge.embedding.clone())
}

fn evaluate(
    case: &Case,
    entry: &Entry,
    network: &Network,
    shape: [usize; 4],
    report: &mut Report,
) -> Result<(), String> {
    let allowed = entry.tolerance("eval_maxrel")?;
    let mut network = network.frozen();
    let x = tensor(case.get("in/x")?.values.clone(), shape, &Device::flex());
    let fused = values(output(&network.infer(x.clone())))?;
    report.add("out/eval", distance(&fused, &case.get("out/eval")?.values), allowed);
    if !case.0.contains_key("out/feat_last") {
        return Ok(());
    }

    network.want(Wanted { stages: true, ..Wanted::default() });
    let knowledge = network.infer(x);
    let feature = values(knowledge.embedding.clone())?;
    report.add("out/feat_last", distance(&feature, &case.get("out/feat_last")?.values), allowed);
    let pooled = [knowledge.embedding.unsqueeze_dims::<4>(&[2, 3])];
    let levels = knowledge.stem.iter().chain(&knowledge.stages).chain(&pooled);
    let mut count = 0;
    for (index, level) in levels.enumerate() {
        count += 1;
        let each = values(level.clone())?;
        let each: Vec<&[f32]> = each.chunks(each.len() / shape[0]).collect();
        let mean = |value: fn(f64) -> f64| -> Vec<f32> {
            let of = |picture: &&[f32]| {
                let sum: f64 = picture.iter().map(|v| value(f64::from(*v))).sum();
                (sum / picture.len() as f64) as f32
            };
            each.iter().map(of).collect()
        };
        let absolute = &case.get(&format!("out/feat_{index}_absmean"))?.values;
        report.add(
            &format!("out/feat_{index}_absmean"),
            distance(&mean(f64::abs), absolute),
            allowed,
        );
        // A mean may be small by cancellation, so its error is measured by the values' size.
        let name = format!("out/feat_{index}_mean");
        let expected = &case.get(&name)?.values;
        let scale = absolute.iter().fold(0f32, |m, v| m.max(*v));
        let error = mean(|v| v).iter().zip(expected).fold(0f32, |m, (a, b)| m.max((a - b).abs()));
        report.add(&name, f64::from(error) / f64::from(scale), allowed);
    }
    match case.0.contains_key(&format!("out/feat_{count}_mean")) {
        true => Err(format!("has more levels of features than the {count} taps")),
        false => Ok(()),
    }
}

fn train(
    case: &Case,
    entry: &Entry,
    network: &Network,
    shape: [usize; 4],
    report: &mut Report,
) -> Result<(), String> {
    let allowed = entry.tolerance("train_maxrel")?;
    let single = step(case, network, shape, DType::F32)?;
    report.add("out/train", distance(&single.output, &case.get("out/train")?.values), allowed);
    for (name, expected) in case.below("after_train/") {
        let found = single.after.get(&name).ok_or_else(|| format!("no buffer {name:?}"))?;
        let found = distance(&found.values, &expected.values);
        report.add(&format!("after_train/{name}"), found, allowed);
    }
    let expected = f64::from(case.get("out/train_scalar")?.values[0]);
    let error = (single.scalar - expected).abs() / single.scalar_size;
    report.add("out/train_scalar", error, allowed);

    let allowed = entry.tolerance("grad_maxrel")?;
    let double = step(case, network, shape, DType::F64)?;
    let expected = case.below("grad/train_scalar/");
    let largest = |values: &[f32]| values.iter().fold(0f64, |m, v| m.max(f64::from(v.abs())));
    let overall = expected.values().map(|array| largest(&array.values)).fold(0.0, f64::max);
    for (name, array) in expected {
        let scale = largest(&array.values).max(1e-3 * overall);
        let error = |step: &Step| -> Result<f64, String> {
            let grad = step.gradients.get(&name).ok_or_else(|| format!("no gradient {name:?}"))?;
            if grad.len() != array.values.len() {
                return Err(format!("gradient of {name:?} has {} values", grad.len()));
            }
            let error: Vec<f32> = grad.iter().zip(&array.values).map(|(a, b)| a - b).collect();
            Ok(largest(&error) / scale)
        };
        report.add(&format!("grad/train_scalar/{name}"), error(&double)?, allowed);
        let found = error(&single)?;
        report.add(&format!("grad/train_scalar/{name} in f32"), found, CHANGED_SIDES);
        report.changed_sides += usize::from(found > allowed);
    }
    Ok(())
}

/// What one forward and backward pass in training yields.
struct Step {
    output: Vec<f32>,
    after: Arrays,
    scalar: f64,
    /// Sum of the scalar's terms without their signs.
    scalar_size: f64,
    /// Of the picture, under the name `x`, and of every weight.
    gradients: BTreeMap<String, Vec<f32>>,
}

/// Runs a copy of the network. In f32 on our own kernels, in f64 on the framework's.
fn step(
    case: &Case,
    network: &Network,
    shape: [usize; 4],
    precision: DType,
) -> Result<Step, String> {
    let mut network = network.clone();
    for parameter in network.parameters_mut().iter_mut() {
        let value = parameter.value.clone().cast(precision).detach();
        let learned = parameter.spec.kind.is_learned();
        parameter.value = if learned { value.require_grad() } else { value };
    }
    let device = network.device().clone();
    let x = tensor(case.get("in/x")?.values.clone(), shape, &device);
    let x = x.cast(precision).detach().require_grad();
    let y = output(&network.forward(x.clone(), Mode::Train));
    let found = values(y.clone())?;
    let [n, d] = y.dims();
    let last = (n * d - 1) as f64;
    let weights: Vec<f32> = (0..n * d).map(|i| (2.0 * i as f64 / last - 1.0) as f32).collect();
    let terms: Vec<f64> =
        found.iter().zip(&weights).map(|(y, w)| f64::from(*y) * f64::from(*w)).collect();

    let factors = tensor(weights, [n, d], &device).cast(precision);
    let grads = (y * factors).sum().backward();
    let mut gradients = BTreeMap::new();
    gradients.insert("x".into(), values(x.grad(&grads).ok_or("no gradient reaches the picture")?)?);
    for parameter in network.parameters().iter() {
        if let Some(grad) = parameter.value.grad(&grads) {
            gradients.insert(parameter.spec.name.clone(), values(grad)?);
        }
    }
    let mut after = Arrays::new();
    for parameter in network.parameters().iter() {
        let shape = parameter.spec.shape.clone();
        let values = values(parameter.value.clone())?;
        after.insert(parameter.spec.name.clone(), Array { shape, values });
    }
    Ok(Step {
        output: found,
        after,
        scalar: terms.iter().sum(),
        scalar_size: terms.iter().map(|term| term.abs()).sum(),
        gradients,
    })
}

fn values<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, String> {
    read("golden", &tensor.cast(DType::F32)).map_err(|error| error.to_string())
}
