//! Values and pictures for the tests.

use burn::tensor::{Device, Tensor, TensorData};
use facette_random::stream;
use rand::RngExt;

/// `count` values, roughly normal, a function of `name` alone.
pub(crate) fn values(name: &str, count: usize) -> Vec<f32> {
    let mut rng = stream(3, name, 0);
    (0..count).map(|_| (0..12).map(|_| rng.random::<f32>()).sum::<f32>() - 6.0).collect()
}

pub(crate) fn tensor<const D: usize>(
    values: Vec<f32>,
    shape: [usize; D],
    device: &Device,
) -> Tensor<D> {
    Tensor::<D>::from_data(TensorData::new(values, shape), device)
}

/// Pictures `[n, c, size, size]`, a function of `name` alone.
pub(crate) fn pictures(name: &str, n: usize, c: usize, size: usize, device: &Device) -> Tensor<4> {
    tensor(values(name, n * c * size * size), [n, c, size, size], device)
}

/// `max|a - b| / max|b|`, the measure of the golden vectors.
pub(crate) fn distance(found: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(found.len(), expected.len(), "as many values as expected");
    let largest = |values: &mut dyn Iterator<Item = f32>| values.fold(0f32, |m, v| m.max(v.abs()));
    assert!(found.iter().all(|v| v.is_finite()), "finite values");
    let scale = largest(&mut expected.iter().copied());
    let error = largest(&mut found.iter().zip(expected).map(|(a, b)| a - b));
    f64::from(error) / f64::from(scale).max(f64::MIN_POSITIVE)
}
