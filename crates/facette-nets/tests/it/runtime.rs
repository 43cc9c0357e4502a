//! The runtime computes what the training framework computes, for every network there is.

use std::collections::BTreeMap;

use burn::tensor::Device;
use facette_graph::{
    Array, Arrays, Card, ChannelOrder, Graph, InputCard, Norm, StudentFile, TensorKind,
};
use facette_nets::{NETS, NetOptions, NetSpec, Network, build, read};
use facette_runtime::Recognizer;

use crate::support::{distance, pictures};

/// Faces computed at once: neither one nor a whole tile.
const FACES: usize = 3;

/// The network for small pictures: of 16 pixels, or the smallest size of a few that fits.
fn small(net: &dyn NetSpec) -> Graph {
    let sizes = [16, 32, 64, net.native_size()];
    let sizes = sizes.into_iter().map(|size| size.min(net.native_size()));
    let mut graphs = sizes.filter_map(|size| build(net.id(), &NetOptions::new(size)).ok());
    graphs.next().unwrap_or_else(|| panic!("{} fits no size", net.id()))
}

/// Weights that keep activations of the order of one, and statistics of normalisations that are
/// neither 0 nor 1.
fn drawn(graph: &Graph) -> Arrays {
    // Networks have up to 70 million weights, so that they are drawn by the cheapest of generators.
    let mut state = graph.nodes.len() as u32;
    let mut uniform = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    let draw = |spec: facette_graph::TensorSpec| {
        let fan_in: usize = spec.shape[1..].iter().product();
        let (middle, spread) = match spec.kind {
            TensorKind::Weight => (0.0, (3.0 / fan_in as f32).sqrt()),
            TensorKind::RunningVariance => (1.0, 0.5),
            TensorKind::NormScale => (0.9, 0.3),
            TensorKind::Slope => (0.25, 0.25),
            _ => (0.0, 0.3),
        };
        let values = (0..spec.len()).map(|_| middle + spread * uniform()).collect();
        (spec.name, Array { shape: spec.shape, values })
    };
    graph.tensors().into_iter().map(draw).collect()
}

fn student(graph: Graph, arrays: Arrays) -> StudentFile {
    let input = InputCard {
        width: graph.input.width,
        height: graph.input.height,
        channels: ChannelOrder::Rgb,
        mean: vec![0.5; 3],
        std: vec![0.5; 3],
        resize: "area".into(),
        template: "none".into(),
    };
    let card = Card::new(graph, BTreeMap::new(), input, Norm::None, "for tests").unwrap();
    StudentFile::new(card, arrays).unwrap()
}

/// How far the embeddings of the runtime and of the training framework are apart.
fn apart(net: &dyn NetSpec) -> f64 {
    let device = Device::flex();
    let graph = small(net);
    let side = graph.input.width;
    let file = student(graph.clone(), drawn(&graph));
    let x = pictures(net.id(), FACES, 3, side, &device);
    let planes = read("pictures", &x).unwrap();
    let network = Network::load(&file, &device).unwrap();
    let expected = read("embedding", &network.infer(x).embedding).unwrap();
    drop(network);

    let recognizer = Recognizer::new(file).unwrap_or_else(|e| panic!("{}: {e}", net.id()));
    let mut found = vec![f32::NAN; expected.len()];
    let mut scratch = recognizer.scratch(FACES);
    recognizer.embed_planes(&mut scratch, &planes, FACES, &mut found).unwrap();
    distance(&found, &expected)
}

#[test]
fn every_network_runs_as_it_was_trained() {
    let found = NETS.iter().map(|net| (net.id(), apart(*net)));
    let far: Vec<(&str, f64)> = found.filter(|(_, apart)| *apart > 1e-5).collect();
    assert!(far.is_empty(), "further apart than 1e-5 of the largest value: {far:?}");
}
