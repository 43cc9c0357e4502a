//! The mean of each plane.

use rayon::prelude::*;

use crate::activation::ChannelShape;
use crate::level::vectorised;
use crate::reduce::PICTURES;
use crate::{Level, check_len};

/// `y[n, c]` = the mean of plane `x[n, c]`.
///
/// # Panics
/// Where a slice is not as long as the shape says; `y` has `batch * channels` elements.
pub fn global_average_pool(s: &ChannelShape, x: &[f32], y: &mut [f32]) {
    check_len("x", x.len(), s.len());
    check_len("y", y.len(), s.batch * s.channels);
    let level = Level::current();
    y.par_chunks_mut(PICTURES * s.channels)
        .zip(x.par_chunks(PICTURES * s.picture()))
        .for_each(|(y, x)| means(level, s.plane, x, y));
}

vectorised! {
    fn means<V>(plane: usize, x: &[f32], y: &mut [f32]) {
        for (y, x) in y.iter_mut().zip(x.chunks_exact(plane)) {
            let mut sum = V::splat(0.0);
            for i in (0..plane).step_by(8) {
                sum = sum.add(V::part(x, i, 0.0));
            }
            *y = sum.sum() / plane as f32;
        }
    }
}

/// The gradient of [`global_average_pool`]: every element of a plane gets `dy / plane`.
///
/// # Panics
/// Where a slice is not as long as the shape says; `dy` has `batch * channels` elements.
pub fn global_average_pool_backward(s: &ChannelShape, dy: &[f32], dx: &mut [f32]) {
    check_len("dy", dy.len(), s.batch * s.channels);
    check_len("dx", dx.len(), s.len());
    dx.par_chunks_mut(PICTURES * s.picture()).zip(dy.par_chunks(PICTURES * s.channels)).for_each(
        |(dx, dy)| {
            for (dx, dy) in dx.chunks_exact_mut(s.plane).zip(dy) {
                dx.fill(dy / s.plane as f32);
            }
        },
    );
}
