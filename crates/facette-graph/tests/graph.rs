//! Graphs: what does not fit is named, what fits is counted.

use facette_graph::{Builder, Conv, Graph, Input, Op, Pool, Shape};

fn refusal(build: impl FnOnce(&mut Builder) -> usize) -> String {
    let mut b = Builder::new("wrong", Input::colour(8));
    let last = build(&mut b);
    b.finish(last, None).unwrap_err().to_string()
}

#[test]
fn the_first_node_that_does_not_fit_is_named() {
    let message = refusal(|b| {
        let x = b.conv("layer1.0.conv1", 0, Conv::square(4, 8, 3, 1));
        b.conv("layer1.0.conv2", x, Conv::square(1, 1, 1, 1))
    });
    assert!(message.contains("layer1.0.conv1") && message.contains("takes 4 channels, found 3"));
    let message = refusal(|b| {
        let x = b.conv("a", 0, Conv::square(3, 4, 3, 2));
        b.add(x, 0)
    });
    assert!(message.contains("adds equal shapes"), "{message}");
    let message = refusal(|b| b.linear("fc", 0, 3, 4, true));
    assert!(message.contains("takes a vector of 3"), "{message}");
    let message = refusal(|b| {
        let x = b.norm("bn", 0);
        b.norm("bn", x)
    });
    assert!(message.contains("owned by two nodes"), "{message}");
    let message = refusal(|b| b.norm("bn", 0));
    assert!(message.contains("are vectors"), "{message}");
    let message = refusal(|b| b.push("", Op::Relu, &[7]));
    assert!(message.contains("not all before"), "{message}");
    let message = refusal(|b| b.conv("none", 0, Conv::square(3, 0, 3, 1)));
    assert!(message.contains("none"), "{message}");
}

#[test]
fn shapes_are_pytorchs() {
    let mut b = Builder::new("shapes", Input::colour(15));
    let conv = b.conv("conv", 0, Conv::square(3, 4, 5, 2));
    let pool = b.max_pool(conv, Pool::square(3, 2).padding(1));
    let average = b.avg_pool(conv, Pool::square(2, 2));
    let crop = b.crop(conv, 1, 2);
    let flat = b.flatten(crop);
    let shape = |id| b.shape(id).unwrap();
    assert_eq!(shape(conv), Shape { channels: 4, height: 8, width: 8 });
    assert_eq!(shape(pool), Shape { channels: 4, height: 4, width: 4 });
    assert_eq!(shape(average), Shape { channels: 4, height: 4, width: 4 });
    assert_eq!(shape(crop), Shape { channels: 4, height: 7, width: 6 });
    assert_eq!(shape(flat), Shape::vector(168));
}

fn classifier() -> Graph {
    let mut b = Builder::new("classifier", Input::colour(8));
    let mut x = b.conv_norm("conv1", "bn1", 0, Conv::square(3, 4, 3, 1));
    x = b.relu(x);
    b.stem(x);
    let y = b.conv_norm("conv2", "bn2", x, Conv::square(4, 4, 3, 1));
    x = b.add(y, x);
    x = b.relu(x);
    b.stage(x);
    let pooled = b.global_average(x);
    let logits = b.linear("fc", pooled, 4, 10, true);
    b.finish(pooled, Some(logits)).unwrap()
}

#[test]
fn costs_are_counted() {
    let counts = classifier().counts().unwrap();
    assert_eq!(counts.parameters, 3 * 4 * 9 + 8 + 4 * 4 * 9 + 8 + 50);
    assert_eq!(counts.macs, 64 * (3 * 4 * 9 + 4 * 4 * 9) + 40);
    assert_eq!(counts.activations, 3 * 64 + 4 * 64 + 4 * 64 + 4 + 10);
    // The stem's map, kept for the sum, and the second convolution's.
    assert_eq!(counts.peak, 2 * 4 * 64);
}

#[test]
fn a_network_starts_at_a_map_that_everything_later_comes_from() {
    let whole = classifier();
    let stage = whole.taps.stages[0];
    let tail = whole.starting_at(stage).unwrap();
    assert_eq!(tail.input, Input { channels: 4, height: 8, width: 8 });
    assert_eq!(tail.counts().unwrap().parameters, 50);
    assert!(tail.taps.stages.is_empty() && tail.taps.logits.is_some());
    // The stem's map goes around the second convolution.
    let conv = whole.nodes.iter().position(|node| node.path == "conv2").unwrap();
    let message = whole.starting_at(conv).unwrap_err().to_string();
    assert!(message.contains("conv2") && message.contains("later nodes read"), "{message}");
    assert!(whole.starting_at(whole.nodes.len()).is_err());
}

#[test]
fn a_classifier_is_left_behind() {
    let whole = classifier();
    let backbone = whole.ending_at(whole.taps.embedding);
    backbone.check().unwrap();
    assert_eq!(backbone.taps.logits, None);
    assert_eq!(backbone.taps.stages, whole.taps.stages);
    assert_eq!(whole.tensors().len() - backbone.tensors().len(), 2);
}

#[test]
fn before_the_activation_is_found() {
    let graph = classifier();
    let stage = graph.taps.stages[0];
    assert!(matches!(graph.nodes[stage].op, Op::Relu));
    assert!(matches!(graph.nodes[graph.taps.before_activation[0]].op, Op::Add));
}

#[test]
fn graphs_survive_json() {
    let graph = classifier();
    let text = serde_json::to_string(&graph).unwrap();
    assert_eq!(serde_json::from_str::<Graph>(&text).unwrap(), graph);
}
