//! Applying two axes of weights in `f32`.

use alloc::vec::Vec;

use crate::Axis;

/// Resamples an interleaved source of `C` channels into `C` planes of `ys.len()` x `xs.len()`.
///
/// The vertical pass comes first: it runs along whole rows, which the compiler vectorises, and
/// leaves the horizontal pass, which it cannot, with fewer rows. `row` is scratch memory.
///
/// # Panics
/// Where the source ends before what the axes read, or `planes` before what they yield.
pub fn resample<T: Copy + Into<f32>, const C: usize>(
    source: &[T],
    width: usize,
    xs: &Axis,
    ys: &Axis,
    row: &mut Vec<f32>,
    planes: &mut [f32],
) {
    let (left, right) = xs.reach();
    row.resize((right - left) * C, 0.0);
    let area = xs.len() * ys.len();
    for y in 0..ys.len() {
        let (first, weights) = ys.taps(y);
        row.fill(0.0);
        for (k, &weight) in weights.iter().enumerate() {
            let start = (first + k) * width * C;
            accumulate(row, &source[start + left * C..start + right * C], weight as f32);
        }
        for x in 0..xs.len() {
            let (first, weights) = xs.taps(x);
            let mut sum = [0.0; C];
            let pixels = row[(first - left) * C..].chunks_exact(C);
            for (pixel, &weight) in pixels.zip(weights) {
                for (sum, value) in sum.iter_mut().zip(pixel) {
                    *sum += weight as f32 * value;
                }
            }
            for (c, sum) in sum.into_iter().enumerate() {
                planes[c * area + y * xs.len() + x] = sum;
            }
        }
    }
}

fn accumulate<T: Copy + Into<f32>>(row: &mut [f32], source: &[T], weight: f32) {
    for (sum, &value) in row.iter_mut().zip(source) {
        *sum += weight * value.into();
    }
}
