//! The forward pass and the input gradient: every destination position gathers from the source.
//!
//! Channels of the source lie in pairs, `[phase][pair of channels][position][2]`: two planes put side
//! by side, which is how the tiles want them. Weights are the tiles' other factor, so that a row of
//! sums is a row of pixels.

use rayon::prelude::*;

use super::grid::{Grid, Tap};
use super::pack::{self, Pictures, Rows};
use super::rounding::half;
use super::tiles::{DEPTH, Gathered, HALVES, SIDE, Tiles};
use crate::Level;
use crate::fresh::Fresh;
use crate::scratch::{with_scratch, with_shared_scratch};

/// Positions to aim for in a task: some channels of them fit the first-level cache, and weights are
/// read once for so many.
const POSITIONS: usize = 640;

/// A convolution seen from its destination.
pub(super) struct Gather {
    pub(super) source_channels: usize,
    pub(super) channels: usize,
    /// The weight of (destination, source, tap) lies at
    /// `destination * weight_steps[0] + source * weight_steps[1] + tap`.
    pub(super) weight_steps: [usize; 2],
    /// Rows and columns of the kernel.
    pub(super) kernel: [usize; 2],
    pub(super) grid: Grid,
}

/// A phase of the destination.
struct Phase {
    rows: Rows,
    /// Its taps, and where they lie among those of all phases.
    taps: Vec<Tap>,
    first: usize,
}

impl Gather {
    /// Writes every element of `out`, `[batch, channels, size]`.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn run(
        &self,
        tiles: &Tiles,
        level: Level,
        batch: usize,
        source: &[f32],
        weight: &[f32],
        bias: Option<&[f32]>,
        out: &mut Fresh,
    ) {
        if batch == 0 {
            return;
        }
        let pictures = (POSITIONS / self.grid.picture()).clamp(1, batch);
        let phases = self.phases();
        let each = |channels: usize, plane: usize| pictures * channels * plane;
        let [source_plane, plane] = [self.grid.source_plane(), self.grid.destination_plane()];
        with_shared_scratch(|[weights, _, _]| {
            let tile_len = self.taps() * self.blocks() * HALVES;
            let weights = weights.halves(self.channels.div_ceil(SIDE) * tile_len);
            self.pack_weights(&phases, weight, weights);
            out.par_chunks_mut(each(self.channels, plane))
                .zip(source.par_chunks(each(self.source_channels, source_plane)))
                .for_each(|(out, source)| {
                    self.chunk(tiles, level, &phases, source, weights, bias, out);
                });
        });
    }

    fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Blocks of source channels.
    fn blocks(&self) -> usize {
        self.source_channels.div_ceil(DEPTH)
    }

    fn phases(&self) -> Vec<Phase> {
        let mut first = 0;
        let each = self.grid.destination_phases().into_iter().map(|(phase, rows)| {
            let taps = self.grid.taps(phase, self.kernel[1]);
            first += taps.len();
            Phase { rows, first: first - taps.len(), taps }
        });
        each.collect()
    }

    /// `[tile of destination channels][tap][block][SIDE][DEPTH]`, taps in the order of the phases.
    fn pack_weights(&self, phases: &[Phase], weight: &[f32], into: &mut [u16]) {
        let taps: Vec<usize> = phases.iter().flat_map(|p| &p.taps).map(|t| t.tap).collect();
        let tile_len = self.taps() * self.blocks() * HALVES;
        into.par_chunks_exact_mut(tile_len).enumerate().for_each(|(tile, into)| {
            into.fill(0);
            for row in 0..SIDE.min(self.channels - tile * SIDE) {
                let from = (tile * SIDE + row) * self.weight_steps[0];
                for source in 0..self.source_channels {
                    let from = &weight[from + source * self.weight_steps[1]..][..self.taps()];
                    let at = source / DEPTH * HALVES + row * DEPTH + source % DEPTH;
                    for (i, tap) in taps.iter().enumerate() {
                        into[at + i * self.blocks() * HALVES] = half(from[*tap]);
                    }
                }
            }
        });
    }

    /// Some pictures.
    #[allow(clippy::too_many_arguments)]
    fn chunk(
        &self,
        tiles: &Tiles,
        level: Level,
        phases: &[Phase],
        source: &[f32],
        weights: &[u16],
        bias: Option<&[f32]>,
        out: &mut Fresh,
    ) {
        let (grid, plane) = (&self.grid, self.grid.destination_plane());
        let pictures = out.len() / (self.channels * plane);
        let positions = (pictures * grid.picture()).next_multiple_of(2 * SIDE);
        // An odd number of cache lines from row to row: a power of two would use few lines of the
        // first-level cache.
        let pitch = (positions + grid.furthest()).next_multiple_of(2 * SIDE) + SIDE;
        let tile_len = self.taps() * self.blocks() * HALVES;
        let onto = Pictures {
            count: pictures,
            elements: self.channels * plane,
            positions: grid.picture(),
        };
        with_scratch(|[pairs, sums, _]| {
            let rows = self.blocks() * SIDE;
            let pairs = pairs.pairs(grid.source_phases() * rows * pitch);
            self.pack_source(level, source, pitch, pairs);
            let sums = sums.take(2 * SIDE * positions);
            for phase in phases {
                let at = |tap: &Tap| tap.source * rows * pitch + tap.ahead;
                let offsets: Vec<usize> = phase.taps.iter().map(at).collect();
                for first in (0..self.channels).step_by(2 * SIDE) {
                    let count = (2 * SIDE).min(self.channels - first);
                    // SAFETY: the weights hold the tiles of `count` channels from `first` on, for
                    // the taps of all phases. A row of pairs ends no sooner than the furthest tap
                    // of the last position, and `sums` holds two tiles of rows. The tiles are those
                    // of a level that this processor has.
                    unsafe {
                        (tiles.gather)(&Gathered {
                            weights: weights.as_ptr().add(
                                first / SIDE * tile_len + phase.first * self.blocks() * HALVES,
                            ),
                            row_tiles_apart: tile_len,
                            row_tiles: count.div_ceil(SIDE),
                            source: pairs.as_ptr(),
                            pitch,
                            taps: &offsets,
                            blocks: self.blocks(),
                            positions,
                            out: sums.as_mut_ptr(),
                        });
                    }
                    for (m, sums) in sums.chunks_exact(positions).take(count).enumerate() {
                        let bias = bias.map_or(0.0, |b| b[first + m]);
                        let out = &mut out[(first + m) * plane..];
                        pack::put(level, phase.rows, onto, sums, bias, out);
                    }
                }
            }
        });
    }

    /// `[phase][pair of channels][position]` of some pictures.
    fn pack_source(&self, level: Level, source: &[f32], pitch: usize, into: &mut [u32]) {
        let (grid, plane) = (&self.grid, self.grid.source_plane());
        into.fill(0);
        let picture = self.source_channels * plane;
        let pictures = Pictures {
            count: source.len() / picture,
            elements: picture,
            positions: grid.picture(),
        };
        let pairs = self.blocks() * SIDE;
        for (phase, (rows, at)) in grid.source_rows().into_iter().enumerate() {
            let into = into[phase * pairs * pitch..].chunks_exact_mut(pitch);
            for (channel, into) in (0..self.source_channels).step_by(2).zip(into) {
                let low = &source[channel * plane..];
                let high = (channel + 1 < self.source_channels).then(|| &low[plane..]);
                pack::pairs(level, rows, pictures, low, high, &mut into[at..]);
            }
        }
    }
}
