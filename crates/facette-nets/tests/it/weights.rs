//! Weights: drawn by seed, kept, loaded, frozen.

use std::collections::BTreeMap;

use burn::tensor::Device;
use facette_graph::{
    Array, Card, ChannelOrder, GraphError, InputCard, Norm, StateDict, StudentFile,
};
use facette_nets::{Init, Mode, NetOptions, NetsError, Network, Parameters, build, read};

use crate::support::{pictures, tensor, values};

fn options() -> NetOptions {
    NetOptions::new(16).set("widths", vec![4i64, 6]).set("blocks", vec![1i64, 1]).embedding(7)
}

fn network(seed: u64, device: &Device) -> Network {
    let graph = build("facette", &options().classes(3)).unwrap();
    Network::new(graph, Init::Torch, seed, "student", device).unwrap()
}

fn card(network: &Network) -> Card {
    let input = InputCard {
        width: 16,
        height: 16,
        channels: ChannelOrder::Rgb,
        mean: vec![0.5; 3],
        std: vec![0.5; 3],
        resize: "area".into(),
        template: "arcface-112".into(),
    };
    let graph = network.graph().ending_at(network.graph().taps.embedding);
    Card::new(graph, BTreeMap::new(), input, Norm::L2, "for tests").unwrap()
}

fn embedding(network: &Network, device: &Device) -> Vec<f32> {
    let knowledge = network.infer(pictures("x", 2, 3, 16, device));
    read("embedding", &knowledge.embedding).unwrap()
}

#[test]
fn fresh_weights_are_a_function_of_the_seed() {
    let device = Device::flex();
    let arrays = |seed| network(seed, &device).arrays().unwrap();
    assert_eq!(arrays(1), arrays(1));
    assert_ne!(arrays(1)["stem.conv.weight"], arrays(2)["stem.conv.weight"]);
    let learning = network(1, &Device::flex().autodiff()).arrays().unwrap();
    assert_eq!(arrays(1), learning, "whether a network learns does not change its weights");
}

#[test]
fn fresh_weights_have_the_spread_their_rule_says() {
    let graph = build("vgg8", &NetOptions::new(32).classes(100)).unwrap();
    let spread = |init, name: &str| {
        let specs = graph.tensors().into_iter().filter(|s| s.name == name).collect();
        let device = Device::flex();
        let values = Parameters::fresh(specs, init, 5, "spread", &device).values().unwrap();
        let values = &values[0].1;
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        let square = values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / values.len() as f32;
        assert!(mean.abs() < 0.05 * square.sqrt().max(1e-6), "{name}: mean {mean}");
        square.sqrt()
    };
    // fan in 64 * 9, fan out 128 * 9; the linear layer reads 512.
    let he = (2.0f32 / (128.0 * 9.0)).sqrt();
    let torch = 1.0 / (3.0f32 * 64.0 * 9.0).sqrt();
    let linear = 1.0 / (3.0f32 * 512.0).sqrt();
    let (conv, fc) = ("block1.0.weight", "classifier.weight");
    for (init, convolution, matrix) in [
        (Init::Torch, torch, linear),
        (Init::HeFanOut, he, linear),
        (Init::HeZeroBias, he, linear),
        (Init::HeSmallLinear, he, 0.01),
        (Init::SmallNormal, 0.1, linear),
        (Init::Head, he, 0.01),
    ] {
        for (name, expected) in [(conv, convolution), (fc, matrix)] {
            let found = spread(init, name);
            assert!((found / expected - 1.0).abs() < 0.02, "{init:?} {name}: {found}, {expected}");
        }
    }
    assert_eq!(spread(Init::HeSmallLinear, "block1.0.bias"), 0.0);
}

#[test]
fn a_student_comes_back_without_its_classifier() {
    let device = Device::flex();
    let whole = network(1, &device);
    let file = whole.to_student_file(card(&whole)).unwrap();
    assert!(file.arrays().keys().all(|name| !name.starts_with("classifier")));
    let file = StudentFile::from_bytes(&file.to_bytes().unwrap()).unwrap();
    let loaded = Network::load(&file, &device).unwrap();
    assert_eq!(loaded.classes(), None);
    assert_eq!(embedding(&loaded, &device), embedding(&whole, &device));
}

