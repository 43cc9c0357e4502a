//! Gradients of every operation, with respect to the picture and all weights, against finite
//! differences.

use burn::tensor::{Device, Tensor};
use facette_graph::{Builder, Conv, Input, NodeId, Op, Pool};
use facette_nets::{Init, Mode, Network, read};

use crate::support::{tensor, values};

const PICTURES: usize = 3;
const SIDE: usize = 6;

type Build = fn(&mut Builder, NodeId) -> NodeId;

const OPERATIONS: &[(&str, Build)] = &[
    ("conv", |b, x| b.conv("op", x, Conv::square(4, 5, 3, 1).biased())),
    ("strided conv", |b, x| b.conv("op", x, Conv::square(4, 5, 3, 2))),
    ("5x5 conv, stride 2", |b, x| b.conv("op", x, Conv::square(4, 3, 5, 2))),
    ("1x1 conv", |b, x| b.conv("op", x, Conv::square(4, 6, 1, 1))),
    ("strided 1x1 conv", |b, x| b.conv("op", x, Conv::square(4, 6, 1, 2))),
    ("grouped conv", |b, x| b.conv("op", x, Conv::square(4, 6, 3, 1).groups(2).biased())),
    ("depthwise conv", |b, x| b.conv("op", x, Conv::depthwise(4, 3, 1))),
    ("strided depthwise conv", |b, x| b.conv("op", x, Conv::depthwise(4, 3, 2))),
    ("depthwise multiplier", |b, x| b.conv("op", x, Conv::square(4, 8, 3, 1).groups(4))),
    ("global depthwise conv", |b, x| b.conv("op", x, Conv::global_depthwise(4, SIDE))),
    ("dilated conv", |b, x| {
        let conv = Conv { dilation: [2, 2], padding: [2, 2], ..Conv::square(4, 3, 3, 1) };
        b.conv("op", x, conv)
    }),
    ("uneven conv", |b, x| {
        let conv =
            Conv { kernel: [3, 1], stride: [1, 2], padding: [1, 0], ..Conv::square(4, 3, 3, 1) };
        b.conv("op", x, conv)
    }),
    ("norm", |b, x| b.norm("op", x)),
    ("norm without scale", |b, x| {
        b.push("op", Op::BatchNorm { channels: 4, eps: 1e-3, affine: false }, &[x])
    }),
    ("norm and relu", |b, x| {
        let x = b.norm("op", x);
        b.relu(x)
    }),
    ("norm and prelu", |b, x| {
        let x = b.norm("op", x);
        b.prelu("slopes", x)
    }),
    ("norm, sum and relu", |b, x| {
        let y = b.norm("op", x);
        let sum = b.add(y, x);
        b.relu(sum)
    }),
    ("norm, sum and prelu", |b, x| {
        let y = b.norm("op", x);
        let z = b.norm("other", x);
        let sum = b.add(y, z);
        b.prelu("slopes", sum)
    }),
    ("sum and norm of one", |b, x| {
        let y = b.norm("op", x);
        b.add(x, y)
    }),
    ("relu", |b, x| b.relu(x)),
    ("relu6", |b, x| {
        let x = b.conv("scale", x, Conv::square(4, 4, 1, 1));
        b.push("", Op::Relu6, &[x])
    }),
    ("leaky relu", |b, x| b.push("", Op::LeakyRelu { slope: 0.1 }, &[x])),
    ("prelu", |b, x| b.prelu("op", x)),
    ("shared prelu", |b, x| b.push("op", Op::Prelu { slopes: 1 }, &[x])),
    ("sigmoid", |b, x| b.push("", Op::Sigmoid, &[x])),
    ("max pool", |b, x| b.max_pool(x, Pool::square(3, 2).padding(1))),
    ("average pool", |b, x| b.avg_pool(x, Pool::square(3, 2).padding(1))),
    ("global average pool", |b, x| b.global_average(x)),
    ("sum with itself", |b, x| b.add(x, x)),
    ("concat", |b, x| {
        let y = b.conv("op", x, Conv::square(4, 2, 1, 1));
        b.concat(&[x, y, x])
    }),
    ("channels", |b, x| b.push("", Op::Channels { start: 1, length: 2 }, &[x])),
    ("crop", |b, x| b.crop(x, 1, 2)),
    ("shuffle", |b, x| {
        let y = b.push("", Op::ChannelShuffle { groups: 2 }, &[x]);
        b.conv("op", y, Conv::square(4, 3, 1, 1))
    }),
    ("linear", |b, x| {
        let x = b.flatten(x);
        b.linear("op", x, 4 * SIDE * SIDE, 6, true)
    }),
    ("linear without bias", |b, x| {
        let x = b.flatten(x);
        b.linear("op", x, 4 * SIDE * SIDE, 6, false)
    }),
    ("norm of a vector", |b, x| {
        let x = b.global_average(x);
        b.norm("op", x)
    }),
    ("unit length", |b, x| {
        let x = b.global_average(x);
        b.push("", Op::L2Normalise, &[x])
    }),
];

