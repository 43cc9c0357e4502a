//! The weight gradient: for every tap, a product of the output gradient with the shifted input,
//! summed over pictures and pixels.
//!
//! The input is packed in panels of up to six channels, the output gradient in panels of sixteen, so
//! that a register tile is a rank-one update per pixel. Pictures form fixed groups with a sum of
//! their own, added in order: the result does not depend on the number of threads.

use rayon::prelude::*;

use super::ConvShape;
use super::taps::TapRun;
use crate::scratch::{Scratch, with_scratch};
use crate::simd::{Kernels, LANES, MAX_ROWS, OuterTile, Pack, blocks};

/// Groups of pictures with a sum of their own, at most.
const MAX_PARTS: usize = 8;

/// Pixels (over pictures) of a panel: long enough to hide the tile's update, and small enough that
/// the panel of the output gradient stays in the first-level cache.
const PANEL_PIXELS: usize = 256;

/// Elements that a narrow packing may write past its panel.
const SLACK: usize = 8;

/// A panel of output channels: `(group, first channel of the group, channels)`.
type OutPanel = (usize, usize, usize);

struct Geometry<'a> {
    shape: &'a ConvShape,
    runs: Vec<(TapRun, TapRun)>,
    in_blocks: Vec<(usize, usize)>,
    out_panels: Vec<OutPanel>,
    /// Pictures packed at once.
    pictures: usize,
}

/// Writes every element of `dw`.
pub(super) fn run(shape: &ConvShape, kernels: &Kernels, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    let [kh, kw] = shape.kernel;
    let out_pixels = shape.out_height * shape.out_width;
    let out_panels: Vec<OutPanel> = (0..shape.options.groups)
        .flat_map(|group| {
            (0..shape.out_group())
                .step_by(LANES)
                .map(move |start| (group, start, LANES.min(shape.out_group() - start)))
        })
        .collect();
    let geometry = Geometry {
        shape,
        runs: (0..kh * kw)
            .map(|tap| (TapRun::new(shape, 0, tap / kw), TapRun::new(shape, 1, tap % kw)))
            .collect(),
        in_blocks: blocks(shape.in_group()),
        out_panels,
        pictures: PANEL_PIXELS.div_ceil(out_pixels).min(shape.batch.max(1)),
    };
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
                with_scratch(|packed_x, packed_dy| {
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
        let packed_x = self.pack_input(kernels, x, first, count, packed_x);
        let packed_dy = packed_dy.take(count * out_pixels * LANES);
        let depth = s.in_group();
        for (&(group, start, width), sums) in
            panels.iter().zip(sums.chunks_exact_mut(self.runs.len() * depth * LANES))
        {
            let channel = group * s.out_group() + start;
            for picture in 0..count {
                let from = ((first + picture) * s.out_channels + channel) * out_pixels;
                let from = &dy[from..from + width * out_pixels];
                let into = &mut packed_dy[picture * out_pixels * LANES..][..out_pixels * LANES];
                if out_pixels == 1 {
                    into[..width].copy_from_slice(from);
                    into[width..].fill(0.0);
                    continue;
                }
                // SAFETY: `from` holds `width` channels, `into` a vector for each pixel, and
                // `kernels` is a table that this processor can run.
                unsafe {
                    (kernels.pack)(&Pack {
                        from: from.as_ptr(),
                        pitch: out_pixels,
                        count: width,
                        len: out_pixels,
                        plane: out_pixels,
                        plane_pitch: LANES,
                        into: into.as_mut_ptr(),
                    });
                }
            }
            for (tap, (rows, columns)) in self.runs.iter().enumerate() {
                if rows.len == 0 || columns.len == 0 {
                    continue;
                }
                for &(block, width) in &self.in_blocks {
                    let panel = (group * depth + block) * count * in_pixels;
                    let sum = &mut sums[(tap * depth + block) * LANES..][..width * LANES];
                    // SAFETY: the panels hold `count` pictures of all pixels with `width` and
                    // LANES lanes, the runs lie inside the planes, and `sum` is the tile.
                    unsafe {
                        kernels.outer[width - 1](&OuterTile {
                            x: packed_x.as_ptr().add(panel),
                            dy: packed_dy.as_ptr(),
                            pictures: count,
                            x_pitch: [in_pixels * width, s.width * width],
                            dy_pitch: [out_pixels * LANES, s.out_width * LANES],
                            rows: *rows,
                            columns: *columns,
                            sum: sum.as_mut_ptr(),
                        });
                    }
                }
            }
        }
    }

    /// Packs `[group][block][picture][pixel][channels of the block]`.
    fn pack_input<'s>(
        &self,
        kernels: &Kernels,
        x: &[f32],
        first: usize,
        count: usize,
        scratch: &'s mut Scratch,
    ) -> &'s [f32] {
        let s = self.shape;
        let pixels = s.height * s.width;
        let packed = scratch.take(s.in_channels * count * pixels + SLACK);
        // Ascending, since each packing may spill into the place of the next.
        for group in 0..s.options.groups {
            for &(block, width) in &self.in_blocks {
                let channel = group * s.in_group() + block;
                for picture in 0..count {
                    let from = ((first + picture) * s.in_channels + channel) * pixels;
                    let from = &x[from..from + width * pixels];
                    let at = (channel * count + picture * width) * pixels;
                    if pixels == 1 {
                        packed[at..at + width].copy_from_slice(from);
                        continue;
                    }
                    debug_assert!(width <= MAX_ROWS);
                    // SAFETY: `from` holds `width` channels, and `packed` has their place and
                    // the slack behind the last. `kernels` is a table this processor can run.
                    unsafe {
                        kernels.pack_narrow[width - 1](&Pack {
                            from: from.as_ptr(),
                            pitch: pixels,
                            count: width,
                            len: pixels,
                            plane: pixels,
                            plane_pitch: width,
                            into: packed.as_mut_ptr().add(at),
                        });
                    }
                }
            }
        }
        packed
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
