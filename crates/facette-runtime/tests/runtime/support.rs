//! Students made on the spot.

use std::collections::BTreeMap;

use facette_graph::{
    Array, Arrays, Builder, Card, ChannelOrder, Conv, Graph, Input, InputCard, Norm, Op, Pool,
    StudentFile, TensorKind,
};

/// Numbers of -1..1 without a pattern.
pub(crate) fn numbers(seed: u32) -> impl FnMut() -> f32 {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12_345);
    move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    }
}

/// Weights of the order that keeps activations of the order of one.
pub(crate) fn arrays(graph: &Graph, seed: u32) -> Arrays {
    let mut next = numbers(seed);
    let specs = graph.tensors().into_iter();
    specs
        .map(|spec| {
            let fan_in: usize = spec.shape[1..].iter().product();
            let values = (0..spec.len()).map(|_| match spec.kind {
                TensorKind::Weight => next() * (3.0 / fan_in as f32).sqrt(),
                TensorKind::RunningVariance => 1.0 + 0.5 * next(),
                TensorKind::NormScale => 1.0 + 0.3 * next(),
                _ => 0.3 * next(),
            });
            (spec.name.clone(), Array { shape: spec.shape.clone(), values: values.collect() })
        })
        .collect()
}

pub(crate) fn student(graph: Graph, norm: Norm, seed: u32) -> StudentFile {
    let channels = match graph.input.channels {
        1 => ChannelOrder::Grey,
        _ => ChannelOrder::Bgr,
    };
    let input = InputCard {
        width: graph.input.width,
        height: graph.input.height,
        channels,
        mean: vec![0.5, 0.4, 0.3][..graph.input.channels].to_vec(),
        std: vec![0.25, 0.5, 0.3][..graph.input.channels].to_vec(),
        resize: "area".into(),
        template: "none".into(),
    };
    let arrays = arrays(&graph, seed);
    let card = Card::new(graph, BTreeMap::new(), input, norm, "for tests").unwrap();
    StudentFile::new(card, arrays).unwrap()
}

/// A network with every operation there is.
pub(crate) fn everything() -> Graph {
    let mut b = Builder::new("everything", Input { channels: 3, height: 13, width: 11 });
    let x = b.conv_norm("stem", "stem_bn", 0, Conv::square(3, 10, 3, 1));
    let stem = b.prelu("stem_prelu", x);
    b.stem(stem);
    // A basic block, its sum before and after an activation.
    let y = b.conv_norm("a.conv1", "a.bn1", stem, Conv::square(10, 18, 3, 2));
    let y = b.relu(y);
    let y = b.conv_norm("a.conv2", "a.bn2", y, Conv::square(18, 18, 3, 1));
    let shortcut = b.conv_norm("a.down", "a.down_bn", stem, Conv::square(10, 18, 1, 2));
    let y = b.add(y, shortcut);
    let a = b.push("", Op::Relu6, &[y]);
    b.stage(a);
    // Normalisation before the convolution, an activation before the sum, a shared slope.
    let y = b.norm("b.bn", a);
    let y = b.conv("b.conv1", y, Conv::square(18, 18, 3, 1).groups(3).biased());
    let y = b.push("b.prelu", Op::Prelu { slopes: 1 }, &[y]);
    let sum = b.add(a, y);
    // ShuffleNet: halves, a depthwise convolution, concatenation, shuffle.
    let half = b.push("", Op::Channels { start: 9, length: 9 }, &[sum]);
    let other = b.push("", Op::Channels { start: 0, length: 9 }, &[sum]);
    let y = b.conv_norm("c.dw", "c.bn", half, Conv::depthwise(9, 3, 1));
    let y = b.push("", Op::LeakyRelu { slope: 0.1 }, &[y]);
    let joined = b.concat(&[other, y, sum]);
    let shuffled = b.push("", Op::ChannelShuffle { groups: 4 }, &[joined]);
    let dilated = Conv { dilation: [2, 1], padding: [2, 0], ..Conv::square(36, 12, 3, 1) };
    let y = b.conv("d.conv", shuffled, dilated);
    let gate = b.push("", Op::Sigmoid, &[y]);
    let y = b.add(gate, y);
    let y = b.max_pool(y, Pool::square(3, 1).padding(1));
    let y = b.push("", Op::Crop { rows: 1, columns: 0 }, &[y]);
    let y = b.avg_pool(y, Pool::square(2, 2).padding(1));
    b.stage(y);
    let pooled = b.global_average(y);
    let flat = b.flatten(y);
    let length = b.shape(flat).unwrap().len();
    let v = b.linear("e.fc", flat, length, 12, false);
    let v = b.norm("e.bn", v);
    let v = b.add(v, pooled);
    let embedding = b.push("", Op::L2Normalise, &[v]);
    let logits = b.linear("classes", embedding, 12, 5, true);
    b.finish(embedding, Some(logits)).unwrap()
}

/// Network (b) of the peers: residual, 32/64/96, two blocks a stage, 128 values.
pub(crate) fn residual_b() -> Graph {
    let mut b = Builder::new("residual_b", Input::colour(16));
    let x = b.conv_norm("c", "b", 0, Conv::square(3, 32, 3, 1));
    let mut x = b.relu(x);
    let mut inputs = 32;
    for (stage, width) in [32, 64, 96].into_iter().enumerate() {
        for block in 0..2 {
            let path = format!("blocks.{}", 2 * stage + block);
            let stride = if stage > 0 && block == 0 { 2 } else { 1 };
            let of = |leaf: &str| format!("{path}.{leaf}");
            let y = b.conv_norm(of("c1"), of("b1"), x, Conv::square(inputs, width, 3, stride));
            let y = b.relu(y);
            let y = b.conv_norm(of("c2"), of("b2"), y, Conv::square(width, width, 3, 1));
            if stride != 1 || inputs != width {
                x = b.conv_norm(of("sc"), of("sb"), x, Conv::square(inputs, width, 1, stride));
            }
            let sum = b.add(y, x);
            x = b.relu(sum);
            inputs = width;
        }
        b.stage(x);
    }
    let pooled = b.global_average(x);
    let embedding = b.linear("emb", pooled, 96, 128, true);
    b.finish(embedding, None).unwrap()
}
