//! The backward pass.
//!
//! With `p` the value before the activation, `g = dy * act'(p)` and `h = (x - mean)`, the gradient by
//! `x` is `scale * (g - mean(g) - h * mean(g * h) / (variance + epsilon))` where the statistics came
//! from `x`, and `scale * g` where they were given.

use rayon::prelude::*;

use super::{BatchNorm, Statistics};
use crate::fresh::{Fresh, written};
use crate::pointwise;
use crate::reduce::{PICTURES, channel_sums, expand};
use crate::{Level, check_len};

/// The gradients of a normalisation.
#[derive(Debug, Clone, PartialEq)]
pub struct NormGradients {
    /// By the input.
    pub dx: Vec<f32>,
    /// By the scale of each channel.
    pub dgamma: Vec<f32>,
    /// By the shift of each channel.
    pub dbeta: Vec<f32>,
    /// By the slopes of [`Prelu`](crate::Activation::Prelu), as many as were given; empty for other
    /// activations.
    pub dslope: Vec<f32>,
    /// By the residual, where there is one.
    pub dresidual: Option<Vec<f32>>,
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
) -> NormGradients {
    batch_norm_backward_at(Level::current(), norm, statistics, from_batch, x, residual, dy)
}

/// [`batch_norm_backward`] with the kernels of a given level.
///
/// # Panics
/// Where a slice is not as long as the shape says.
pub fn batch_norm_backward_at(
    level: Level,
    norm: &BatchNorm<'_>,
    statistics: &Statistics,
    from_batch: bool,
    x: &[f32],
    residual: Option<&[f32]>,
    dy: &[f32],
) -> NormGradients {
    let s = &norm.shape;
    norm.check();
    check_len("x", x.len(), s.len());
    check_len("residual", residual.map_or(s.len(), <[f32]>::len), s.len());
    check_len("dy", dy.len(), s.len());
    let terms = norm.terms(statistics);
    let segments = terms.scale.len();
    let part = PICTURES * s.picture();
    let parts: Vec<[Vec<f32>; 3]> = (x.par_chunks(part), dy.par_chunks(part))
        .into_par_iter()
        .enumerate()
        .map(|(i, (x, dy))| {
            let residual = residual.map(|r| &r[i * part..][..x.len()]);
            let mut sums = [(); 3].map(|()| vec![0.0; segments]);
            pointwise::reduce(level, &terms, x, residual, dy, &mut sums);
            sums
        })
        .collect();
    let [g, gh, slope] =
        [0, 1, 2].map(|i| channel_sums(parts.iter().map(|p| p[i].as_slice()), s.channels));

    let inverse = statistics.inverse_deviation(norm.epsilon);
    let count = if from_batch { (s.batch * s.plane).max(1) as f64 } else { f64::INFINITY };
    let by_channel = |f: &dyn Fn(usize) -> f64| -> Vec<f32> {
        let values: Vec<f32> = (0..s.channels).map(|c| f(c) as f32).collect();
        expand(&values, s.plane)
    };
    let scale = |c: usize| f64::from(terms.scale[c * segments / s.channels]);
    let constant = by_channel(&|c| -scale(c) * g[c] / count);
    let linear = by_channel(&|c| {
        let inverse = f64::from(inverse[c]);
        -scale(c) * inverse * inverse * gh[c] / count
    });
    let write = |dx: &mut Fresh, dresidual: Option<&mut Fresh>| {
        let dresidual: Vec<Option<&mut Fresh>> = match dresidual {
            Some(dresidual) => dresidual.chunks_mut(part).map(Some).collect(),
            None => (0..s.batch.div_ceil(PICTURES)).map(|_| None).collect(),
        };
        (dx.par_chunks_mut(part), x.par_chunks(part), dy.par_chunks(part), dresidual)
            .into_par_iter()
            .enumerate()
            .for_each(|(i, (dx, x, dy, dresidual))| {
                let residual = residual.map(|r| &r[i * part..][..x.len()]);
                pointwise::distribute(
                    level, &terms, &constant, &linear, x, residual, dy, dx, dresidual,
                );
            });
    };
    let (mut dx, mut dresidual) = (Vec::new(), None);
    // SAFETY: `write` writes every element of both.
    unsafe {
        if residual.is_some() {
            dresidual = Some(written(s.len(), |dresidual| {
                dx = written(s.len(), |dx| write(dx, Some(dresidual)));
            }));
        } else {
            dx = written(s.len(), |dx| write(dx, None));
        }
    }
    NormGradients {
        dx,
        dgamma: gh.iter().zip(&inverse).map(|(gh, i)| (gh * f64::from(*i)) as f32).collect(),
        dbeta: g.iter().map(|g| *g as f32).collect(),
        dslope: norm.activation.slope_gradient(&slope),
        dresidual,
    }
}
