//! Outputs and gradients of whole networks in `f32`, against the framework's own operations in `f64`.
//!
//! Rounding may make a result a little wrong, but neither larger nor smaller on the whole: an error
//! that always points the same way adds up over the steps of a training, where one that points
//! anywhere does not.

use burn::tensor::{DType, Device, Tensor, activation::log_softmax};
use facette_nets::{Mode, NetOptions, Network, build};

use crate::support::{pictures, values};

const BATCH: usize = 32;

/// Forward and backward pass in training: the output, then each parameter's gradient or, of running
/// statistics, its new value.
fn step(mut network: Network, x: Tensor<4>, labels: Option<&[usize]>) -> Vec<(String, Vec<f64>)> {
    let read = |tensor: Tensor<1>| {
        tensor.inner().into_data().convert::<f64>().to_vec::<f64>().expect("doubles")
    };
    let logits = network.forward(x, Mode::Train).logits.expect("a classifier");
    let [n, classes] = logits.dims();
    let chosen = |i: usize| labels.map_or(i * 7 % classes, |l| l[i]);
    let scores = log_softmax(logits.clone(), 1);
    let loss = (0..n)
        .map(|i| scores.clone().slice([i..i + 1, chosen(i)..chosen(i) + 1]).neg().sum())
        .reduce(|sum, one| sum + one)
        .expect("pictures")
        .div_scalar(n as f64);
    let mut gradients = loss.backward();
    let mut found = vec![("output".to_owned(), read(logits.reshape([n * classes])))];
    for parameter in network.parameters().iter() {
        let value = parameter.value.clone();
        let values = match value.grad_remove(&mut gradients) {
            Some(gradient) => gradient.into_data().convert::<f64>().to_vec().expect("doubles"),
            None => value.into_data().convert::<f64>().to_vec().expect("doubles"),
        };
        found.push((parameter.spec.name.clone(), values));
    }
    found
}

fn doubled(network: &Network) -> Network {
    let mut doubled = network.clone();
    for parameter in doubled.parameters_mut().iter_mut() {
        let learned = parameter.value.is_require_grad();
        let value = parameter.value.clone().cast(DType::F64).detach();
        parameter.value = if learned { value.require_grad() } else { value };
    }
    doubled
}

/// `[size of the error, part of the error along the expected values]`, relative to these.
fn errors(found: &[f64], expected: &[f64]) -> [f64; 2] {
    let product = |a: &mut dyn Iterator<Item = (f64, f64)>| a.map(|(a, b)| a * b).sum::<f64>();
    let error: Vec<f64> = found.iter().zip(expected).map(|(f, e)| f - e).collect();
    let square = product(&mut expected.iter().map(|e| (*e, *e))).max(f64::MIN_POSITIVE);
    let size = product(&mut error.iter().map(|e| (*e, *e)));
    let along = product(&mut error.iter().copied().zip(expected.iter().copied()));
    [(size / square).sqrt(), along / square]
}

#[test]
fn networks_are_as_exact_as_f32_allows_and_lean_to_no_side() {
    let device = Device::flex().autodiff();
    let graph = build("resnet8", &NetOptions::new(16).classes(100)).expect("a network");
    let mut network = Network::new(graph, facette_nets::Init::HeFanOut, 1, "precision", &device)
        .expect("a network");
    let mut x = pictures("precision", BATCH, 3, 16, &device);
    let mut labels = None;
    if let Ok(folder) = std::env::var("PRECISION") {
        let folder = std::path::Path::new(&folder);
        let file =
            facette_graph::StudentFile::open(&folder.join("last.safetensors")).expect("file");
        network = Network::load(&file, &device).expect("net");
        let bytes = std::fs::read("/tmp/w6/acc/x.f32").expect("x");
        let v: Vec<f32> =
            bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        let n = v.len() / 768;
        x = crate::support::tensor(v, [n, 3, 16, 16], &device);
        labels = Some(
            std::fs::read("/tmp/w6/acc/y.u8")
                .expect("y")
                .iter()
                .map(|b| *b as usize)
                .collect::<Vec<_>>(),
        );
    }
    let _ = values;
    let expected = step(doubled(&network), x.clone().cast(DType::F64), labels.as_deref());
    let found = step(network, x, labels.as_deref());
    for ((name, found), (_, expected)) in found.iter().zip(&expected) {
        let [size, along] = errors(found, expected);
        println!("{name:<30} {:>7} size {size:9.2e} along {along:+9.2e}", found.len());
    }
}
