//! Outputs and gradients of whole networks in `f32` and bfloat16, against the framework's own operations
//! in `f64`.
//!
//! Rounding may make a result a little wrong, but neither larger nor smaller on the whole: an error
//! that always points the same way adds up over the steps of a training, where one that points
//! anywhere does not.

use burn::tensor::{DType, Device, Tensor, activation::log_softmax};
use facette_nets::{Init, Mode, NetOptions, Network, Precision, build};

use crate::support::pictures;

const PICTURES: usize = 8;
const SIZE: usize = 16;

/// Forward and backward pass in training: the logits, then the gradient of each learned tensor and the
/// new value of each other one.
fn step(mut network: Network, x: Tensor<4>) -> Vec<(String, Vec<f64>)> {
    let logits = network.forward(x, Mode::Train).logits.expect("a classifier");
    let [n, classes] = logits.dims();
    let scores = log_softmax(logits.clone(), 1);
    let of = |i: usize| scores.clone().narrow(0, i, 1).narrow(1, i * 7 % classes, 1);
    let loss = Tensor::cat((0..n).map(of).collect(), 0).neg().mean();
    let mut gradients = loss.backward();
    let read =
        |tensor: Tensor<1>| tensor.into_data().convert::<f64>().try_to_vec().expect("doubles");
    let mut found = vec![("logits".to_owned(), read(logits.inner().reshape([n * classes])))];
    for parameter in network.parameters().iter() {
        let value = parameter.value.clone();
        let value = value.grad_remove(&mut gradients).unwrap_or(value);
        found.push((parameter.spec.name.clone(), read(value)));
    }
    found
}

/// The same network in `f64`, which only the framework computes in.
fn doubled(network: &Network) -> Network {
    let mut doubled = network.clone();
    for parameter in doubled.parameters_mut().iter_mut() {
        let learned = parameter.value.is_require_grad();
        let value = parameter.value.clone().cast(DType::F64).detach();
        parameter.value = if learned { value.require_grad() } else { value };
    }
    doubled
}

/// Size of the error relative to the expected values, and by what part the found are too long.
fn errors(found: &[f64], expected: &[f64]) -> [f64; 2] {
    let length = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let right = length(&mut expected.iter().copied()).max(f64::MIN_POSITIVE);
    let error = length(&mut found.iter().zip(expected).map(|(f, e)| f - e));
    [error / right, length(&mut found.iter().copied()) / right - 1.0]
}

/// Values of a tensor whose length says something: random errors of fewer do not average out.
const MANY: usize = 256;

/// The median over several draws of pictures: now and then a value is so near to an activation's kink
/// that rounding takes it across, which turns gradients by far more than rounding does.
const DRAWS: usize = 7;

fn check(precision: Precision, most: [f64; 2]) {
    let device = Device::flex().autodiff();
    let graph = build("facette", &NetOptions::new(SIZE).classes(10)).expect("a network");
    let network = Network::new(graph, Init::HeFanOut, 1, "net", &device).expect("a network");
    let mut rounded = network.clone();
    rounded.compute_in(precision).expect("the CPU serves");
    let draws: Vec<_> = (0..DRAWS)
        .map(|draw| {
            let x = pictures(&format!("precision/{draw}"), PICTURES, 3, SIZE, &device);
            let expected = step(doubled(&network), x.clone().cast(DType::F64));
            let found = step(rounded.clone(), x);
            let both = found.into_iter().zip(expected);
            both.map(|((name, found), (_, expected))| {
                (name, found.len(), errors(&found, &expected))
            })
            .collect::<Vec<_>>()
        })
        .collect();
    for (i, (name, len, _)) in draws[0].iter().enumerate() {
        let [error, length] = [0, 1].map(|which| {
            let mut of_draws: Vec<f64> = draws.iter().map(|draw| draw[i].2[which]).collect();
            of_draws.sort_by(f64::total_cmp);
            of_draws[DRAWS / 2]
        });
        assert!(error < most[0], "{name}: error {error}");
        assert!(*len < MANY || length.abs() < most[1], "{name}: too long by {length}");
    }
}

#[test]
fn gradients_in_f32_are_as_exact_as_rounding_allows_and_no_longer_or_shorter() {
    check(Precision::F32, [1e-5, 1e-6]);
}

/// Rounding to eight bits moves one value in a hundred across the activation's kink, which turns a
/// gradient by some degrees.
#[test]
fn gradients_in_bf16_turn_a_little_but_are_no_longer_or_shorter() {
    check(Precision::Bf16, [0.25, 0.02]);
}