fn network(build: Build, device: &Device) -> Network {
    let mut b = Builder::new("one operation", Input::square(4, SIDE));
    let mut x = build(&mut b, 0);
    x = b.flatten(x);
    let graph = b.finish(x, None).unwrap();
    let mut network = Network::new(graph, Init::Torch, 5, "student", device).unwrap();
    let drawn: Vec<(String, Vec<f32>)> = network
        .parameters()
        .iter()
        .filter(|p| p.spec.name != "slopes.weight")
        .map(|p| {
            let drawn = values(&p.spec.name, p.spec.len()).into_iter();
            let positive = p.spec.name.ends_with("running_var");
            let value = |v: f32| if positive { 0.5 + v.abs() } else { 0.5 * v + 0.1 };
            (p.spec.name.clone(), drawn.map(value).collect())
        })
        .collect();
    for (name, values) in drawn {
        network.parameters_mut().set(&name, values).unwrap();
    }
    network
}

/// The outputs and the picture they came from, of a copy of the network that is given back.
fn run(
    start: &Network,
    picture: &[f32],
    mode: Mode,
    device: &Device,
) -> (Tensor<2>, Tensor<4>, Network) {
    let mut network = start.clone();
    let x = tensor(picture.to_vec(), [PICTURES, 4, SIDE, SIDE], device).require_grad();
    let y = network.forward(x.clone(), mode).embedding;
    (y, x, network)
}

/// A weighted sum of the outputs, summed in f64 so that its rounding does not hide small steps.
fn loss(network: &Network, picture: &[f32], mode: Mode, device: &Device) -> f64 {
    let outputs = read("outputs", &run(network, picture, mode, device).0).unwrap();
    let weights = values("loss", outputs.len());
    outputs.iter().zip(weights).map(|(y, w)| f64::from(*y) * f64::from(w)).sum()
}

/// Step of the differences, relative to directions of about unit length a value.
const STEP: f32 = 1e-3;

/// Compares `grad` at `values` with central differences of `at(moved values)` in two random
/// directions. How much the slopes to both sides differ is allowed on top: where a rectifier
/// changes sides within the step, a difference is no better than that.
fn compare(what: &str, values: &[f32], grad: &[f32], mut at: impl FnMut(Vec<f32>) -> f64) {
    let rms = |v: &[f32]| (v.iter().map(|x| x * x).sum::<f32>() / v.len() as f32).sqrt();
    for round in 0..2 {
        let direction = crate::support::values(&format!("{what}/{round}"), values.len());
        let mut moved =
            |step: f32| at(values.iter().zip(&direction).map(|(v, d)| v + step * d).collect());
        let [below, here, above] = [moved(-STEP), moved(0.0), moved(STEP)];
        let step = f64::from(STEP);
        let found = (above - below) / (2.0 * step);
        let bend = (above - 2.0 * here + below).abs() / step;
        let expected: f64 =
            grad.iter().zip(&direction).map(|(g, d)| f64::from(*g) * f64::from(*d)).sum();
        let scale = f64::from(rms(grad) * rms(&direction)) * (grad.len() as f64).sqrt();
        let error = (found - expected).abs();
        assert!(
            error <= 0.01 * scale.max(expected.abs()) + bend + 5e-3,
            "{what}: {found} by differences, {expected} by gradient"
        );
    }
}

#[test]
fn gradients_are_derivatives() {
    let device = Device::flex().autodiff();
    for (name, build) in OPERATIONS {
        for mode in [Mode::Train, Mode::Eval] {
            let start = network(*build, &device);
            let picture = values("picture", PICTURES * 4 * SIDE * SIDE);
            let (y, x, ran) = run(&start, &picture, mode, &device);
            let [n, d] = y.dims();
            let weights = tensor(values("loss", n * d), [n, d], &device);
            let grads = (y * weights).sum().backward();
            let grad = read("gradient", &x.grad(&grads).unwrap()).unwrap();
            compare(&format!("{name}, {mode:?}, picture"), &picture, &grad, |moved| {
                loss(&start, &moved, mode, &device)
            });
            for parameter in ran.parameters().iter().filter(|p| p.spec.kind.is_learned()) {
                let tensor = parameter.spec.name.clone();
                let what = format!("{name}, {mode:?}, {tensor}");
                let grad = parameter.value.grad(&grads);
                let grad = grad.unwrap_or_else(|| panic!("{what} learns nothing"));
                let grad = read("gradient", &grad).unwrap();
                let values = read("weights", &parameter.value).unwrap();
                compare(&what, &values, &grad, |moved| {
                    let mut network = start.clone();
                    network.parameters_mut().set(&tensor, moved).unwrap();
                    loss(&network, &picture, mode, &device)
                });
            }
        }
    }
}
