//! Statistics and the forward pass.

use rayon::prelude::*;

use super::{BatchNorm, Statistics};
use crate::activation::{ChannelShape, activate};
use crate::level::vectorised;
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
    let parts: Vec<(Vec<f32>, Vec<f32>)> = x
        .par_chunks(PICTURES * s.picture())
        .map(|x| {
            let mut sums = vec![0.0; expanded.len()];
            let mut squares = vec![0.0; expanded.len()];
            moments(level, s.picture(), &expanded, x, &mut sums, &mut squares);
            (sums, squares)
        })
        .collect();
    let sums = channel_sums(parts.iter().map(|p| p.0.as_slice()), s.channels);
    let squares = channel_sums(parts.iter().map(|p| p.1.as_slice()), s.channels);
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

vectorised! {
    /// Adds `x - pivot` and its square to the sums of each segment.
    fn moments(picture: usize, pivots: &[f32], x: &[f32], sums: &mut [f32], squares: &mut [f32]) {
        let segment = picture / pivots.len();
        for x in x.chunks_exact(picture) {
            if segment == 1 {
                let elements = x.iter().zip(pivots).zip(&mut *sums).zip(&mut *squares);
                for (((x, pivot), sum), square) in elements {
                    let d = x - pivot;
                    *sum += d;
                    *square += d * d;
                }
                continue;
            }
            let planes = x.chunks_exact(segment).zip(pivots).zip(&mut *sums).zip(&mut *squares);
            for (((x, pivot), sum), square) in planes {
                let (mut s, mut q) = ([0.0_f32; 16], [0.0_f32; 16]);
                let (chunks, tail) = x.as_chunks::<16>();
                for chunk in chunks {
                    for i in 0..16 {
                        let d = chunk[i] - pivot;
                        s[i] += d;
                        q[i] += d * d;
                    }
                }
                for x in tail {
                    let d = x - pivot;
                    s[0] += d;
                    q[0] += d * d;
                }
                *sum += s.iter().sum::<f32>();
                *square += q.iter().sum::<f32>();
            }
        }
    }
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
    let s = &norm.shape;
    norm.check();
    check_len("x", x.len(), s.len());
    check_len("residual", residual.map_or(s.len(), <[f32]>::len), s.len());
    check_len("y", y.len(), s.len());
    let (scale, shift) = norm.affine(statistics);
    let scale = expand(&scale, s.plane);
    let shift = expand(&shift, s.plane);
    let slope = expand(&norm.activation.slopes(s.channels), s.plane);
    let zeros = vec![0.0; s.picture()];
    let part = PICTURES * s.picture();
    y.par_chunks_mut(part).zip(x.par_chunks(part)).enumerate().for_each(|(i, (y, x))| {
        let residual = residual.map(|r| &r[i * part..][..x.len()]);
        let cap = norm.activation.cap();
        apply(level, s.picture(), &zeros, &scale, &shift, &slope, cap, x, residual, y);
    });
}

vectorised! {
    fn apply(
        picture: usize,
        zeros: &[f32],
        scale: &[f32],
        shift: &[f32],
        slope: &[f32],
        cap: f32,
        x: &[f32],
        residual: Option<&[f32]>,
        y: &mut [f32],
    ) {
        let segment = picture / scale.len();
        for (n, (y, x)) in y.chunks_exact_mut(picture).zip(x.chunks_exact(picture)).enumerate() {
            let r = residual.map_or(zeros, |r| &r[n * picture..][..picture]);
            let parameters = scale.iter().zip(shift).zip(slope);
            if segment == 1 {
                let elements = y.iter_mut().zip(x).zip(r).zip(parameters);
                for (((y, x), r), ((scale, shift), slope)) in elements {
                    *y = activate(x * scale + shift + r, *slope, cap);
                }
                continue;
            }
            let planes = y.chunks_exact_mut(segment).zip(x.chunks_exact(segment));
            let planes = planes.zip(r.chunks_exact(segment)).zip(parameters);
            for (((y, x), r), ((scale, shift), slope)) in planes {
                let (scale, shift, slope) = (*scale, *shift, *slope);
                for ((y, x), r) in y.iter_mut().zip(x).zip(r) {
                    *y = activate(x * scale + shift + r, slope, cap);
                }
            }
        }
    }
}
