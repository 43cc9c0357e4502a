//! From bytes to embeddings, whatever the size and however many at once.

use facette_graph::Norm;
use facette_image::{Channels, PerChannel, Picture, Size, View};
use facette_runtime::{Face, Recognizer, RuntimeError};

use crate::support::{everything, numbers, student};

fn pixels(width: usize, height: usize, seed: u32) -> Vec<u8> {
    let mut next = numbers(seed);
    (0..3 * width * height).map(|_| (127.5 * (next() + 1.0)) as u8).collect()
}

#[test]
fn faces_are_seen_as_in_training() {
    let recognizer = Recognizer::new(student(everything(), Norm::L2, 1)).unwrap();
    let mut scratch = recognizer.scratch(1);
    let view = View {
        size: Size { width: 11, height: 13 },
        channels: Channels::Bgr,
        mean: PerChannel([0.5, 0.4, 0.3]),
        std: PerChannel([0.25, 0.5, 0.3]),
        ..View::default()
    };
    for (width, height) in [(11, 13), (112, 96), (5, 7), (11, 12)] {
        let rgb = pixels(width, height, 9);
        let picture = Picture::from_rgb(width, height, rgb.clone()).unwrap();
        let mut planes = vec![0.0; view.len()];
        view.clean(&picture, false, &mut planes).unwrap();
        let mut expected = vec![0.0; recognizer.dim()];
        recognizer.embed_planes(&mut scratch, &planes, 1, &mut expected).unwrap();
        let face = Face::new(&rgb, width, height).unwrap();
        assert_eq!(recognizer.embed(&mut scratch, face).unwrap(), expected, "{width}x{height}");
    }
}

#[test]
fn neither_batches_nor_threads_change_a_byte() {
    let recognizer = Recognizer::new(student(everything(), Norm::L2, 1)).unwrap();
    let rgb: Vec<Vec<u8>> = (0..21).map(|i| pixels(20, 20, i)).collect();
    let faces: Vec<Face<'_>> = rgb.iter().map(|rgb| Face::new(rgb, 20, 20).unwrap()).collect();
    let mut one = recognizer.scratch(1);
    let alone: Vec<f32> =
        faces.iter().flat_map(|&face| recognizer.embed(&mut one, face).unwrap().to_vec()).collect();
    let mut found = vec![0.0; alone.len()];
    for at_once in [1, 2, 5, 100] {
        recognizer.embed_batch(&mut recognizer.scratch(at_once), &faces, &mut found).unwrap();
        assert_eq!(found, alone, "{at_once} at once");
    }
    for threads in [1, 2, 3, 30] {
        let mut scratches: Vec<_> = (0..threads).map(|_| recognizer.scratch(4)).collect();
        recognizer.embed_parallel(&mut scratches, &faces, &mut found).unwrap();
        assert_eq!(found, alone, "{threads} threads");
    }
    let (a, b) = alone.split_at(recognizer.dim());
    assert!((recognizer.similarity(a, a) - 1.0).abs() < 1e-6);
    assert!(recognizer.similarity(a, &b[..a.len()]) < 0.9999);
    assert!(recognizer.similarity(a, &a[1..]).is_nan());
}

#[test]
fn wrong_lengths_are_named() {
    let recognizer = Recognizer::new(student(everything(), Norm::L2, 1)).unwrap();
    let rgb = pixels(4, 4, 1);
    let expected = |error: RuntimeError, text: &str| {
        assert!(error.to_string().contains(text), "{error}");
    };
    expected(Face::new(&rgb, 4, 5).unwrap_err(), "expected 60 values, found 48");
    expected(Face::new(&[], 0, 5).unwrap_err(), "RGB bytes");
    expected(Face::new(&rgb, usize::MAX, 2).unwrap_err(), "RGB bytes");
    let face = Face::new(&rgb, 4, 4).unwrap();
    let mut scratch = recognizer.scratch(1);
    let error = recognizer.embed_batch(&mut scratch, &[face], &mut [0.0; 3]).unwrap_err();
    expected(error, "embeddings: expected 12 values, found 3");
    let error = recognizer.embed_parallel(&mut [], &[face], &mut [0.0; 12]).unwrap_err();
    expected(error, "scratches");
    let error = recognizer.embed_planes(&mut scratch, &[0.0; 7], 1, &mut [0.0; 12]).unwrap_err();
    expected(error, "planes");
}

#[test]
fn recognizers_are_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Recognizer>();
}

#[test]
fn a_scratch_of_another_student_is_refused() {
    let [one, other] =
        [1, 2].map(|seed| Recognizer::new(student(everything(), Norm::L2, seed)).unwrap());
    let rgb = pixels(4, 4, 1);
    let face = Face::new(&rgb, 4, 4).unwrap();
    let error = one.embed(&mut other.scratch(1), face).unwrap_err();
    assert!(matches!(error, RuntimeError::Scratch { owner, .. } if owner == other.digest()));
}
