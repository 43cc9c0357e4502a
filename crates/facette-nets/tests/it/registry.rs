//! The registry: names, settings, costs, and that every entry learns.

use std::collections::BTreeSet;

use burn::tensor::Device;
use facette_nets::{Mode, NETS, NetOptions, NetsError, Network, build, find};

use crate::support::pictures;

fn parameters(id: &str, options: &NetOptions) -> usize {
    build(id, options).unwrap().counts().unwrap().parameters
}

#[test]
fn names_are_unique_and_found() {
    let mut names = BTreeSet::new();
    for net in NETS {
        for name in [net.id()].iter().chain(net.aliases()) {
            assert!(names.insert(*name), "{name} is taken twice");
            assert_eq!(find(name).unwrap().id(), net.id());
        }
        assert!(!net.about().is_empty() && !net.source().is_empty(), "{}", net.id());
    }
}

#[test]
fn misspellings_are_answered_with_the_nearest_name() {
    let message = |result: Result<_, NetsError>| {
        let result: Result<facette_graph::Graph, _> = result;
        result.unwrap_err().to_string()
    };
    let options = NetOptions::new(16);
    assert!(message(build("facete", &options)).contains("did you mean \"facette\""));
    assert!(message(build("resnet21", &options)).contains("did you mean \"resnet"));
    assert!(message(build("xylophone", &options)).contains("there are: facette"));
    let wrong = options.clone().set("width", 3);
    assert!(message(build("facette", &wrong)).contains("did you mean \"widths\""));
    let wrong = options.clone().set("widths", "many");
    assert!(message(build("facette", &wrong)).contains("\"widths\": invalid type"));
    let wrong = options.clone().set("blocks", vec![1i64]);
    assert!(message(build("facette", &wrong)).contains("takes 3 entries"));
    let wrong = options.clone().set("widths", vec![32i64, 0, 64]);
    assert!(message(build("facette", &wrong)).contains("must be 1 to 4096, found 0"));
    let wrong = options.clone().set("stem", "rough");
    assert!(message(build("facette", &wrong)).contains("by-size"));
    let wrong = options.clone().set("channels", 3);
    assert!(message(build("mobilefacenet-foamliu", &wrong)).contains("there are none"));
    assert!(message(build("facette", &NetOptions::new(0))).contains("\"size\""));
    assert!(message(build("bridge", &NetOptions::new(3))).contains("does not fit"));
    let wrong = NetOptions::new(16).classes(0);
    assert!(message(build("facette", &wrong)).contains("\"classes\""));
}

#[test]
fn defaults_are_the_settings_one_gets() {
    for net in NETS {
        let plain = NetOptions::new(net.native_size());
        let mut spelt = plain.clone();
        spelt.settings = net.defaults();
        assert_eq!(build(net.id(), &plain).unwrap(), build(net.id(), &spelt).unwrap());
    }
}

#[test]
fn cards_keep_the_settings_in_force() {
    let options = NetOptions::new(16).set("blocks", vec![1i64, 2, 3]);
    let kept = options.effective(find("facette").unwrap());
    let kept: Vec<String> = kept.iter().map(|(key, value)| format!("{key} = {value}")).collect();
    assert_eq!(kept, ["blocks = [1,2,3]", "stem = \"by-size\"", "widths = [32,48,64]"]);
}

/// Exact sizes of the students whose papers publish figures.
#[test]
fn students_have_their_published_sizes() {
    let at_16 = NetOptions::new(16);
    assert_eq!(parameters("bridge", &at_16), 210_000);
    assert_eq!(parameters("selective", &at_16), 791_456);
    assert_eq!(parameters("few-shot", &at_16), 35_304);
    assert_eq!(parameters("bridge", &at_16.clone().embedding(128)), 160_464);
    assert_eq!(parameters("selective", &at_16.clone().embedding(128)), 279_584);
    assert_eq!(parameters("ekd", &at_16), 606_400);
    assert_eq!(parameters("ekd", &at_16.clone().embedding(128)), 614_720);
    assert_eq!(parameters("ekd", &at_16.clone().classes(180)), 618_100);
    assert_eq!(parameters("horkd", &at_16), 7_802_784);
    assert_eq!(parameters("facette", &at_16), 194_016);
    let at_32 = NetOptions::new(32).set("widths", vec![32i64, 64, 96]);
    assert_eq!(parameters("facette", &at_32.set("blocks", vec![2i64, 2, 2])), 497_472);

    let cifar = |id| parameters(id, &NetOptions::new(32).classes(100));
    assert_eq!(cifar("resnet110-bottleneck"), 1_170_868);
    assert_eq!(cifar("resnet164-bottleneck"), 1_727_284);
    assert_eq!(cifar("vgg16-hidden"), 15_299_748);
    let tiny = |id| parameters(id, &NetOptions::new(224).classes(200));
    assert_eq!(tiny("imagenet-resnet18"), 11_279_112);
    assert_eq!(tiny("imagenet-resnet34"), 21_387_272);

    let activations = |id| build(id, &at_16).unwrap().counts().unwrap().activations;
    assert_eq!(activations("bridge"), 15_232);
    assert_eq!(activations("selective"), 38_272);
    assert_eq!(activations("few-shot"), 7_360);
}

/// One step of training moves every learned tensor of every network that is small enough to be
/// run here; the larger ones are the same code with more blocks.
#[test]
fn every_network_learns() {
    let device = Device::flex().autodiff();
    let mut run = 0;
    for net in NETS {
        let options = NetOptions::new(net.native_size().min(32)).classes(4);
        let graph = build(net.id(), &options).unwrap();
        let counts = graph.counts().unwrap();
        if counts.parameters > 4_000_000 || counts.macs > 60_000_000 {
            continue;
        }
        run += 1;
        let mut network = Network::new(graph, net.init(), 1, net.id(), &device).unwrap();
        let x = pictures(net.id(), 2, 3, options.size, &device);
        let logits = network.forward(x, Mode::Train).logits.unwrap();
        let grads = logits.square().mean().backward();
        for parameter in network.parameters().iter().filter(|p| p.spec.kind.is_learned()) {
            let name = &parameter.spec.name;
            let grad = parameter.value.grad(&grads);
            let grad = grad.unwrap_or_else(|| panic!("{}: {name} learns nothing", net.id()));
            let grad = facette_nets::read(name, &grad).unwrap();
            assert!(grad.iter().all(|g| g.is_finite()), "{}: {name}", net.id());
        }
    }
    assert!(run >= 15, "only {run} networks are small enough");
}
