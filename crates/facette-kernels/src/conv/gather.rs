//! Convolution in a layout blocked over the batch: the forward pass and the input gradient.
//!
//! Sixteen pictures lie side by side, `[pixel][channel][16]`, so that a vector holds the same pixel
//! and channel of sixteen pictures. A destination pixel is then a sum over its own list of taps: no
//! im2col buffer, no padding to multiply, and strides, dilation and the transposed convolution are
//! only other lists. On an 8x8 plane a 3x3 kernel needs 484 of 576 products, on 4x4 100 of 144.
//!
//! Each destination value is one thread's sum in a fixed order, so that results do not depend on the
//! number of threads.

use rayon::prelude::*;

use super::taps::AxisTaps;
use crate::fresh::Fresh;
use crate::scratch::{Shared, with_scratch};
use crate::simd::{ConvTile, Kernels, LANES, MAX_ROWS, Pack, Unpack, blocks};

/// Packed source elements to aim for in one band: half of it fits the second-level cache beside
/// the weights.
const BAND_ELEMENTS: usize = 1 << 18;

/// Elements by which the packing of whole pictures reads ahead.
const AHEAD: usize = 64;

/// A convolution seen from its destination: every destination pixel gathers from the source.
pub(super) struct Gather {
    pub(super) batch: usize,
    pub(super) groups: usize,
    pub(super) kernel: [usize; 2],
    pub(super) source_channels: usize,
    pub(super) source_size: [usize; 2],
    pub(super) channels: usize,
    pub(super) size: [usize; 2],
    pub(super) rows: AxisTaps,
    pub(super) columns: AxisTaps,
}

/// Weights as the tiles read them: for each block of destination channels `[tap][source][rows]`.
pub(super) struct PackedWeight {
    values: Vec<f32>,
    /// `(group, first destination channel of the group, rows)` of each block, in order.
    blocks: Vec<(usize, usize, usize)>,
    /// Elements per destination channel.
    pitch: usize,
}

impl PackedWeight {
    /// Packs weights whose element for (group, destination, source, tap) lies at
    /// `group * steps[0] + destination * steps[1] + source * steps[2] + tap`.
    pub(super) fn new(g: &Gather, weight: &[f32], steps: [usize; 3]) -> Self {
        let depth = g.source_channels / g.groups;
        let taps = g.kernel[0] * g.kernel[1];
        let pitch = depth * taps;
        let in_group = blocks(g.channels / g.groups);
        let blocks: Vec<_> = (0..g.groups)
            .flat_map(|group| in_group.iter().map(move |&(start, rows)| (group, start, rows)))
            .collect();
        let mut values = vec![0.0; g.channels * pitch];
        let mut rest = values.as_mut_slice();
        let mut parts = Vec::with_capacity(blocks.len());
        for block in &blocks {
            let (part, tail) = rest.split_at_mut(block.2 * pitch);
            parts.push((*block, part));
            rest = tail;
        }
        parts.into_par_iter().for_each(|((group, start, rows), part)| {
            for m in 0..rows {
                let base = group * steps[0] + (start + m) * steps[1];
                for source in 0..depth {
                    let from = &weight[base + source * steps[2]..][..taps];
                    for (tap, value) in from.iter().enumerate() {
                        part[(tap * depth + source) * rows + m] = *value;
                    }
                }
            }
        });
        Self { values, blocks, pitch }
    }
}

impl Gather {
    /// Writes every element of `out`, `[batch, channels, size]`.
    pub(super) fn run(
        &self,
        kernels: &Kernels,
        source: &[f32],
        weight: &PackedWeight,
        bias: Option<&[f32]>,
        out: &mut Fresh,
    ) {
        let row_elements = self.source_size[1] * self.source_channels * LANES;
        let source_rows = (BAND_ELEMENTS / row_elements).max(1);
        let band = (source_rows * self.size[0] / self.source_size[0]).clamp(1, self.size[0]);
        let bands = self.size[0].div_ceil(band);
        let out = Shared::fresh(out);
        (0..self.batch.div_ceil(LANES) * bands).into_par_iter().for_each(|task| {
            let first = task / bands * LANES;
            let from = task % bands * band;
            let to = (from + band).min(self.size[0]);
            self.band(kernels, source, weight, bias, out, first, from..to);
        });
    }

