//! Depthwise convolution: one input channel for each output channel.
//!
//! The layout of [`super::gather`] for one channel at a time, `[pixel][16]`, so that a plane of
//! sixteen pictures stays in the first-level cache. Works of memory rather than of multipliers, hence
//! plain Rust that the compiler vectorises.

use rayon::prelude::*;

use super::ConvShape;
use super::taps::{AxisTaps, Pair, pairs};
use crate::Level;
use crate::fresh::Fresh;
use crate::level::vectorised;
use crate::scratch::{Shared, with_scratch};
use crate::simd::{Kernels, LANES, Pack, Unpack};

type Lanes = [f32; LANES];

vectorised! {
    /// `out[pixel] = bias + sum over taps of weight[tap] * source[pixel of tap]`.
    fn plane<V>(
        rows: &AxisTaps,
        columns: &AxisTaps,
        source_width: usize,
        kernel_width: usize,
        source: &[Lanes],
        weight: &[f32],
        bias: f32,
        width: usize,
        out: &mut [Lanes],
    ) {
        for (y, out) in out.chunks_exact_mut(width).enumerate() {
            for (x, out) in out.iter_mut().enumerate() {
                let mut low = V::splat(bias);
                let mut high = low;
                for row in rows.at(y) {
                    let weight = &weight[row.tap * kernel_width..][..kernel_width];
                    let source = &source[row.source * source_width..][..source_width];
                    for column in columns.at(x) {
                        let source = &source[column.source];
                        let weight = V::splat(weight[column.tap]);
                        low = weight.mul_add(V::part(source, 0, 0.0), low);
                        high = weight.mul_add(V::part(source, 8, 0.0), high);
                    }
                }
                low.put(out, 0);
                high.put(out, 8);
            }
        }
    }
}

vectorised! {
    /// `dw[tap] += sum over pixels and lanes of dy * x`.
    fn plane_weight<V>(
        pairs: &[Vec<Pair>],
        x: &[Lanes],
        dy: &[Lanes],
        dw: &mut [f32],
    ) {
        for (pairs, dw) in pairs.iter().zip(dw) {
            let mut low = V::splat(0.0);
            let mut high = low;
            for pair in pairs {
                let (x, dy) = (&x[pair.source], &dy[pair.destination]);
                low = V::part(x, 0, 0.0).mul_add(V::part(dy, 0, 0.0), low);
                high = V::part(x, 8, 0.0).mul_add(V::part(dy, 8, 0.0), high);
            }
            *dw += low.add(high).sum();
        }
    }
}

/// The transposed planes of one channel of up to sixteen pictures, `[pixel][LANES]`.
#[allow(clippy::too_many_arguments)]
fn load<'a>(
    kernels: &Kernels,
    from: &[f32],
    channels: usize,
    pixels: usize,
    first: usize,
    count: usize,
    channel: usize,
    into: &'a mut [f32],
) -> &'a [Lanes] {
    let pitch = channels * pixels;
    let from = &from[(first * channels + channel) * pixels..][..(count - 1) * pitch + pixels];
    let into = &mut into[..pixels * LANES];
    // SAFETY: `from` spans `count` pictures, `into` holds a vector per pixel, and `kernels` is a
    // table that this processor can run.
    unsafe {
        (kernels.pack)(&Pack {
            from: from.as_ptr(),
            pitch,
            count,
            len: pixels,
            run: pixels,
            steps: [LANES, 0],
            next: pixels,
            into: into.as_mut_ptr(),
        });
    }
    into.as_chunks().0
}

/// Geometry of a pass from a source plane to a destination plane.
pub(super) struct Planes {
    pub(super) source: [usize; 2],
    pub(super) size: [usize; 2],
    pub(super) rows: AxisTaps,
    pub(super) columns: AxisTaps,
}

/// Forward pass or input gradient, according to `planes`.
pub(super) fn run(
    s: &ConvShape,
    level: Level,
    planes: &Planes,
    source: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    out: &mut Fresh,
) {
    let kernels = Kernels::of(level);
    let channels = s.in_channels;
    let from_pixels = planes.source[0] * planes.source[1];
    let pixels = planes.size[0] * planes.size[1];
    let out = Shared::fresh(out);
    (0..s.batch.div_ceil(LANES) * channels).into_par_iter().for_each(|task| {
        let (first, channel) = (task / channels * LANES, task % channels);
        let count = LANES.min(s.batch - first);
        with_scratch(|[packed, result, _]| {
            let packed = packed.take(from_pixels * LANES);
            let packed =
                load(kernels, source, channels, from_pixels, first, count, channel, packed);
            let result = result.take(pixels * LANES);
            plane(
                level,
                &planes.rows,
                &planes.columns,
                planes.source[1],
                s.kernel[1],
                packed,
                &weight[channel * s.taps()..][..s.taps()],
                bias.map_or(0.0, |b| b[channel]),
                planes.size[1],
                result.as_chunks_mut().0,
            );
            // SAFETY: tasks differ in pictures or in channels, so that no other thread writes
            // these planes of `out`, which the shape places inside it.
            unsafe {
                (kernels.unpack)(&Unpack {
                    from: result.as_ptr(),
                    pitch: channels * pixels,
                    count,
                    len: pixels,
                    into: out.get().add((first * channels + channel) * pixels),
                });
            }
        });
    });
}

/// Weight gradient; each channel is one thread's sum in the order of the pictures.
pub(super) fn weight_gradient(s: &ConvShape, level: Level, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    let kernels = Kernels::of(level);
    let (rows, columns) = (AxisTaps::forward(s, 0), AxisTaps::forward(s, 1));
    let pairs = pairs(&rows, &columns, s.kernel, [s.out_width, s.width]);
    let (in_pixels, out_pixels) = (s.height * s.width, s.out_height * s.out_width);
    dw.par_chunks_mut(s.taps()).enumerate().for_each(|(channel, dw)| {
        dw.fill(0.0);
        with_scratch(|[packed_x, packed_dy, _]| {
            let packed_x = packed_x.take(in_pixels * LANES);
            let packed_dy = packed_dy.take(out_pixels * LANES);
            for first in (0..s.batch).step_by(LANES) {
                let count = LANES.min(s.batch - first);
                let channels = s.in_channels;
                let x = load(kernels, x, channels, in_pixels, first, count, channel, packed_x);
                let dy = load(kernels, dy, channels, out_pixels, first, count, channel, packed_dy);
                plane_weight(level, &pairs, x, dy, dw);
            }
        });
    });
}
