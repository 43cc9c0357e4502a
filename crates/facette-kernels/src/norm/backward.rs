//! The backward pass.
//!
//! With `p` the value before the activation, `g = dy * act'(p)` and `h = (x - mean)`, the gradient by
//! `x` is `scale * (g - mean(g) - h * mean(g * h) / (variance + epsilon))` where the statistics came
//! from `x`, and `scale * g` where they were given.

use std::array::from_fn;

use rayon::prelude::*;

use super::{BatchNorm, Statistics};
use crate::activation::{derivative, store_slope_gradient};
use crate::level::vectorised;
use crate::reduce::{PICTURES, channel_sums, expand};
use crate::{Level, check_len};

/// Partial sums kept side by side, so that they fill vector registers.
const LANES: usize = 16;

/// Where the gradients of a normalisation go; those left out are not stored.
#[derive(Debug)]
pub struct NormGradients<'a> {
    /// By the input.
    pub dx: &'a mut [f32],
    /// By the scale of each channel.
    pub dgamma: Option<&'a mut [f32]>,
    /// By the shift of each channel.
    pub dbeta: Option<&'a mut [f32]>,
    /// By the slope of [`Prelu`](crate::Activation::Prelu), one value or one for each channel.
    pub dslope: Option<&'a mut [f32]>,
    /// By the residual.
    pub dresidual: Option<&'a mut [f32]>,
}

/// The gradient of [`batch_norm_train`](super::batch_norm_train) (`from_batch`: the statistics
/// depend on `x`) or of [`batch_norm_infer`](super::batch_norm_infer).
///
/// # Panics
/// Where a slice is not as long as the shape says.
pub fn batch_norm_backward(
    norm: &BatchNorm<'_>,
    statistics: &Statistics,
    from_batch: bool,
    x: &[f32],
    residual: Option<&[f32]>,
    dy: &[f32],
    gradients: NormGradients<'_>,
) {
    let level = Level::current();
    batch_norm_backward_at(level, norm, statistics, from_batch, x, residual, dy, gradients);
}

/// What the inner loops know of each segment.
struct Terms {
    picture: usize,
    scale: Vec<f32>,
    shift: Vec<f32>,
    slope: Vec<f32>,
    mean: Vec<f32>,
    cap: f32,
}

