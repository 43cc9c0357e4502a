//! Networks of plain loops and of the runtime agree.

use facette_graph::{Graph, Norm};
use facette_runtime::{Level, Recognizer};

use crate::reference;
use crate::support::{everything, numbers, residual_b, student};

fn check(graph: Graph, faces: usize) {
    let file = student(graph, Norm::None, 3);
    let (card, arrays) = file.clone().into_parts();
    let input = card.graph.input;
    let len = input.channels * input.height * input.width;
    let mut next = numbers(5);
    let planes: Vec<f32> = (0..faces * len).map(|_| next()).collect();
    let expected: Vec<f64> = planes
        .chunks_exact(len)
        .flat_map(|planes| reference::embedding(&card.graph, &arrays, planes))
        .collect();
    let largest = expected.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    for &level in Level::available() {
        let recognizer = Recognizer::new(file.clone()).unwrap().at(level);
        for at_once in [1, 3, 8] {
            let mut scratch = recognizer.scratch(at_once);
            let mut found = vec![f32::NAN; expected.len()];
            recognizer.embed_planes(&mut scratch, &planes, faces, &mut found).unwrap();
            for (found, expected) in found.iter().zip(&expected) {
                let apart = (f64::from(*found) - expected).abs() / largest;
                assert!(apart < 1e-5, "{level:?}, {at_once} at once: {found}, not {expected}");
            }
        }
    }
}

#[test]
fn every_operation_agrees_with_its_definition() {
    check(everything(), 7);
}

#[test]
fn a_residual_network_agrees_with_its_definition() {
    check(residual_b(), 2);
}

#[test]
fn folding_twice_changes_nothing() {
    let (card, arrays) = student(everything(), Norm::None, 3).into_parts();
    let once = facette_runtime::fold(&card.graph, &arrays).unwrap();
    assert!(once.0.nodes.len() < card.graph.nodes.len());
    assert!(once.0.taps.logits.is_none(), "the classifier is left behind");
    assert_eq!(facette_runtime::fold(&once.0, &once.1).unwrap(), once);
}
