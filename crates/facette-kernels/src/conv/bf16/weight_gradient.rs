//! The weight gradient: inputs times output gradients, summed over positions for each tap.
//!
//! A row of inputs is a plane on its grid, `[channel][phase][position]`, and another tap begins a few
//! positions further on. Gradients lie in pairs of positions, `[tile of channels][pair][SIDE][2]`, zero
//! where there is no pixel. Each tile of sums is one task's, in the order of the pictures: the result
//! does not depend on the number of threads.

use rayon::prelude::*;

use super::grid::{Grid, Tap};
use super::pack::{self, Pictures};
use super::tiles::{Correlated, DEPTH, SIDE, SUMS, Tiles};
use crate::Level;
use crate::conv::ConvShape;
use crate::scratch::{Scratch, with_scratch, with_shared_scratch};
use crate::simd::{Kernels, LANES, Pack};

/// Bytes of both factors to hold at once: half of a second-level cache, and more where the sums,
/// which come by once for each such chunk, are larger than that themselves.
const CHUNK_BYTES: [usize; 2] = [1 << 20, 1 << 22];

/// Positions of gradients to turn around at once: few enough for the first-level cache.
const GROUP_POSITIONS: usize = 512;

const _: () = assert!(LANES == SIDE);

struct Correlation<'a> {
    s: &'a ConvShape,
    grid: &'a Grid,
    level: Level,
    /// Elements of a phase of a channel of inputs.
    pitch: usize,
    /// Pairs of positions of a tile of gradients.
    pairs: usize,
}

/// Writes every element of `dw`.
pub(super) fn run(
    s: &ConvShape,
    grid: &Grid,
    tiles: &Tiles,
    level: Level,
    x: &[f32],
    dy: &[f32],
    dw: &mut [f32],
) {
    let halves = grid.picture() * (s.in_channels * grid.source_phases() + s.out_channels);
    let sums_bytes = s.weight_len() * size_of::<f32>();
    let bytes = sums_bytes.clamp(CHUNK_BYTES[0], CHUNK_BYTES[1]);
    let pictures = (bytes / (2 * halves)).clamp(1, s.batch.max(1));
    let positions = (pictures * grid.picture()).next_multiple_of(DEPTH);
    let correlation = Correlation {
        s,
        grid,
        level,
        // An odd number of cache lines.
        pitch: (positions + grid.furthest()).next_multiple_of(2 * DEPTH) + DEPTH,
        pairs: positions / 2,
    };
    let taps = grid.taps([0, 0], s.kernel[1]);
    let jobs = s.in_channels.div_ceil(2 * SIDE) * s.out_channels.div_ceil(2 * SIDE) * taps.len();
    with_shared_scratch(|[inputs, gradients, sums]| {
        let sums = sums.take(jobs * 4 * SUMS);
        sums.fill(0.0);
        for first in (0..s.batch).step_by(pictures) {
            let count = pictures.min(s.batch - first);
            let x = correlation.pack_inputs(x, first, count, inputs);
            let dy = correlation.pack_gradients(dy, first, count, gradients);
            correlation.add(tiles, &taps, count, x, dy, sums);
        }
        correlation.unpack(&taps, sums, dw);
    });
}