#[test]
fn a_card_of_another_network_is_refused() {
    let device = Device::flex();
    let wide = build("facette", &options().set("widths", vec![4i64, 8])).unwrap();
    let wide = Network::new(wide, Init::Torch, 1, "wide", &device).unwrap();
    let error = network(1, &device).to_student_file(card(&wide)).unwrap_err();
    assert!(matches!(error, NetsError::Graph(GraphError::Tensor { .. })), "{error}");
    let deep = build("facette", &options().set("blocks", vec![1i64, 2])).unwrap();
    let deep = Network::new(deep, Init::Torch, 1, "deep", &device).unwrap();
    let error = network(1, &device).to_student_file(card(&deep)).unwrap_err();
    assert!(error.to_string().contains("stage2.1.conv1.weight"), "{error}");
}

#[test]
fn a_diverged_network_is_not_kept() {
    let device = Device::flex();
    let mut network = network(1, &device);
    network.parameters_mut().set("stem.prelu.weight", vec![f32::INFINITY; 4]).unwrap();
    let error = network.to_student_file(card(&network)).unwrap_err();
    assert!(error.to_string().contains("stem.prelu.weight"), "{error}");
}

#[test]
fn all_weights_are_replaced_or_none() {
    let device = Device::flex();
    let mut network = network(1, &device);
    let before = network.arrays().unwrap();
    let mut other = before.clone();
    other.get_mut("stem.conv.weight").unwrap().values[0] = 9.0;
    other.remove("classifier.bias");
    let error = network.set_arrays(&other).unwrap_err();
    assert!(error.to_string().contains("classifier.bias"), "{error}");
    assert_eq!(network.arrays().unwrap(), before);
}

#[test]
fn what_is_found_is_taken_and_the_rest_is_kept() {
    let device = Device::flex();
    let (mut network, other) = (network(1, &device), network(2, &device));
    let mut weights = StateDict { arrays: other.arrays().unwrap() };
    weights.arrays.retain(|name, _| !name.starts_with("classifier"));
    weights.arrays.insert("extra".into(), Array { shape: vec![1], values: vec![0.0] });
    let imported = weights.fit(network.graph()).unwrap();
    assert_eq!(imported.missing, ["classifier.weight", "classifier.bias"]);
    assert_eq!(imported.unused, ["extra"]);
    let classifier = network.arrays().unwrap()["classifier.weight"].clone();
    network.set_imported(&imported).unwrap();
    assert_eq!(embedding(&network, &device), embedding(&other, &device));
    assert_eq!(network.arrays().unwrap()["classifier.weight"], classifier);
}

#[test]
fn a_frozen_copy_is_equal_and_stays_so() {
    let device = Device::flex().autodiff();
    let mut network = network(1, &device);
    let frozen = network.frozen();
    let inner = Device::flex();
    assert_eq!(embedding(&frozen, &inner), embedding(&network, &device));
    assert_eq!(frozen.arrays().unwrap(), network.arrays().unwrap());
    assert!(!frozen.device().is_autodiff());

    let before = frozen.arrays().unwrap();
    network.forward(pictures("y", 4, 3, 16, &device), Mode::Train);
    network.parameters_mut().set("embedding.bias", values("bias", 7)).unwrap();
    assert_eq!(frozen.arrays().unwrap(), before, "training the original leaves the copy alone");
    assert_ne!(network.arrays().unwrap()["stem.bn.running_mean"], before["stem.bn.running_mean"]);
}

#[test]
fn a_passing_copy_lets_gradient_through_and_does_not_learn() {
    let device = Device::flex().autodiff();
    let network = network(3, &device);
    let picture = tensor(values("picture", 2 * 3 * 16 * 16), [2, 3, 16, 16], &device);
    let slopes = |network: &Network| {
        let x = picture.clone().require_grad();
        let weights = tensor(
            values("loss", 2 * network.embedding_dim()),
            [2, network.embedding_dim()],
            &device,
        );
        let grads = (network.infer(x.clone()).embedding * weights).sum().backward();
        let learned = network.parameters().iter().any(|p| p.value.grad(&grads).is_some());
        (read("gradient", &x.grad(&grads).unwrap()).unwrap(), learned)
    };
    let (own, learned) = slopes(&network);
    assert!(learned && own.iter().any(|slope| *slope != 0.0));
    for finished in [&network, &network.frozen()] {
        assert_eq!(slopes(&finished.passing(&device)), (own.clone(), false));
    }
}
