//! The forward pass, and the input gradient as a convolution with the kernel turned around.
//!
//! Sixteen pictures lie side by side as in [`super::super::gather`]. A band of tiles is transformed
//! channel by channel, `[point][tile][channel][16]`, multiplied for a few output channels at a time,
//! so that the products stay near, and transformed back.

use rayon::prelude::*;

use super::{TILE, point_pitch};
use crate::fresh::Fresh;
use crate::scratch::{Scratch, Shared, with_scratch, with_shared_scratch};
use crate::simd::winograd::{Kind, POINTS, Transform};
use crate::simd::{Kernels, LANES, MAX_ROWS, Pack, Product, Unpack, blocks};

/// Tiles times channels to aim for in one band: 36 points of 64 bytes each fill half of a
/// second-level cache.
const BAND_VECTORS: usize = 128;

/// What a vector store of eight may write past a row of packed weights.
const SLACK: usize = 8;

/// A convolution seen from its destination.
pub(in crate::conv) struct Gather {
    pub(in crate::conv) batch: usize,
    pub(in crate::conv) source_channels: usize,
    pub(in crate::conv) source_size: [usize; 2],
    pub(in crate::conv) channels: usize,
    pub(in crate::conv) size: [usize; 2],
    pub(in crate::conv) padding: [usize; 2],
}

/// Where the weight of (destination, source, tap) lies: `destination * steps[0] + source * steps[1]`
/// plus the tap, or plus 8 less the tap where `turned`.
pub(in crate::conv) struct WeightLayout {
    pub(in crate::conv) steps: [usize; 2],
    pub(in crate::conv) turned: bool,
}

/// Tiles of a pass.
#[derive(Clone, Copy)]
struct Band {
    first_picture: usize,
    pictures: usize,
    /// First tile row, and tile rows.
    row: usize,
    rows: usize,
    columns: usize,
}

impl Band {
    fn tiles(&self) -> usize {
        self.rows * self.columns
    }
}

impl Gather {
    /// Writes every element of `out`.
    pub(in crate::conv) fn run(
        &self,
        kernels: &Kernels,
        source: &[f32],
        weight: &[f32],
        layout: &WeightLayout,
        bias: Option<&[f32]>,
        out: &mut Fresh,
    ) {
        let blocks = blocks(self.channels);
        let out = Shared::fresh(out);
        let [tile_rows, columns] = self.size.map(|size| size.div_ceil(TILE));
        let rows = (BAND_VECTORS / (columns * self.source_channels)).clamp(1, tile_rows);
        let bands = tile_rows.div_ceil(rows);
        with_shared_scratch(|[weights, _, _]| {
            let weights = self.transform_weights(kernels, weight, layout, &blocks, weights);
            (0..self.batch.div_ceil(LANES) * bands).into_par_iter().for_each(|task| {
                let first_picture = task / bands * LANES;
                let row = task % bands * rows;
                let band = Band {
                    first_picture,
                    pictures: LANES.min(self.batch - first_picture),
                    row,
                    rows: rows.min(tile_rows - row),
                    columns,
                };
                with_scratch(|[points, plane, products]| {
                    let points = self.transform_source(kernels, source, band, plane, points);
                    for (&(channel, rows), weights) in blocks.iter().zip(&weights) {
                        self.multiply(kernels, band, points, weights, rows, products);
                        for m in 0..rows {
                            let bias = bias.map_or(0.0, |b| b[channel + m]);
                            self.store(kernels, band, products, [m, rows], bias, plane);
                            self.unpack(kernels, band, plane, channel + m, out);
                        }
                    }
                });
            });
        });
    }