impl Correlation<'_> {
    fn phases(&self) -> usize {
        self.grid.source_phases()
    }

    /// `[channel][phase][position]`, channels filled up to whole tiles.
    fn pack_inputs<'b>(
        &self,
        x: &[f32],
        first: usize,
        count: usize,
        scratch: &'b mut Scratch,
    ) -> &'b [u16] {
        let (s, grid) = (self.s, self.grid);
        let plane = s.height * s.width;
        let channel_len = self.phases() * self.pitch;
        let into = scratch.halves(s.in_channels.next_multiple_of(SIDE) * channel_len);
        into.par_chunks_exact_mut(channel_len).enumerate().for_each(|(channel, into)| {
            into.fill(0);
            if channel >= s.in_channels {
                return;
            }
            let from = &x[(first * s.in_channels + channel) * plane..];
            let pictures =
                Pictures { count, elements: s.in_channels * plane, positions: grid.picture() };
            for (into, (rows, at)) in into.chunks_exact_mut(self.pitch).zip(grid.source_rows()) {
                pack::halves(self.level, rows, pictures, from, &mut into[at..]);
            }
        });
        into
    }

    /// `[tile of channels][pair of positions][SIDE]`.
    fn pack_gradients<'b>(
        &self,
        dy: &[f32],
        first: usize,
        count: usize,
        scratch: &'b mut Scratch,
    ) -> &'b [u32] {
        let (s, grid) = (self.s, self.grid);
        let plane = s.out_height * s.out_width;
        let tile_len = self.pairs * SIDE;
        let into = scratch.pairs(s.out_channels.div_ceil(SIDE) * tile_len);
        let kernels = Kernels::of(self.level);
        let [(_, rows)] = grid.destination_phases().try_into().expect("an output has one phase");
        // Pictures turned around at once; an even number of positions.
        let group = (GROUP_POSITIONS / grid.picture()).max(1).next_multiple_of(2);
        let positions = group * grid.picture();
        into.par_chunks_exact_mut(tile_len).enumerate().for_each(|(tile, into)| {
            let channels = SIDE.min(s.out_channels - tile * SIDE);
            into.par_chunks_mut(positions / 2 * SIDE).enumerate().for_each(|(n, into)| {
                if n * group >= count {
                    return into.fill(0);
                }
                let pictures = Pictures {
                    count: group.min(count - n * group),
                    elements: s.out_channels * plane,
                    positions: grid.picture(),
                };
                let from = ((first + n * group) * s.out_channels + tile * SIDE) * plane;
                with_scratch(|[planes, _, _]| {
                    // Some cache lines, an odd number of them.
                    let pitch = positions.next_multiple_of(4 * LANES) + 2 * LANES;
                    let planes = planes.halves(SIDE * pitch);
                    planes.fill(0);
                    for (channel, into) in planes.chunks_exact_mut(pitch).take(channels).enumerate()
                    {
                        let from = &dy[from + channel * plane..];
                        pack::halves(self.level, rows, pictures, from, into);
                    }
                    // SAFETY: the planes are `channels` rows of `positions / 2` pairs or more,
                    // which are as large as an f32 and only moved, and `into` has a vector for each
                    // pair. `kernels` is a table that this processor can run.
                    unsafe {
                        (kernels.pack)(&Pack {
                            from: planes.as_ptr().cast(),
                            pitch: pitch / 2,
                            count: channels,
                            len: into.len() / SIDE,
                            run: into.len() / SIDE,
                            steps: [LANES, 0],
                            next: 0,
                            into: into.as_mut_ptr().cast(),
                        });
                    }
                });
            });
        });
        into
    }

    /// Adds the products of `count` pictures, `[tiles of inputs][tiles of outputs][tap]`, four
    /// tiles each.
    fn add(
        &self,
        tiles: &Tiles,
        taps: &[Tap],
        count: usize,
        x: &[u16],
        dy: &[u32],
        sums: &mut [f32],
    ) {
        let s = self.s;
        let outputs = s.out_channels.div_ceil(2 * SIDE);
        let steps = (count * self.grid.picture()).div_ceil(DEPTH);
        let channel_len = self.phases() * self.pitch;
        sums.par_chunks_exact_mut(4 * SUMS).enumerate().for_each(|(job, sums)| {
            let (tap, pair) = (&taps[job % taps.len()], job / taps.len());
            let [input, output] = [pair / outputs, pair % outputs].map(|i| i * 2 * SIDE);
            let tiles_from =
                |first: usize, channels: usize| (channels - first).div_ceil(SIDE).min(2);
            // SAFETY: rows of inputs reach as far as the furthest tap of the last step, gradients
            // as far as the last step, tiles of channels are whole, and the job's sums are four
            // tiles. The tiles are those of a level that this processor has.
            unsafe {
                (tiles.correlate)(&Correlated {
                    input: x
                        .as_ptr()
                        .add(input * channel_len + tap.source * self.pitch + tap.ahead),
                    pitch: channel_len,
                    input_tiles: tiles_from(input, s.in_channels),
                    gradient: dy.as_ptr().add(output * self.pairs),
                    gradient_tiles_apart: self.pairs * SIDE,
                    gradient_tiles: tiles_from(output, s.out_channels),
                    steps,
                    sums: sums.as_mut_ptr(),
                });
            }
        });
    }

    /// Brings the sums into PyTorch's order.
    fn unpack(&self, taps: &[Tap], sums: &[f32], dw: &mut [f32]) {
        let s = self.s;
        let row = s.in_channels * s.taps();
        let outputs = s.out_channels.div_ceil(2 * SIDE);
        dw.par_chunks_mut(SIDE * row).enumerate().for_each(|(tile, dw)| {
            for channel in 0..s.in_channels {
                let pair = channel / (2 * SIDE) * outputs + tile / 2;
                let within = (channel / SIDE % 2 * 2 + tile % 2) * SUMS + channel % SIDE * SIDE;
                for (i, tap) in taps.iter().enumerate() {
                    let sums = &sums[(pair * taps.len() + i) * 4 * SUMS + within..][..SIDE];
                    let into = dw[channel * s.taps() + tap.tap..].iter_mut().step_by(row);
                    into.zip(sums).for_each(|(into, sum)| *into = *sum);
                }
            }
        });
    }
}