    /// Destination rows `range` of the pictures `first..first + 16`.
    #[allow(clippy::too_many_arguments)]
    fn band(
        &self,
        kernels: &Kernels,
        source: &[f32],
        weight: &PackedWeight,
        bias: Option<&[f32]>,
        out: Shared,
        first: usize,
        range: std::ops::Range<usize>,
    ) {
        let count = LANES.min(self.batch - first);
        let [height, width] = self.size;
        let pixels = range.len() * width;
        let channel_pitch = self.source_channels * LANES;
        let row_pitch = self.source_size[1] * channel_pitch;
        let (low, high) = self.rows.sources(range.start, range.end);
        let depth = self.source_channels / self.groups;
        let group_channels = self.channels / self.groups;
        let adjacent = self.groups == 1 && self.columns.adjacent();
        with_scratch(|[packed, tile_rows, _]| {
            let packed = packed.take((high - low) * row_pitch);
            self.pack(kernels, source, first, count, low..high, packed);
            let result = tile_rows.take(MAX_ROWS * pixels * LANES);
            let result = result.as_mut_ptr();
            let mut block_weight = weight.values.as_ptr();
            for &(group, start, rows) in &weight.blocks {
                let channel = group * group_channels + start;
                let mut start_values = [0.0; MAX_ROWS];
                if let Some(bias) = bias {
                    start_values[..rows].copy_from_slice(&bias[channel..channel + rows]);
                }
                for y in range.clone() {
                    for x in 0..width {
                        let pixel = (y - range.start) * width + x;
                        // SAFETY: `packed` holds rows `low..high`, among them every row tap's
                        // source; the block's weights are `rows * pitch` long; `result` holds
                        // `rows <= MAX_ROWS` planes of `pixels` vectors. `kernels` is a table
                        // that this processor can run.
                        unsafe {
                            kernels.conv[rows - 1](&ConvTile {
                                source: packed.as_ptr().add(group * depth * LANES),
                                row_pitch,
                                column_pitch: channel_pitch,
                                rows: self.rows.at(y),
                                first_row: low,
                                columns: self.columns.at(x),
                                adjacent,
                                weight: block_weight,
                                kernel_width: self.kernel[1],
                                depth,
                                bias: start_values,
                                out: result.add(pixel * LANES),
                                out_pitch: pixels * LANES,
                            });
                        }
                    }
                }
                block_weight = block_weight.wrapping_add(rows * weight.pitch);
                // A whole plane continues with the next channel's, in `result` and in `out`.
                let (runs, len) =
                    if pixels == height * width { (1, rows * pixels) } else { (rows, pixels) };
                for run in 0..runs {
                    let at = (first * self.channels + channel + run) * height * width
                        + range.start * width;
                    // SAFETY: tasks differ in pictures or in rows, so that no other thread writes
                    // these elements of `out`, which the shape places inside it.
                    unsafe {
                        (kernels.unpack)(&Unpack {
                            from: result.add(run * pixels * LANES),
                            pitch: self.channels * height * width,
                            count,
                            len,
                            into: out.get().add(at),
                        });
                    }
                }
            }
        });
    }

    /// Packs source rows `rows` of pictures `first..first + count` as `[pixel][channel][LANES]`.
    fn pack(
        &self,
        kernels: &Kernels,
        source: &[f32],
        first: usize,
        count: usize,
        rows: std::ops::Range<usize>,
        packed: &mut [f32],
    ) {
        let [height, width] = self.source_size;
        let picture = self.source_channels * height * width;
        let plane = rows.len() * width;
        if plane == 0 {
            return;
        }
        let (runs, len) = if plane == height * width {
            (1, self.source_channels * plane)
        } else {
            (self.source_channels, plane)
        };
        for channel in 0..runs {
            let from = first * picture + channel * height * width + rows.start * width;
            let from = &source[from..from + (count - 1) * picture + len];
            // SAFETY: `from` spans `count` pictures, and `packed` holds `plane` pixels of
            // `source_channels` vectors. `kernels` is a table that this processor can run.
            unsafe {
                (kernels.pack)(&Pack {
                    from: from.as_ptr(),
                    pitch: picture,
                    count,
                    len,
                    run: plane,
                    steps: [self.source_channels * LANES, LANES],
                    next: if runs == 1 { AHEAD } else { height * width },
                    into: packed.as_mut_ptr().add(channel * LANES),
                });
            }
        }
    }
}
