//! The students that ship.

use std::path::Path;

use facette_graph::StudentFile;
use facette_runtime::{Face, Recognizer};

use crate::reference;

#[test]
fn they_run_as_their_definition_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models");
    let mut found = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "safetensors") {
            continue;
        }
        found += 1;
        let (card, arrays) = StudentFile::open(&path).unwrap().into_parts();
        let recognizer = Recognizer::load(&path).unwrap();
        let side = card.input.width;
        let rgb: Vec<u8> = (0..3 * side * side).map(|i| (i * 7 % 251) as u8).collect();
        let face = Face::new(&rgb, side, side).unwrap();
        let mut scratch = recognizer.scratch(1);
        let embedding = recognizer.embed(&mut scratch, face).unwrap();
        let planes: Vec<f32> = (0..3 * side * side)
            .map(|i| {
                let (c, pixel) = (i / (side * side), i % (side * side));
                let value = f64::from(rgb[3 * pixel + c]) / 255.0;
                ((value - card.input.mean[c]) / card.input.std[c]) as f32
            })
            .collect();
        let expected = reference::embedding(&card.graph, &arrays, &planes);
        let length = expected.iter().map(|v| v * v).sum::<f64>().sqrt();
        for (found, expected) in embedding.iter().zip(&expected) {
            assert!((f64::from(*found) - expected / length).abs() < 1e-5, "{}", path.display());
        }
    }
    assert!(found >= 2);
}
