//! Statistics and the forward pass.

use rayon::prelude::*;

use super::{BatchNorm, Statistics};
use crate::activation::ChannelShape;
use crate::fresh::{Fresh, fresh, written};
use crate::pointwise;
use crate::reduce::{PICTURES, channel_sums, expand};
use crate::{Level, check_len};

/// Mean and biased variance of each channel of `x`, over the batch and the plane.
///
/// # Panics
/// Where `x` is not as long as the shape says.
pub fn batch_norm_statistics(s: &ChannelShape, x: &[f32]) -> Statistics {
    statistics(Level::current(), s, x)
}

fn statistics(level: Level, s: &ChannelShape, x: &[f32]) -> Statistics {
    check_len("x", x.len(), s.len());
    if s.is_empty() {
        return Statistics { mean: vec![0.0; s.channels], variance: vec![0.0; s.channels] };
    }
    let pivots: Vec<f32> = x.iter().step_by(s.plane).take(s.channels).copied().collect();
    let expanded = expand(&pivots, s.plane);
    let parts: Vec<[Vec<f32>; 2]> = x
        .par_chunks(PICTURES * s.picture())
        .map(|x| {
            let mut sums = [(); 2].map(|()| vec![0.0; expanded.len()]);
            pointwise::moments(level, s.picture(), &expanded, x, &mut sums);
            sums
        })
        .collect();
    let [sums, squares] =
        [0, 1].map(|i| channel_sums(parts.iter().map(|p| p[i].as_slice()), s.channels));
    let count = (s.batch * s.plane) as f64;
    let mut mean = pivots;
    let mut variance = Vec::with_capacity(s.channels);
    for ((mean, sum), square) in mean.iter_mut().zip(sums).zip(squares) {
        let offset = sum / count;
        let spread = square / count - offset * offset;
        // Not `max`, which would turn a NaN into a variance of zero.
        variance.push(if spread < 0.0 { 0.0 } else { spread as f32 });
        *mean = (f64::from(*mean) + offset) as f32;
    }
    Statistics { mean, variance }
}

/// Normalises with the statistics of this batch, which it returns.
///
/// Running statistics are the caller's; PyTorch updates its running variance with the unbiased
/// `variance * count / (count - 1)`.
///
/// # Panics
/// Where a slice is not as long as the shape says.
pub fn batch_norm_train(
    norm: &BatchNorm<'_>,
    x: &[f32],
    residual: Option<&[f32]>,
    y: &mut [f32],
) -> Statistics {
    batch_norm_train_at(Level::current(), norm, x, residual, y)
}

/// [`batch_norm_train`] to a new vector.
///
/// # Panics
/// Where a slice is not as long as the shape says.
pub fn batch_norm_train_vec(
    norm: &BatchNorm<'_>,
    x: &[f32],
    residual: Option<&[f32]>,
) -> (Vec<f32>, Statistics) {
    let statistics = statistics(Level::current(), &norm.shape, x);
    (batch_norm_infer_vec(norm, &statistics, x, residual), statistics)
}

/// [`batch_norm_train`] with the kernels of a given level.
///
/// # Panics
/// Where a slice is not as long as the shape says.
pub fn batch_norm_train_at(
    level: Level,
    norm: &BatchNorm<'_>,
    x: &[f32],
    residual: Option<&[f32]>,
    y: &mut [f32],
) -> Statistics {
    let statistics = statistics(level, &norm.shape, x);
    batch_norm_infer_at(level, norm, &statistics, x, residual, y);
    statistics
}

/// Normalises with given statistics, such as running ones.
///
/// # Panics
/// Where a slice is not as long as the shape says.
pub fn batch_norm_infer(
    norm: &BatchNorm<'_>,
    statistics: &Statistics,
    x: &[f32],
    residual: Option<&[f32]>,
    y: &mut [f32],
) {
    batch_norm_infer_at(Level::current(), norm, statistics, x, residual, y);
}

/// [`batch_norm_infer`] to a new vector.
///
/// # Panics
/// Where a slice is not as long as the shape says.
pub fn batch_norm_infer_vec(
    norm: &BatchNorm<'_>,
    statistics: &Statistics,
    x: &[f32],
    residual: Option<&[f32]>,
) -> Vec<f32> {
    // SAFETY: every element is written.
    unsafe {
        written(norm.shape.len(), |y| infer(Level::current(), norm, statistics, x, residual, y))
    }
}

/// [`batch_norm_infer`] with the kernels of a given level.
///
/// # Panics
/// Where a slice is not as long as the shape says.
pub fn batch_norm_infer_at(
    level: Level,
    norm: &BatchNorm<'_>,
    statistics: &Statistics,
    x: &[f32],
    residual: Option<&[f32]>,
    y: &mut [f32],
) {
    // SAFETY: the loops write initialised values.
    infer(level, norm, statistics, x, residual, unsafe { fresh(y) });
}

/// Writes every element of `y`.
fn infer(
    level: Level,
    norm: &BatchNorm<'_>,
    statistics: &Statistics,
    x: &[f32],
    residual: Option<&[f32]>,
    y: &mut Fresh,
) {
    let s = &norm.shape;
    norm.check();
    check_len("x", x.len(), s.len());
    check_len("residual", residual.map_or(s.len(), <[f32]>::len), s.len());
    check_len("y", y.len(), s.len());
    let terms = norm.terms(statistics);
    let part = PICTURES * s.picture();
    y.par_chunks_mut(part).zip(x.par_chunks(part)).enumerate().for_each(|(i, (y, x))| {
        let residual = residual.map(|r| &r[i * part..][..x.len()]);
        pointwise::apply(level, &terms, x, residual, y);
    });
}
