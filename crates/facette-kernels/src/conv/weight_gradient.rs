//! The weight gradient: for every tap, a product of the output gradient with the shifted input,
//! summed over pictures and pixels.
//!
//! Both are packed in panels of sixteen channels, so that a register tile is a rank-one update per
//! pair of pixels. Pictures form fixed groups with a sum of their own, added in order: the result does
//! not depend on the number of threads.

use rayon::prelude::*;

use super::ConvShape;
use super::taps::{AxisTaps, Pair, pairs};
use crate::scratch::{Scratch, with_scratch};
use crate::simd::{Kernels, LANES, OuterTile, Pack, blocks};

/// Groups of pictures with a sum of their own, at most.
const MAX_PARTS: usize = 8;

/// Pixels (over pictures) of a panel: long enough to hide the tile's update, and small enough that
/// two panels stay in the first-level cache.
const PANEL_PIXELS: usize = 512;

/// A panel of output channels: `(group, first channel of the group, channels)`.
type OutPanel = (usize, usize, usize);

struct Geometry<'a> {
    shape: &'a ConvShape,
    /// For each tap the pixels it pairs, in all pictures packed at once, picture by picture.
    pairs: Vec<Vec<Pair>>,
    out_panels: Vec<OutPanel>,
    /// Pictures packed at once.
    pictures: usize,
}

/// Writes every element of `dw`.
pub(super) fn run(shape: &ConvShape, kernels: &Kernels, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    let (in_pixels, out_pixels) = (shape.height * shape.width, shape.out_height * shape.out_width);
    let pictures = (PANEL_PIXELS / in_pixels.max(out_pixels)).clamp(1, shape.batch.max(1));
    let (rows, columns) = (AxisTaps::forward(shape, 0), AxisTaps::forward(shape, 1));
    let widths = [shape.out_width, shape.width];
    let in_pictures = |one: Vec<Pair>| {
        let each = (0..pictures).flat_map(|n| one.iter().map(move |pair| (n, pair)));
        each.map(|(n, pair)| Pair {
            destination: n * out_pixels + pair.destination,
            source: n * in_pixels + pair.source,
        })
        .collect()
    };
    let pairs = pairs(&rows, &columns, shape.kernel, widths).into_iter().map(in_pictures).collect();
    let out_panels: Vec<OutPanel> = (0..shape.options.groups)
        .flat_map(|group| {
            (0..shape.out_group())
                .step_by(LANES)
                .map(move |start| (group, start, LANES.min(shape.out_group() - start)))
        })
        .collect();
    let geometry = Geometry { shape, pairs, out_panels, pictures };
    let panel_len = shape.taps() * shape.in_group() * LANES;
    let part_len = geometry.out_panels.len() * panel_len;
    let part_pictures = shape.batch.div_ceil(MAX_PARTS).next_multiple_of(geometry.pictures).max(1);
    let parts = shape.batch.div_ceil(part_pictures).max(1);
    // Threads beyond the groups of pictures share out the panels, which changes no sum.
    let splits = rayon::current_num_threads().div_ceil(parts).min(geometry.out_panels.len());
    let split_panels = geometry.out_panels.len().div_ceil(splits);
    let mut sums = vec![0.0_f32; parts * part_len];
    sums.par_chunks_mut(part_len)
        .enumerate()
        .flat_map(|(part, sums)| {
            sums.par_chunks_mut(split_panels * panel_len)
                .enumerate()
                .map(move |(split, sums)| (part, split, sums))
        })
        .for_each(|(part, split, sums)| {
            let first = part * part_pictures;
            let end = (first + part_pictures).min(shape.batch);
            let panels = split * split_panels..(split * split_panels + sums.len() / panel_len);
            for first in (first..end).step_by(geometry.pictures) {
                let count = geometry.pictures.min(end - first);
                with_scratch(|[packed_x, packed_dy, _]| {
                    let panels = &geometry.out_panels[panels.clone()];
                    geometry.add(kernels, x, dy, first, count, panels, sums, packed_x, packed_dy);
                });
            }
        });
    unpack(&geometry, &sums, part_len, dw);
}