    /// For each block of destination channels `[point][source][rows]`, points a bit further apart.
    fn transform_weights<'s>(
        &self,
        kernels: &Kernels,
        weight: &[f32],
        layout: &WeightLayout,
        blocks: &[(usize, usize)],
        scratch: &'s mut Scratch,
    ) -> Vec<&'s [f32]> {
        let depth = self.source_channels;
        let block_len = |rows: usize| POINTS * (depth * rows + SLACK);
        let mut rest = scratch.take(blocks.iter().map(|b| block_len(b.1)).sum());
        let mut parts = Vec::with_capacity(blocks.len());
        for &(_, rows) in blocks {
            let (part, tail) = rest.split_at_mut(block_len(rows));
            parts.push(part);
            rest = tail;
        }
        blocks.par_iter().zip(&mut parts).for_each(|(&(start, rows), part)| {
            let mut taps = [0.0; 9 * LANES];
            for source in 0..depth {
                let from = start * layout.steps[0] + source * layout.steps[1];
                let from = &weight[from..from + (rows - 1) * layout.steps[0] + 9];
                let (first, sign) = if layout.turned { (8 * LANES, -1) } else { (0, 1) };
                let lanes = LANES as isize;
                // SAFETY: `from` spans the 9 taps of `rows` channels and `taps` their vectors;
                // a point's row has room for `rows` elements of each source and the slack, which
                // the next source's elements or nothing overwrite. `kernels` is a table that this
                // processor can run.
                unsafe {
                    (kernels.pack)(&Pack {
                        from: from.as_ptr(),
                        pitch: layout.steps[0],
                        count: rows,
                        len: 9,
                        run: 9,
                        steps: [LANES, 0],
                        next: layout.steps[1],
                        into: taps.as_mut_ptr(),
                    });
                    let pitch = depth * rows + SLACK;
                    (kernels.transform[Kind::Weight as usize])(&Transform {
                        from: taps.as_ptr().add(first),
                        from_pitch: [sign * 3 * lanes, sign * lanes],
                        from_step: 0,
                        into: part.as_mut_ptr().add(source * rows),
                        into_pitch: [6 * pitch, pitch],
                        into_step: 0,
                        count: 1,
                        lanes: 8,
                        bias: 0.0,
                    });
                }
            }
        });
        parts.into_iter().map(|part| &*part).collect()
    }

    /// Elements between the points of the transformed source.
    fn source_pitch(&self, band: Band) -> usize {
        point_pitch(band.tiles() * self.source_channels * LANES)
    }

    /// `[point][tile][channel][LANES]` of a band.
    fn transform_source<'s>(
        &self,
        kernels: &Kernels,
        source: &[f32],
        band: Band,
        plane: &mut Scratch,
        points: &'s mut Scratch,
    ) -> &'s [f32] {
        let [height, width] = self.source_size;
        let [above, left] = self.padding;
        let pitch = self.source_pitch(band);
        let points = points.take(POINTS * pitch);
        let plane_width = TILE * band.columns + 2;
        let plane = plane.take((TILE * band.rows + 2) * plane_width * LANES);
        // The border stays zero while the channels come and go in the middle.
        plane.fill(0.0);
        let first = (TILE * band.row).saturating_sub(above);
        let end = (TILE * (band.row + band.rows) + 2).saturating_sub(above).min(height);
        let border = first + above - TILE * band.row;
        let picture = self.source_channels * height * width;
        for channel in 0..self.source_channels {
            if first < end {
                let from = band.first_picture * picture + (channel * height + first) * width;
                let len = (end - first) * width;
                let from = &source[from..from + (band.pictures - 1) * picture + len];
                // SAFETY: `from` spans `len` elements of every picture; their rows lie in the
                // plane, `border` rows and `left` columns from its corner, since the output of the
                // tiles is at least as large as the source with its padding less two. `kernels` is
                // a table that this processor can run.
                unsafe {
                    (kernels.pack)(&Pack {
                        from: from.as_ptr(),
                        pitch: picture,
                        count: band.pictures,
                        len,
                        run: width,
                        steps: [LANES, plane_width * LANES],
                        next: height * width,
                        into: plane.as_mut_ptr().add((border * plane_width + left) * LANES),
                    });
                }
            }
            for row in 0..band.rows {
                // SAFETY: each tile's 6 by 6 vectors lie in the plane, and its points in `points`.
                unsafe {
                    (kernels.transform[Kind::Input as usize])(&Transform {
                        from: plane.as_ptr().add(row * TILE * plane_width * LANES),
                        from_pitch: [(plane_width * LANES) as isize, LANES as isize],
                        from_step: TILE * LANES,
                        into: points
                            .as_mut_ptr()
                            .add((row * band.columns * self.source_channels + channel) * LANES),
                        into_pitch: [6 * pitch, pitch],
                        into_step: self.source_channels * LANES,
                        count: band.columns,
                        lanes: LANES,
                        bias: 0.0,
                    });
                }
            }
        }
        points
    }

    /// `[point][row][tile][LANES]` of one block of destination channels.
    fn multiply(
        &self,
        kernels: &Kernels,
        band: Band,
        points: &[f32],
        weights: &[f32],
        rows: usize,
        products: &mut Scratch,
    ) {
        let tiles = band.tiles();
        let depth = self.source_channels;
        let pitch = point_pitch(rows * tiles * LANES);
        let products = products.take(POINTS * point_pitch(MAX_ROWS * tiles * LANES));
        let weights = weights.chunks_exact(depth * rows + SLACK);
        let points = points.chunks_exact(self.source_pitch(band));
        for ((products, weights), points) in products.chunks_mut(pitch).zip(weights).zip(points) {
            // SAFETY: a point has `depth` by `rows` weights, `tiles` by `depth` source vectors and
            // room for `rows` by `tiles` products. `kernels` is a table this processor can run.
            unsafe {
                kernels.product[rows - 1](&Product {
                    weight: weights.as_ptr(),
                    columns: points.as_ptr(),
                    depth,
                    count: tiles,
                    out: products.as_mut_ptr(),
                    out_pitch: tiles * LANES,
                });
            }
        }
    }

    /// Transforms row `m` of `rows` of the products back, into the plane `[row][column][LANES]`.
    fn store(
        &self,
        kernels: &Kernels,
        band: Band,
        products: &mut Scratch,
        [m, rows]: [usize; 2],
        bias: f32,
        plane: &mut Scratch,
    ) {
        let tiles = band.tiles();
        let pitch = point_pitch(rows * tiles * LANES);
        let products = products.take(POINTS * point_pitch(MAX_ROWS * tiles * LANES));
        let width = TILE * band.columns * LANES;
        let plane = plane.take(TILE * band.rows * width);
        for row in 0..band.rows {
            // SAFETY: the products hold all points of the row's tiles, the plane their 4 by 4
            // outputs. `kernels` is a table that this processor can run.
            unsafe {
                (kernels.transform[Kind::Output as usize])(&Transform {
                    from: products.as_ptr().add((m * tiles + row * band.columns) * LANES),
                    from_pitch: [6 * pitch as isize, pitch as isize],
                    from_step: LANES,
                    into: plane.as_mut_ptr().add(row * TILE * width),
                    into_pitch: [width, LANES],
                    into_step: TILE * LANES,
                    count: band.columns,
                    lanes: LANES,
                    bias,
                });
            }
        }
    }

    /// Copies the part of the plane that is not beyond the picture to `out`.
    fn unpack(
        &self,
        kernels: &Kernels,
        band: Band,
        plane: &mut Scratch,
        channel: usize,
        out: Shared,
    ) {
        let [height, width] = self.size;
        let plane_width = TILE * band.columns;
        let first = TILE * band.row;
        let rows = (TILE * band.rows).min(height - first);
        let plane = plane.take(TILE * band.rows * plane_width * LANES);
        // Rows without a gap between them are one run.
        let (runs, len) = if plane_width == width { (1, rows * width) } else { (rows, width) };
        for run in 0..runs {
            let at =
                ((band.first_picture * self.channels + channel) * height + first + run) * width;
            // SAFETY: tasks differ in pictures or in rows, so that no other thread writes these
            // elements of `out`, which the shape places inside it.
            unsafe {
                (kernels.unpack)(&Unpack {
                    from: plane.as_ptr().add(run * plane_width * LANES),
                    len,
                    count: band.pictures,
                    pitch: self.channels * height * width,
                    into: out.get().add(at),
                });
            }
        }
    }
}