/// [`batch_norm_backward`] with the kernels of a given level.
///
/// # Panics
/// Where a slice is not as long as the shape says.
#[allow(clippy::too_many_arguments)]
pub fn batch_norm_backward_at(
    level: Level,
    norm: &BatchNorm<'_>,
    statistics: &Statistics,
    from_batch: bool,
    x: &[f32],
    residual: Option<&[f32]>,
    dy: &[f32],
    gradients: NormGradients<'_>,
) {
    let s = &norm.shape;
    norm.check();
    check_len("x", x.len(), s.len());
    check_len("residual", residual.map_or(s.len(), <[f32]>::len), s.len());
    check_len("dy", dy.len(), s.len());
    check_len("dx", gradients.dx.len(), s.len());
    let (scale, shift) = norm.affine(statistics);
    let terms = Terms {
        picture: s.picture(),
        scale: expand(&scale, s.plane),
        shift: expand(&shift, s.plane),
        slope: expand(&norm.activation.slopes(s.channels), s.plane),
        mean: expand(&statistics.mean, s.plane),
        cap: norm.activation.cap(),
    };
    let zeros = vec![0.0; s.picture()];
    let segments = terms.scale.len();
    let part = PICTURES * s.picture();
    let parts: Vec<[Vec<f32>; 3]> = (x.par_chunks(part), dy.par_chunks(part))
        .into_par_iter()
        .enumerate()
        .map(|(i, (x, dy))| {
            let residual = residual.map(|r| &r[i * part..][..x.len()]);
            let mut sums = [vec![0.0; segments], vec![0.0; segments], vec![0.0; segments]];
            reduce(level, &terms, &zeros, x, residual, dy, &mut sums);
            sums
        })
        .collect();
    let [g, gh, slope] =
        [0, 1, 2].map(|i| channel_sums(parts.iter().map(|p| p[i].as_slice()), s.channels));

    let inverse = statistics.inverse_deviation(norm.epsilon);
    if let Some(dgamma) = gradients.dgamma {
        check_len("dgamma", dgamma.len(), s.channels);
        for ((dgamma, gh), inverse) in dgamma.iter_mut().zip(&gh).zip(&inverse) {
            *dgamma = (gh * f64::from(*inverse)) as f32;
        }
    }
    if let Some(dbeta) = gradients.dbeta {
        check_len("dbeta", dbeta.len(), s.channels);
        dbeta.iter_mut().zip(&g).for_each(|(dbeta, g)| *dbeta = *g as f32);
    }
    if let Some(dslope) = gradients.dslope {
        store_slope_gradient(dslope, &slope);
    }

    let count = if from_batch { (s.batch * s.plane).max(1) as f64 } else { f64::INFINITY };
    let by_channel = |f: &dyn Fn(usize) -> f64| -> Vec<f32> {
        let values: Vec<f32> = (0..s.channels).map(|c| f(c) as f32).collect();
        expand(&values, s.plane)
    };
    let constant = by_channel(&|c| -f64::from(scale[c]) * g[c] / count);
    let linear = by_channel(&|c| {
        let inverse = f64::from(inverse[c]);
        -f64::from(scale[c]) * inverse * inverse * gh[c] / count
    });
    let dresidual: Vec<Option<&mut [f32]>> = match gradients.dresidual {
        Some(dresidual) => {
            check_len("dresidual", dresidual.len(), s.len());
            dresidual.chunks_mut(part).map(Some).collect()
        }
        None => (0..s.batch.div_ceil(PICTURES)).map(|_| None).collect(),
    };
    (gradients.dx.par_chunks_mut(part), x.par_chunks(part), dy.par_chunks(part), dresidual)
        .into_par_iter()
        .enumerate()
        .for_each(|(i, (dx, x, dy, dresidual))| {
            let residual = residual.map(|r| &r[i * part..][..x.len()]);
            distribute(level, &terms, &zeros, &constant, &linear, x, residual, dy, dx, dresidual);
        });
}

/// The residual of a picture, or zeros of the same length.
fn residual_or<'a>(residual: Option<&'a [f32]>, zeros: &'a [f32], n: usize) -> &'a [f32] {
    residual.map_or(zeros, |r| &r[n * zeros.len()..][..zeros.len()])
}

vectorised! {
    /// Adds `g`, `g * h` and the slope's gradient to the sums of each segment.
    fn reduce(
        t: &Terms,
        zeros: &[f32],
        x: &[f32],
        residual: Option<&[f32]>,
        dy: &[f32],
        sums: &mut [Vec<f32>; 3],
    ) {
        let segment = t.picture / t.scale.len();
        let [g_sums, gh_sums, slope_sums] = sums;
        let parameters = || t.scale.iter().zip(&t.shift).zip(&t.slope).zip(&t.mean);
        let pictures = x.chunks_exact(t.picture).zip(dy.chunks_exact(t.picture));
        for (n, (x, dy)) in pictures.enumerate() {
            let r = residual_or(residual, zeros, n);
            let sums = g_sums.iter_mut().zip(&mut *gh_sums).zip(&mut *slope_sums);
            if segment == 1 {
                let elements = x.iter().zip(dy).zip(r).zip(parameters()).zip(sums);
                for ((((x, dy), r), (((scale, shift), slope), mean)), ((g_sum, gh_sum), slope_sum))
                    in elements
                {
                    let p = x * scale + shift + r;
                    let g = dy * derivative(p, *slope, t.cap);
                    *g_sum += g;
                    *gh_sum += g * (x - mean);
                    *slope_sum += if p > 0.0 { 0.0 } else { dy * p };
                }
                continue;
            }
            let planes = x.chunks_exact(segment).zip(dy.chunks_exact(segment));
            let planes = planes.zip(r.chunks_exact(segment)).zip(parameters()).zip(sums);
            for ((((x, dy), r), (((scale, shift), slope), mean)), ((g_sum, gh_sum), slope_sum))
                in planes
            {
                let (scale, shift, slope, mean, cap) = (*scale, *shift, *slope, *mean, t.cap);
                let mut lanes = [[0.0_f32; LANES]; 3];
                let (x, x_tail) = x.as_chunks::<LANES>();
                let (dy, dy_tail) = dy.as_chunks::<LANES>();
                let (r, r_tail) = r.as_chunks::<LANES>();
                for ((x, dy), r) in x.iter().zip(dy).zip(r) {
                    let p: [f32; LANES] = from_fn(|i| x[i] * scale + shift + r[i]);
                    let g: [f32; LANES] = from_fn(|i| dy[i] * derivative(p[i], slope, cap));
                    let gh: [f32; LANES] = from_fn(|i| g[i] * (x[i] - mean));
                    let below: [f32; LANES] = from_fn(|i| if p[i] > 0.0 { 0.0 } else { dy[i] * p[i] });
                    lanes[0] = from_fn(|i| lanes[0][i] + g[i]);
                    lanes[1] = from_fn(|i| lanes[1][i] + gh[i]);
                    lanes[2] = from_fn(|i| lanes[2][i] + below[i]);
                }
                for ((x, dy), r) in x_tail.iter().zip(dy_tail).zip(r_tail) {
                    let p = x * scale + shift + r;
                    let g = dy * derivative(p, slope, cap);
                    lanes[0][0] += g;
                    lanes[1][0] += g * (x - mean);
                    lanes[2][0] += if p > 0.0 { 0.0 } else { dy * p };
                }
                *g_sum += lanes[0].iter().sum::<f32>();
                *gh_sum += lanes[1].iter().sum::<f32>();
                *slope_sum += lanes[2].iter().sum::<f32>();
            }
        }
    }
}