impl Geometry<'_> {
    /// Adds the pictures `first..first + count` to the sums of `panels`.
    #[allow(clippy::too_many_arguments)]
    fn add(
        &self,
        kernels: &Kernels,
        x: &[f32],
        dy: &[f32],
        first: usize,
        count: usize,
        panels: &[OutPanel],
        sums: &mut [f32],
        packed_x: &mut Scratch,
        packed_dy: &mut Scratch,
    ) {
        let s = self.shape;
        let (in_pixels, out_pixels) = (s.height * s.width, s.out_height * s.out_width);
        let depth = s.in_group();
        let in_panels = depth.div_ceil(LANES);
        let x_len = count * in_pixels * LANES;
        let packed_x = packed_x.take(s.options.groups * in_panels * x_len);
        let panels_of_x = (0..s.options.groups)
            .flat_map(|group| (0..depth).step_by(LANES).map(move |start| (group, start)));
        for ((group, start), into) in panels_of_x.zip(packed_x.chunks_exact_mut(x_len)) {
            let channels = group * depth + start..group * depth + depth.min(start + LANES);
            pack(kernels, x, s.in_channels, in_pixels, first, channels, into);
        }
        let packed_dy = packed_dy.take(count * out_pixels * LANES);
        for (&(group, start, width), sums) in
            panels.iter().zip(sums.chunks_exact_mut(self.pairs.len() * depth * LANES))
        {
            let channel = group * s.out_group() + start;
            pack(
                kernels,
                dy,
                s.out_channels,
                out_pixels,
                first,
                channel..channel + width,
                packed_dy,
            );
            let x = packed_x.chunks_exact(x_len).skip(group * in_panels).take(in_panels);
            for (pairs, sums) in self.pairs.iter().zip(sums.chunks_mut(depth * LANES)) {
                let pairs = &pairs[..pairs.len() / self.pictures * count];
                for (x, sums) in x.clone().zip(sums.chunks_mut(LANES * LANES)) {
                    for (start, width) in blocks(sums.len() / LANES) {
                        // SAFETY: the panels hold all pixels of `count` pictures, to which the
                        // pairs belong, and `sums` holds the tile.
                        unsafe {
                            kernels.outer[width - 1](&OuterTile {
                                source: x.as_ptr().add(start),
                                destination: packed_dy.as_ptr(),
                                pairs,
                                sum: sums.as_mut_ptr().add(start * LANES),
                            });
                        }
                    }
                }
            }
        }
    }
}

/// Packs up to [`LANES`] channels of the pictures from `first` on as `[picture][pixel][LANES]`, as many
/// as `into` holds.
fn pack(
    kernels: &Kernels,
    tensor: &[f32],
    channels: usize,
    pixels: usize,
    first: usize,
    range: std::ops::Range<usize>,
    into: &mut [f32],
) {
    for (picture, into) in into.chunks_exact_mut(pixels * LANES).enumerate() {
        let from = ((first + picture) * channels + range.start) * pixels;
        let from = &tensor[from..from + range.len() * pixels];
        if pixels == 1 {
            into[..range.len()].copy_from_slice(from);
            into[range.len()..].fill(0.0);
            continue;
        }
        // SAFETY: `from` holds the channels, `into` a vector for each pixel, and `kernels` is a
        // table that this processor can run.
        unsafe {
            (kernels.pack)(&Pack {
                from: from.as_ptr(),
                pitch: pixels,
                count: range.len(),
                len: pixels,
                run: pixels,
                steps: [LANES, 0],
                next: LANES * pixels,
                into: into.as_mut_ptr(),
            });
        }
    }
}

/// Adds the parts in order and turns `[panel][tap][channel][LANES]` into PyTorch's order.
fn unpack(geometry: &Geometry<'_>, sums: &[f32], part_len: usize, dw: &mut [f32]) {
    let s = geometry.shape;
    let (depth, taps) = (s.in_group(), s.taps());
    dw.par_chunks_mut(depth * taps).enumerate().for_each(|(channel, dw)| {
        let (group, within) = (channel / s.out_group(), channel % s.out_group());
        let panel = group * s.out_group().div_ceil(LANES) + within / LANES;
        let lane = panel * taps * depth * LANES + within % LANES;
        for (i, dw) in dw.iter_mut().enumerate() {
            let at = lane + ((i % taps) * depth + i / taps) * LANES;
            *dw = sums[at..].iter().step_by(part_len).sum();
        }
    });
}
