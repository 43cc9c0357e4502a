//! Times a training step (forward, backward, SGD) of the networks PyTorch is compared on.
//!
//! `cargo run --release -p facette-nets --example step_bench -- NET [STEPS [PRECISION]]`, with NET one of
//! `a` (CIFAR ResNet-18 at 32x32, batch 64), `b` (residual 32/64/96 at 16x16, batch 128), `16` and
//! `32` (the recommended students, batch 128), or any network of the registry with the side of its
//! pictures, as in `resnet56@32` (batch 128, 100 classes), and
//! PRECISION `f32` or `bf16`. `RAYON_NUM_THREADS` sets the threads. Prints one
//! line that `benches/train_step.py` reads.

use std::time::Instant;

use burn::tensor::{Device, Tensor, TensorData, activation::log_softmax};
use facette_graph::{Builder, Conv, Graph, GraphError, Input};
use facette_nets::{Init, Mode, NetOptions, NetsError, Network, Precision, build};

/// Steps before the clock starts.
const WARM: usize = 3;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    facette_kernels::keep_freed_memory();
    let mut args = std::env::args().skip(1);
    let net = args.next().ok_or("name a network: a, b, 16 or 32")?;
    let steps: usize = args.next().map_or(Ok(10), |steps| steps.parse())?;
    let precision = args.next().unwrap_or_else(|| "f32".to_owned());
    let (graph, batch) = network(&net)?;
    let device = Device::flex().autodiff();
    let Input { channels, height, width } = graph.input;
    let parameters = graph.counts()?.parameters;
    let mut network = Network::new(graph, Init::Torch, 1, "step_bench", &device)?;

    network.compute_in(match precision.as_str() {
        "f32" => Precision::F32,
        "bf16" => Precision::Bf16,
        other => return Err(format!("precision {other:?}: expected f32 or bf16").into()),
    })?;

    let noise = facette_random::stream(1, "step_bench/pictures", 0);
    let pictures = pictures(noise, batch * channels * height * width);
    let x = TensorData::new(pictures, [batch, channels, height, width]);
    let x = Tensor::<4>::from_data(x, &device);
    let mut times = Vec::new();
    let (mut first, mut last) = (f32::NAN, f32::NAN);
    for step in 0..WARM + steps {
        let start = Instant::now();
        let knowledge = network.forward(x.clone(), Mode::Train);
        let loss = match knowledge.logits {
            Some(logits) => log_softmax(logits, 1).narrow(1, 0, 1).neg().mean(),
            None => (knowledge.embedding - 1.0).square().mean(),
        };
        let mut gradients = loss.backward();
        for parameter in network.parameters_mut().learned_mut() {
            if let Some(gradient) = parameter.value.grad_remove(&mut gradients) {
                let value = parameter.value.clone().inner() - gradient.mul_scalar(0.02);
                parameter.set(Tensor::from_inner(value));
            }
        }
        last = loss.into_scalar::<f32>();
        if step == 0 {
            first = last;
        }
        if step >= WARM {
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    times.sort_by(f64::total_cmp);
    let (median, least) = (times[times.len() / 2], times[0]);
    let threads = rayon::current_num_threads();
    println!(
        "RESULT facette-t{threads} net={net} precision={precision} params={parameters} ms_median={median:.2} \
         ms_min={least:.2} loss0={first:.4} lossN={last:.4} n={steps}"
    );
    Ok(())
}

fn pictures(mut noise: facette_random::Stream, count: usize) -> Vec<f32> {
    use rand::RngExt;
    (0..count).map(|_| noise.random_range(-1.7f32..1.7)).collect()
}

fn network(net: &str) -> Result<(Graph, usize), NetsError> {
    Ok(match net {
        "a" => (build("resnet18", &NetOptions::new(32).classes(100))?, 64),
        "b" => (residual_b()?, 128),
        "32" => {
            let options = NetOptions::new(32).set("widths", vec![32, 64, 128]);
            (build("facette", &options.set("blocks", vec![2, 2, 2]))?, 128)
        }
        "16" => (build("facette", &NetOptions::new(16))?, 128),
        other => {
            let (name, side) = other.split_once('@').unwrap_or((other, "32"));
            let side = side.parse().unwrap_or(32);
            (build(name, &NetOptions::new(side).classes(100))?, 128)
        }
    })
}

/// Three stages of two basic blocks, a 128-d embedding and 1,000 classes.
fn residual_b() -> Result<Graph, GraphError> {
    let mut b = Builder::new("residual-b", Input::colour(16));
    let x = b.conv("conv", 0, Conv::square(3, 32, 3, 1));
    let x = b.norm("bn", x);
    let mut x = b.relu(x);
    let mut channels = 32;
    for (stage, width) in [32, 64, 96].into_iter().enumerate() {
        for block in 0..2 {
            let stride = if stage > 0 && block == 0 { 2 } else { 1 };
            let path = format!("stage{stage}.{block}");
            let y = b.conv(format!("{path}.conv1"), x, Conv::square(channels, width, 3, stride));
            let y = b.norm(format!("{path}.bn1"), y);
            let y = b.relu(y);
            let y = b.conv(format!("{path}.conv2"), y, Conv::square(width, width, 3, 1));
            let y = b.norm(format!("{path}.bn2"), y);
            let shortcut = if stride == 1 && channels == width {
                x
            } else {
                let conv = Conv::square(channels, width, 1, stride);
                let shortcut = b.conv(format!("{path}.shortcut"), x, conv);
                b.norm(format!("{path}.shortcut_bn"), shortcut)
            };
            let sum = b.add(y, shortcut);
            x = b.relu(sum);
            channels = width;
        }
    }
    let x = b.global_average(x);
    let embedding = b.linear("embedding", x, 96, 128, true);
    let logits = b.linear("fc", embedding, 128, 1000, true);
    b.finish(embedding, Some(logits))
}
