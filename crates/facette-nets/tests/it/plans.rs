//! Fused plans compute what plans with every tap compute.

use burn::tensor::Device;
use facette_nets::{Mode, NetOptions, Network, Shared, Wanted, build, find, read};

use crate::support::{distance, pictures};

const NETS: &[(&str, &str)] = &[
    ("facette", "widths = [4, 6]\nblocks = [2, 1]"),
    ("bridge", ""),
    ("resnet18", "widths = [4, 6, 8, 10]"),
    ("resnet50", "widths = [2, 3, 4, 5]"),
    ("resnet8", ""),
    ("wrn_16_1", ""),
    ("vgg8", "widths = [[4], [5], [6], [7], [8]]"),
    ("mobilenet-v2", "width = 0.25"),
    ("shufflenet-v1", "widths = [36, 60, 120]\nblocks = [1, 2, 1]"),
    ("shufflenet-v2", "widths = [40, 80, 160, 32]"),
    ("mobilefacenet", "scale = 1\nblocks = [1, 1, 1, 1]"),
    ("mobilefacenet-foamliu", ""),
    ("iresnet18", "widths = [4, 6, 8, 10]"),
    ("pocketnet-m", "channels = 2\ncells = 5"),
];

const ALL: Wanted = Wanted { stages: true, before_activation: true, shared: None };

fn network(id: &str, settings: &str, device: &Device) -> Network {
    let mut options = NetOptions::new(32).classes(5);
    options.settings = settings.parse().unwrap();
    let graph = build(id, &options).unwrap_or_else(|error| panic!("{id}: {error}"));
    Network::new(graph, find(id).unwrap().init(), 7, id, device).unwrap()
}

#[test]
fn taps_change_nothing() {
    let device = Device::flex();
    for (id, settings) in NETS {
        for mode in [Mode::Eval, Mode::Train] {
            let mut plain = network(id, settings, &device);
            let mut tapped = network(id, settings, &device);
            tapped.want(ALL);
            // Two passes, so that the running statistics of the first are read by the second.
            plain.forward(pictures("warm", 4, 3, 32, &device), Mode::Train);
            tapped.forward(pictures("warm", 4, 3, 32, &device), Mode::Train);
            let x = pictures("x", 4, 3, 32, &device);
            let (a, b) = (plain.forward(x.clone(), mode), tapped.forward(x, mode));
            let pairs = [
                (read("a", &a.embedding), read("b", &b.embedding)),
                (read("a", &a.logits.unwrap()), read("b", &b.logits.unwrap())),
            ];
            for (a, b) in pairs {
                let found = distance(&a.unwrap(), &b.unwrap());
                assert!(found < 1e-4, "{id} {mode:?}: taps change the output by {found}");
            }
            let (plain, tapped) = (plain.arrays().unwrap(), tapped.arrays().unwrap());
            for (name, array) in &plain {
                let found = distance(&array.values, &tapped[name].values);
                assert!(found < 1e-4, "{id} {mode:?}: taps change {name} by {found}");
            }
        }
    }
}

#[test]
fn gradient_is_divided_at_a_shared_map_and_nowhere_else() {
    let device = Device::flex().autodiff();
    let gradients = |branches: usize| {
        let mut net = network("resnet8", "", &device);
        let shared = Some(Shared { stage: 1, branches });
        net.want(Wanted { shared, ..Wanted::default() });
        let x = pictures("x", 4, 3, 32, &device);
        let grads = net.forward(x, Mode::Train).logits.unwrap().square().mean().backward();
        let grad = |name: &str| {
            let value = net.parameters().get(name).unwrap().value.grad(&grads).unwrap();
            read(name, &value).unwrap()
        };
        (grad("layer2.0.conv1.weight"), grad("layer3.0.conv1.weight"))
    };
    let ((before, after), (divided, same)) = (gradients(1), gradients(4));
    let quarter: Vec<f32> = before.iter().map(|v| v / 4.0).collect();
    assert!(distance(&quarter, &divided) < 1e-5, "{}", distance(&quarter, &divided));
    assert!(distance(&after, &same) < 1e-5);
    assert!(distance(&before, &divided) > 1e-3);
}

#[test]
fn taps_are_what_the_graph_says() {
    let device = Device::flex();
    for (id, settings) in NETS {
        let mut network = network(id, settings, &device);
        network.want(ALL);
        let knowledge = network.infer(pictures("x", 2, 3, 32, &device));
        let shapes = network.graph().shapes().unwrap();
        let taps = &network.graph().taps;
        let of = |node: usize| {
            let shape = shapes[node];
            [2, shape.channels, shape.height, shape.width]
        };
        let maps = |nodes: &[usize]| nodes.iter().map(|node| of(*node)).collect::<Vec<_>>();
        let found =
            |maps: &[burn::tensor::Tensor<4>]| maps.iter().map(|m| m.dims()).collect::<Vec<_>>();
        assert_eq!(found(&knowledge.stages), maps(&taps.stages), "{id}");
        assert_eq!(found(&knowledge.before_activation), maps(&taps.before_activation), "{id}");
        assert_eq!(knowledge.stem.map(|stem| stem.dims()), taps.stem.map(of), "{id}");
        assert_eq!(knowledge.embedding.dims(), [2, network.embedding_dim()], "{id}");
        assert!(taps.stages.len() >= 2, "{id} has stages");
    }
}

#[test]
fn rectified_stages_are_their_inputs_rectified() {
    let device = Device::flex();
    let mut network = network("resnet8", "", &device);
    network.want(ALL);
    let knowledge = network.infer(pictures("x", 2, 3, 32, &device));
    for (after, before) in knowledge.stages.iter().zip(&knowledge.before_activation) {
        let (after, before) = (read("a", after).unwrap(), read("b", before).unwrap());
        assert!(before.iter().any(|v| *v < 0.0), "there is something to rectify");
        let rectified: Vec<f32> = before.iter().map(|v| v.max(0.0)).collect();
        assert_eq!(after, rectified);
    }
}
