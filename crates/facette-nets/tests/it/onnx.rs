//! ONNX teachers: found, run in any batch and on any number of threads, or refused by name.

use std::num::NonZero;
use std::path::PathBuf;

use facette_nets::{NetsError, OnnxModel, OnnxOptions};

use crate::onnx_bytes::{Side, model};
use crate::support::{distance, values};

const ROWS: usize = 5;
const VALUES: usize = 3 * 4 * 4;
const SIDES: [Side; 4] = [Side::Open("N"), Side::Fixed(3), Side::Fixed(4), Side::Fixed(4)];

struct Written {
    path: PathBuf,
    _folder: tempfile::TempDir,
}

fn written(bytes: &[u8]) -> Written {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("teacher.onnx");
    std::fs::write(&path, bytes).unwrap();
    Written { path, _folder: folder }
}

fn weights() -> Vec<f32> {
    values("weights", ROWS * VALUES)
}

fn products(pictures: &[f32]) -> Vec<f32> {
    let weights = weights();
    let product = |picture: &[f32], row: &[f32]| picture.iter().zip(row).map(|(a, b)| a * b).sum();
    pictures
        .chunks(VALUES)
        .flat_map(|picture| {
            weights.chunks(VALUES).map(move |row| product(picture, row)).collect::<Vec<f32>>()
        })
        .collect()
}

fn refusal(bytes: &[u8], options: &OnnxOptions) -> String {
    let file = written(bytes);
    let error = OnnxModel::open_with(&file.path, options).unwrap_err();
    assert!(matches!(error, NetsError::Onnx { .. }));
    let message = error.to_string();
    assert!(message.contains("teacher.onnx"), "names the file: {message}");
    message
}

#[test]
fn every_batch_and_thread_count_gives_the_same() {
    let file = written(&model(SIDES, &["embedding"], &weights(), ROWS as u64));
    for count in [0, 1, 7, 8, 9, 40] {
        let pictures = values("pictures", count * VALUES);
        let expected = products(&pictures);
        let mut first: Option<Vec<f32>> = None;
        for threads in [1, 2, 3] {
            let threads = NonZero::new(threads);
            let options = OnnxOptions { threads, ..Default::default() };
            let model = OnnxModel::open_with(&file.path, &options).unwrap();
            assert_eq!(
                (model.picture(), model.dim(), model.output()),
                ([3, 4, 4], ROWS, "embedding")
            );
            let found = model.run(&pictures, count).unwrap();
            if count > 0 {
                assert!(distance(&found, &expected) < 1e-5);
            }
            let bits = first.get_or_insert_with(|| found.clone());
            assert_eq!(&found, bits, "{threads:?} threads, {count} pictures");
        }
    }
}

#[test]
fn a_fixed_batch_is_filled_up() {
    let sides = [Side::Fixed(4), SIDES[1], SIDES[2], SIDES[3]];
    let file = written(&model(sides, &["embedding"], &weights(), ROWS as u64));
    let model = OnnxModel::open(&file.path).unwrap();
    let pictures = values("pictures", 6 * VALUES);
    assert!(distance(&model.run(&pictures, 6).unwrap(), &products(&pictures)) < 1e-5);
}

#[test]
fn an_open_size_must_be_given() {
    let sides = [Side::Open("N"), Side::Fixed(3), Side::Open("H"), Side::Open("W")];
    let bytes = model(sides, &["embedding"], &weights(), ROWS as u64);
    assert!(refusal(&bytes, &OnnxOptions::default()).contains("give the size"));
    let options = OnnxOptions { size: Some(4), ..Default::default() };
    let file = written(&bytes);
    assert_eq!(OnnxModel::open_with(&file.path, &options).unwrap().picture(), [3, 4, 4]);
    let fixed = model(SIDES, &["embedding"], &weights(), ROWS as u64);
    let options = OnnxOptions { size: Some(5), ..Default::default() };
    assert!(refusal(&fixed, &options).contains("asked for 5"));
}

#[test]
fn of_several_vectors_one_must_be_named() {
    let bytes = model(SIDES, &["embedding", "logits"], &weights(), ROWS as u64);
    let message = refusal(&bytes, &OnnxOptions::default());
    assert!(
        message.contains("2 outputs") && message.contains("maps, embedding, logits"),
        "{message}"
    );
    let named = |name: &str| OnnxOptions { output: Some(name.into()), ..Default::default() };
    assert!(refusal(&bytes, &named("embeding")).contains("no output \"embeding\""));
    let file = written(&bytes);
    assert_eq!(OnnxModel::open_with(&file.path, &named("logits")).unwrap().output(), "logits");
}

#[test]
fn other_inputs_are_refused() {
    let wrong = |sides: [Side; 4]| {
        refusal(&model(sides, &["embedding"], &weights(), ROWS as u64), &OnnxOptions::default())
    };
    let message = wrong([SIDES[0], Side::Fixed(4), SIDES[2], SIDES[3]]);
    assert!(message.contains("expected 1 or 3"), "{message}");
    let message = wrong([SIDES[0], Side::Fixed(3), Side::Fixed(5), Side::Fixed(5)]);
    assert!(message.contains("export the model anew"), "{message}");
    let file = written(&model(SIDES, &["embedding"], &weights(), ROWS as u64));
    let message = OnnxModel::open(&file.path).unwrap().run(&[0.0; 7], 1).unwrap_err().to_string();
    assert!(message.contains("1 pictures of 3x4x4, found 7 values"), "{message}");
}

#[test]
fn damaged_and_foreign_files_are_refused() {
    let whole = model(SIDES, &["embedding"], &weights(), ROWS as u64);
    let none = OnnxOptions::default();
    for cut in (0..whole.len()).step_by(37).chain([whole.len() - 1]) {
        let message = refusal(&whole[..cut], &none);
        assert!(message.contains("not a usable ONNX model"), "cut at {cut}: {message}");
    }
    let half = refusal(&whole[..whole.len() / 2], &none);
    assert!(half.contains("cut off by the end") && half.contains("take it anew"), "{half}");
    for foreign in [&b"\xff\xd8\xff\xe0 a photograph"[..], b"", b"{\"a\": 1}", &[0; 64]] {
        refusal(foreign, &none);
    }
    let error = OnnxModel::open(&PathBuf::from("no/such/teacher.onnx")).unwrap_err();
    assert!(error.to_string().contains("no/such/teacher.onnx"));
}

#[test]
fn flipped_bytes_never_panic() {
    let whole = model(SIDES, &["embedding"], &weights(), ROWS as u64);
    let structure = whole.len() - ROWS * VALUES * 4;
    for place in 0..structure {
        for value in [0, 0x7f, 0xff, whole[place] ^ 1] {
            let mut bytes = whole.clone();
            bytes[place] = value;
            let file = written(&bytes);
            let options = OnnxOptions { threads: NonZero::new(1), ..Default::default() };
            if let Ok(model) = OnnxModel::open_with(&file.path, &options) {
                let [c, h, w] = model.picture();
                let _ = model.run(&vec![0.5; c * h * w], 1);
            }
        }
    }
}