vectorised! {
    /// `dx = scale * g + linear * h + constant`, and `g` to the residual.
    fn distribute(
        t: &Terms,
        zeros: &[f32],
        constant: &[f32],
        linear: &[f32],
        x: &[f32],
        residual: Option<&[f32]>,
        dy: &[f32],
        dx: &mut [f32],
        dresidual: Option<&mut [f32]>,
    ) {
        let segment = t.picture / t.scale.len();
        let mut unwanted = vec![0.0; t.picture];
        let mut dresidual = dresidual.map(|d| d.chunks_exact_mut(t.picture));
        let pictures = dx.chunks_exact_mut(t.picture).zip(x.chunks_exact(t.picture));
        for (n, ((dx, x), dy)) in pictures.zip(dy.chunks_exact(t.picture)).enumerate() {
            let r = residual_or(residual, zeros, n);
            let dr = dresidual.as_mut().and_then(Iterator::next).unwrap_or(&mut unwanted);
            let parameters = t.scale.iter().zip(&t.shift).zip(&t.slope).zip(&t.mean);
            let parameters = parameters.zip(linear.iter().zip(constant));
            if segment == 1 {
                let elements = dx.iter_mut().zip(dr).zip(x).zip(dy).zip(r).zip(parameters);
                for (
                    ((((dx, dr), x), dy), r),
                    ((((scale, shift), slope), mean), (linear, constant)),
                ) in elements
                {
                    *dr = dy * derivative(x * scale + shift + r, *slope, t.cap);
                    *dx = scale * *dr + linear * (x - mean) + constant;
                }
                continue;
            }
            let planes = dx.chunks_exact_mut(segment).zip(dr.chunks_exact_mut(segment));
            let planes = planes.zip(x.chunks_exact(segment)).zip(dy.chunks_exact(segment));
            let planes = planes.zip(r.chunks_exact(segment)).zip(parameters);
            for (
                ((((dx, dr), x), dy), r),
                ((((scale, shift), slope), mean), (linear, constant)),
            ) in planes
            {
                let (scale, shift, slope, mean) = (*scale, *shift, *slope, *mean);
                let (linear, constant) = (*linear, *constant);
                for ((((dx, dr), x), dy), r) in dx.iter_mut().zip(dr).zip(x).zip(dy).zip(r) {
                    *dr = dy * derivative(x * scale + shift + r, slope, t.cap);
                    *dx = scale * *dr + linear * (x - mean) + constant;
                }
            }
        }
    }
}
