//! What the fuzz targets share: small students to start from, and a bound on what one input may cost.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use facette_graph::{
    Array, Arrays, Builder, Card, ChannelOrder, Conv, Graph, Input, InputCard, Norm, Op, Pool,
    StudentFile, TensorKind,
};
use facette_runtime::{Face, QuantiseOptions, Recognizer, quantise};

/// Multiply-adds of the largest network that is run.
const MACS: usize = 1 << 22;
/// Bytes of the largest activations that are run.
const BYTES: usize = 1 << 22;

/// Whether `recognizer` is small enough to be run some thousand times a second.
pub fn is_small(recognizer: &Recognizer) -> bool {
    let counts = recognizer.card().graph.counts();
    counts.is_ok_and(|c| c.macs <= MACS && c.activations <= BYTES)
        && recognizer.peak_bytes() <= BYTES
        && recognizer.scratch(1).work_bytes() <= BYTES
}

/// The bytes of small student files in `f32` and int8, with every operation among them.
pub fn students() -> &'static [Vec<u8>] {
    static STUDENTS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    STUDENTS.get_or_init(|| {
        let mut files = Vec::new();
        for graph in [plain(), varied()] {
            let float = student(graph);
            let rgb: Vec<u8> = (0..3 * 64).map(|i| (i * 37 % 256) as u8).collect();
            let faces = [Face::new(&rgb, 8, 8).expect("a face")];
            let int8 = quantise(&float, &faces, QuantiseOptions::default()).expect("a student");
            files.push(float.to_bytes().expect("a student"));
            files.push(int8.to_bytes().expect("a student"));
        }
        files
    })
}

/// Two convolutions, the second with Winograd's shortcut, and a linear layer.
fn plain() -> Graph {
    let mut b = Builder::new("plain", Input::colour(8));
    let x = b.conv_norm("a", "a_bn", 0, Conv::square(3, 9, 3, 1));
    let x = b.relu(x);
    let y = b.conv_norm("b", "b_bn", x, Conv::square(9, 9, 3, 1));
    let sum = b.add(x, y);
    let x = b.prelu("p", sum);
    let pooled = b.global_average(x);
    let embedding = b.linear("fc", pooled, 9, 5, true);
    b.finish(embedding, None).expect("a graph")
}

fn varied() -> Graph {
    let mut b = Builder::new("varied", Input { channels: 1, height: 7, width: 9 });
    let x = b.conv("a", 0, Conv::square(1, 8, 3, 2).biased());
    let x = b.push("", Op::Relu6, &[x]);
    let half = b.push("", Op::Channels { start: 4, length: 4 }, &[x]);
    let y = b.conv("dw", half, Conv::depthwise(4, 3, 1));
    let y = b.push("", Op::LeakyRelu { slope: 0.1 }, &[y]);
    let x = b.concat(&[x, y]);
    let x = b.push("", Op::ChannelShuffle { groups: 3 }, &[x]);
    let dilated = Conv { dilation: [2, 1], padding: [2, 1], ..Conv::square(12, 6, 3, 1) };
    let x = b.conv("d", x, dilated.groups(2));
    let gate = b.push("", Op::Sigmoid, &[x]);
    let x = b.add(gate, x);
    let x = b.max_pool(x, Pool::square(3, 1).padding(1));
    let x = b.push("", Op::Crop { rows: 1, columns: 0 }, &[x]);
    let x = b.avg_pool(x, Pool::square(2, 2).padding(1));
    let flat = b.flatten(x);
    let length = b.shape(flat).map_or(0, |shape| shape.len());
    let v = b.linear("fc", flat, length, 6, false);
    let v = b.norm("bn", v);
    let embedding = b.push("", Op::L2Normalise, &[v]);
    b.finish(embedding, None).expect("a graph")
}

fn student(graph: Graph) -> StudentFile {
    let grey = graph.input.channels == 1;
    let input = InputCard {
        width: graph.input.width,
        height: graph.input.height,
        channels: if grey { ChannelOrder::Grey } else { ChannelOrder::Bgr },
        mean: vec![0.5; graph.input.channels],
        std: vec![0.25; graph.input.channels],
        resize: "bicubic".into(),
        template: "none".into(),
    };
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    let arrays: Arrays = graph
        .tensors()
        .into_iter()
        .map(|spec| {
            let values = (0..spec.len()).map(|_| match spec.kind {
                TensorKind::RunningVariance => 1.0 + 0.5 * next(),
                _ => 0.3 * next(),
            });
            let values = values.collect();
            (spec.name.clone(), Array { shape: spec.shape, values })
        })
        .collect();
    let card = Card::new(graph, BTreeMap::new(), input, Norm::L2, "for tests").expect("a card");
    StudentFile::new(card, arrays).expect("a student")
}
