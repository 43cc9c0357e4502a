//! The students that ship.

use std::path::{Path, PathBuf};

use facette_graph::StudentFile;
use facette_runtime::{Face, Level, Recognizer};

use crate::reference;

/// Student files directly in a folder below `models/`.
fn students(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models").join(folder);
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "safetensors"));
    paths.sort();
    assert!(paths.len() >= 2, "{paths:?}");
    paths
}

/// Pixels of a face of the size that a student takes.
fn pixels(side: usize) -> Vec<u8> {
    (0..3 * side * side).map(|i| (i * 7 % 251) as u8).collect()
}

fn embedding(recognizer: &Recognizer) -> Vec<f32> {
    let side = recognizer.card().input.width;
    let rgb = pixels(side);
    let mut scratch = recognizer.scratch(1);
    recognizer.embed(&mut scratch, Face::new(&rgb, side, side).unwrap()).unwrap().to_vec()
}

/// What its definition says, in `f64`; int8 weights are the floats they stand for.
fn defined(path: &Path) -> Vec<f64> {
    let (card, arrays) = StudentFile::open(path).unwrap().into_parts();
    let side = card.input.width;
    let rgb = pixels(side);
    let planes: Vec<f32> = (0..3 * side * side)
        .map(|i| {
            let (c, pixel) = (i / (side * side), i % (side * side));
            let value = f64::from(rgb[3 * pixel + c]) / 255.0;
            ((value - card.input.mean[c]) / card.input.std[c]) as f32
        })
        .collect();
    let expected = reference::embedding(&card.graph, &arrays, &planes);
    let length = expected.iter().map(|v| v * v).sum::<f64>().sqrt();
    expected.into_iter().map(|v| v / length).collect()
}

#[test]
fn floats_run_as_their_definition_says() {
    for path in students("f32") {
        let found = embedding(&Recognizer::load(&path).unwrap());
        for (found, expected) in found.iter().zip(defined(&path)) {
            assert!((f64::from(*found) - expected).abs() < 1e-5, "{}", path.display());
        }
    }
}

#[test]
fn bytes_are_the_default_and_stay_near_their_definition_on_every_level() {
    for path in students("") {
        let recognizer = Recognizer::load(&path).unwrap();
        let quantisation = recognizer.card().quantisation.as_ref();
        assert!(quantisation.is_some_and(|q| q.is_trusted()), "{}", path.display());
        let found = embedding(&recognizer);
        let cosine: f64 = found.iter().zip(defined(&path)).map(|(&a, b)| f64::from(a) * b).sum();
        assert!(cosine > 0.98, "{}: {cosine}", path.display());
        for &level in Level::available() {
            let again = Recognizer::load(&path).unwrap().at(level);
            assert_eq!(embedding(&again), found, "{} on {level:?}", path.display());
        }
    }
}
