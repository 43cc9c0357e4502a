//! Sums by channel over pictures and pixels, in a fixed order.
//!
//! A tensor is cut into parts of [`PICTURES`]; each part is one thread's sum in `f32`, and the parts
//! are added in order in `f64`. Results do not depend on the number of threads.

use rayon::prelude::*;

use crate::Level;
use crate::level::vectorised;

/// Pictures of one part.
pub(crate) const PICTURES: usize = 16;

/// Planes below this size are treated element by element, vectors running across channels.
const SMALL_PLANE: usize = 8;

/// A value for each segment of a picture: for each channel, or, where planes are small, for each
/// element. The segment's length is the picture's divided by the number of values.
pub(crate) fn expand(channels: &[f32], plane: usize) -> Vec<f32> {
    let repeats = if plane < SMALL_PLANE { plane } else { 1 };
    channels.iter().flat_map(|value| std::iter::repeat_n(*value, repeats)).collect()
}

/// Adds the parts' sums, one for each segment as of [`expand`], to sums by channel.
pub(crate) fn channel_sums<'a>(
    parts: impl Iterator<Item = &'a [f32]>,
    channels: usize,
) -> Vec<f64> {
    let mut sums = vec![0.0; channels];
    for part in parts {
        let segments = part.chunks_exact(part.len() / channels);
        for (sum, segments) in sums.iter_mut().zip(segments) {
            *sum += segments.iter().map(|v| f64::from(*v)).sum::<f64>();
        }
    }
    sums
}

vectorised! {
    /// Adds pictures to a sum for each segment.
    fn sum<V>(picture: usize, x: &[f32], sums: &mut [f32]) {
        let segment = picture / sums.len();
        for x in x.chunks_exact(picture) {
            if segment == 1 {
                for (sum, x) in sums.iter_mut().zip(x) {
                    *sum += x;
                }
                continue;
            }
            for (sum, x) in sums.iter_mut().zip(x.chunks_exact(segment)) {
                let mut strands = V::splat(0.0);
                for i in (0..segment).step_by(8) {
                    strands = strands.add(V::part(x, i, 0.0));
                }
                *sum += strands.sum();
            }
        }
    }
}

/// `out[c]` = the sum of `x` `[pictures, channels, plane]` over pictures and plane.
pub(crate) fn sum_by_channel(level: Level, x: &[f32], plane: usize, out: &mut [f32]) {
    let picture = out.len() * plane;
    let segments = expand(out, plane).len();
    let parts: Vec<Vec<f32>> = x
        .par_chunks(PICTURES * picture)
        .map(|x| {
            let mut sums = vec![0.0; segments];
            sum(level, picture, x, &mut sums);
            sums
        })
        .collect();
    let sums = channel_sums(parts.iter().map(Vec::as_slice), out.len());
    for (out, sum) in out.iter_mut().zip(sums) {
        *out = sum as f32;
    }
}
