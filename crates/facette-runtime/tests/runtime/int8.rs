//! Students in int8: near to what they were in floats, and the same bytes everywhere.

use facette_graph::{Gate, Norm, StudentFile};
use facette_runtime::{
    Face, Level, QuantiseOptions, Range, Recognizer, RuntimeError, choose, drift, equalise,
    quantise,
};

use crate::support::{everything, numbers, residual_b, student};

fn pixels(count: usize, width: usize, height: usize) -> Vec<Vec<u8>> {
    let mut next = numbers(7);
    let mut face = || (0..3 * width * height).map(|_| (127.5 * (next() + 1.0)) as u8).collect();
    (0..count).map(|_| face()).collect()
}

fn faces(pixels: &[Vec<u8>], width: usize, height: usize) -> Vec<Face<'_>> {
    pixels.iter().map(|rgb| Face::new(rgb, width, height).unwrap()).collect()
}

fn embeddings(file: StudentFile, level: Level, faces: &[Face<'_>], at_once: usize) -> Vec<f32> {
    let recognizer = Recognizer::new(file).unwrap().at(level);
    let mut out = vec![0.0; faces.len() * recognizer.dim()];
    recognizer.embed_batch(&mut recognizer.scratch(at_once), faces, &mut out).unwrap();
    out
}

fn check(graph: facette_graph::Graph, least: f64) {
    let (width, height) = (graph.input.width, graph.input.height);
    let file = student(graph, Norm::L2, 3);
    let rgb = pixels(24, width, height);
    let faces = faces(&rgb, width, height);
    let dim = file.card().embedding.dim;
    for range in [Range::MinMax, Range::Percentile(99.999), Range::Entropy] {
        for correct_bias in [false, true] {
            let options = QuantiseOptions { range, correct_bias, equalise: correct_bias };
            let small = quantise(&file, &faces[..16], options).unwrap();
            let float = embeddings(file.clone(), Level::current(), &faces, 8);
            let bytes = embeddings(small.clone(), Level::Scalar, &faces, 1);
            let cosines = float.chunks(dim).zip(bytes.chunks(dim)).map(|(a, b)| -> f64 {
                a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
            });
            let mean = cosines.sum::<f64>() / faces.len() as f64;
            // Noise has no outliers that would be worth a cut.
            let least = if range == Range::Entropy { least - 0.01 } else { least };
            assert!(mean > least, "{range} {correct_bias}: {mean}");
            for &level in Level::available() {
                for at_once in [1, 5, 8] {
                    let found = embeddings(small.clone(), level, &faces, at_once);
                    assert_eq!(found, bytes, "{level:?}, {at_once} at once");
                }
            }
            // The file says everything.
            let written = small.to_bytes().unwrap();
            let read = StudentFile::from_bytes(&written).unwrap();
            assert_eq!(embeddings(read, Level::current(), &faces, 8), bytes);
        }
    }
}

#[test]
fn every_operation_works_in_bytes() {
    check(everything(), 0.995);
}

#[test]
fn a_residual_network_works_in_bytes() {
    check(residual_b(), 0.998);
}

#[test]
fn it_is_a_quarter_of_the_size_and_says_what_it_is() {
    let file = student(residual_b(), Norm::L2, 3);
    let rgb = pixels(4, 16, 16);
    let small = quantise(&file, &faces(&rgb, 16, 16), QuantiseOptions::default()).unwrap();
    let (before, after) = (file.to_bytes().unwrap().len(), small.to_bytes().unwrap().len());
    assert!(10 * after < 3 * before, "{after} of {before}");
    let quantisation = small.card().quantisation.as_ref().unwrap();
    assert_eq!(quantisation.calibration, "percentile 99.999, biases corrected on 4 faces");
    let recognizer = Recognizer::new(small.clone()).unwrap();
    let lines = recognizer.describe();
    assert!(lines.contains("blocks.0.c1 conv winograd -> int8"), "{lines}");
    assert!(lines.contains("emb linear direct -> f32"), "{lines}");
    let again = quantise(&small, &faces(&rgb, 16, 16), QuantiseOptions::default());
    assert!(matches!(again, Err(RuntimeError::Quantised)));
    let none = quantise(&file, &[], QuantiseOptions::default()).unwrap_err();
    assert!(none.to_string().contains("faces to calibrate on"));
}

#[test]
fn pictures_beyond_fixed_point_are_read_as_floats() {
    // What reads the picture takes values of up to 4 in fixed point; these reach 9 and 33.
    for std in [0.1, 0.03] {
        let (mut card, arrays) = student(residual_b(), Norm::L2, 3).into_parts();
        card.input.std = vec![std; 3];
        card.input.mean = vec![0.1, 0.5, 0.02];
        let file = StudentFile::new(card, arrays).unwrap();
        let rgb = pixels(24, 16, 16);
        let faces = faces(&rgb, 16, 16);
        let small = quantise(&file, &faces[..16], QuantiseOptions::default()).unwrap();
        let first = &drift(&file, &small, &faces[16..]).unwrap()[0];
        assert!(first.cosine > 0.9999, "{first:?}");
        let bytes = embeddings(small.clone(), Level::Scalar, &faces, 1);
        for &level in Level::available() {
            assert_eq!(embeddings(small.clone(), level, &faces, 8), bytes, "{level:?}");
        }
    }
}

#[test]
fn bytes_that_contradict_the_card_are_refused() {
    let file = student(residual_b(), Norm::L2, 3);
    let rgb = pixels(2, 16, 16);
    let small = quantise(&file, &faces(&rgb, 16, 16), QuantiseOptions::default()).unwrap();
    let refused = |change: &dyn Fn(&mut facette_graph::Quantisation), text: &str| {
        let (mut card, arrays) = small.clone().into_parts();
        change(card.quantisation.as_mut().unwrap());
        let error = match StudentFile::new(card, arrays) {
            Ok(file) => Recognizer::new(file).unwrap_err().to_string(),
            Err(error) => error.to_string(),
        };
        assert!(error.contains(text), "{error}");
    };
    refused(&|q| q.activations[0].scale = 0.0, "quantisation.activations");
    refused(&|q| q.activations[0].scale = f32::NAN, "quantisation.activations");
    refused(&|q| q.activations[0].node = 9999, "quantisation.activations");
    refused(&|q| q.activations.swap(0, 1), "quantisation.activations");
    let gate = |int8| Gate { protocol: "lfw".into(), size: 16, float: 0.9, int8, allowed: 0.003 };
    refused(&|q| q.gate = Some(gate(1.5)), "quantisation.gate");
    refused(&|q| q.gate = Some(gate(f64::NAN)), "quantisation.gate");
    refused(&|q| q.weights.values_mut().next().unwrap()[0] *= 1.5, "whole multiples");
    refused(&|q| q.weights.values_mut().next().unwrap().truncate(1), "positive steps");
    refused(&|q| drop(q.weights.pop_first()), "quantise the student anew");
    refused(&|q| drop(q.weights.insert("x".into(), vec![1.0])), "no weight of the graph");
}

#[test]
fn equalised_students_compute_the_same_and_lose_less() {
    let file = uneven();
    let rgb = pixels(16, 16, 16);
    let faces = faces(&rgb, 16, 16);
    let even = equalise(&file, &faces[..8]).unwrap();
    assert_ne!(even.arrays(), file.arrays());
    let float = embeddings(file.clone(), Level::current(), &faces, 8);
    assert_eq!(embeddings(even.clone(), Level::current(), &faces, 8), float);

    let last = |equalise: bool| {
        let options = QuantiseOptions { equalise, ..QuantiseOptions::default() };
        let float = if equalise { &even } else { &file };
        let layers =
            drift(float, &quantise(&file, &faces[..8], options).unwrap(), &faces[8..]).unwrap();
        layers.last().unwrap().cosine
    };
    assert!(last(true) > 0.999 && last(false) < last(true), "{} {}", last(false), last(true));
}

/// A student some of whose channels are a thousand times larger than others, for nothing.
fn uneven() -> StudentFile {
    let (card, mut arrays) = student(residual_b(), Norm::L2, 3).into_parts();
    for block in 0..6 {
        for leaf in ["weight", "bias"] {
            let norm = arrays.get_mut(&format!("blocks.{block}.b1.{leaf}")).unwrap();
            norm.values.iter_mut().step_by(3).for_each(|value| *value *= 1024.0);
        }
        let reader = arrays.get_mut(&format!("blocks.{block}.c2.weight")).unwrap();
        let inputs = reader.shape[1];
        for (i, values) in reader.values.chunks_exact_mut(9).enumerate() {
            if i % inputs % 3 == 0 {
                values.iter_mut().for_each(|value| *value /= 1024.0);
            }
        }
    }
    StudentFile::new(card, arrays).unwrap()
}

#[test]
fn the_way_that_loses_least_on_other_faces_is_chosen() {
    let file = uneven();
    let rgb = pixels(24, 16, 16);
    let faces = faces(&rgb, 16, 16);
    let candidates = QuantiseOptions::candidates();
    let choice = choose(&file, &faces[..12], &faces[12..], &candidates).unwrap();
    assert_eq!(choice.tried.len(), candidates.len());
    let best = choice.tried.iter().map(|tried| tried.cosine).fold(0.0, f64::max);
    let chosen = choice.tried.iter().find(|tried| tried.options == choice.options).unwrap();
    assert_eq!(chosen.cosine, best);
    assert!(choice.options.equalise, "{}", choice.options);
    assert_eq!(choice.student, quantise(&file, &faces[..12], choice.options).unwrap());
    assert!(choose(&file, &faces, &[], &candidates).is_err());
    assert!(choose(&file, &faces, &faces, &[]).is_err());
}
