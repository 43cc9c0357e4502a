//! Sums by channel over pictures and pixels, in a fixed order.

use rayon::prelude::*;

use crate::Level;
use crate::level::vectorised;

/// Pictures summed by one task.
pub(crate) const PICTURES: usize = 16;

/// Planes below this size are summed across channels rather than along pixels.
pub(crate) const SMALL_PLANE: usize = 8;

vectorised! {
    /// The sum of a slice, in eight interleaved strands.
    pub(crate) fn sum(x: &[f32]) -> f32 {
        let (chunks, tail) = x.as_chunks::<8>();
        let mut strands = [0.0_f32; 8];
        for chunk in chunks {
            for (strand, x) in strands.iter_mut().zip(chunk) {
                *strand += x;
            }
        }
        strands.iter().sum::<f32>() + tail.iter().sum::<f32>()
    }
}

/// `out[c]` = the sum of `x` `[pictures, channels, plane]` over pictures and plane.
pub(crate) fn sum_by_channel(level: Level, x: &[f32], plane: usize, out: &mut [f32]) {
    let picture = out.len() * plane;
    let parts: Vec<Vec<f64>> = x
        .par_chunks(PICTURES * picture)
        .map(|pictures| {
            let mut sums = vec![0.0; out.len()];
            for picture in pictures.chunks_exact(picture) {
                for (total, plane) in sums.iter_mut().zip(picture.chunks_exact(plane)) {
                    *total += f64::from(sum(level, plane));
                }
            }
            sums
        })
        .collect();
    for (c, out) in out.iter_mut().enumerate() {
        *out = parts.iter().map(|sums| sums[c]).sum::<f64>() as f32;
    }
}
