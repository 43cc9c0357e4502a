//! The weight gradient: transformed inputs times transformed output gradients, summed for each of the
//! 36 points over all tiles of all pictures.
//!
//! Sixteen channels of one picture lie side by side, `[point][panel][tile][16]`. Threads share out
//! first the planes to transform and then the points, each of which is one thread's sum in the order
//! of the pictures: the result does not depend on the number of threads.

use rayon::prelude::*;

use super::{TILE, point_pitch};
use crate::conv::ConvShape;
use crate::conv::taps::Pair;
use crate::scratch::{Scratch, Shared, with_scratch, with_shared_scratch};
use crate::simd::winograd::{Kind, POINTS, Transform};
use crate::simd::{Kernels, LANES, OuterTile, Pack, Unpack, blocks};

/// Elements of transformed pictures to hold at once.
const CHUNK_ELEMENTS: usize = 1 << 20;

/// One of the two tensors that are multiplied.
struct Side<'a> {
    values: &'a [f32],
    channels: usize,
    size: [usize; 2],
    /// Rows and columns by which the tiles start before the plane.
    padding: [usize; 2],
    /// Rows and columns of a tile.
    tile: usize,
    kind: Kind,
}

impl Side<'_> {
    fn panels(&self) -> usize {
        self.channels.div_ceil(LANES)
    }
}

/// Writes every element of `dw`.
pub(in crate::conv) fn run(
    s: &ConvShape,
    kernels: &Kernels,
    x: &[f32],
    dy: &[f32],
    dw: &mut [f32],
) {
    let x = Side {
        values: x,
        channels: s.in_channels,
        size: [s.height, s.width],
        padding: s.options.padding,
        tile: TILE + 2,
        kind: Kind::Input,
    };
    let dy = Side {
        values: dy,
        channels: s.out_channels,
        size: [s.out_height, s.out_width],
        padding: [0, 0],
        tile: TILE,
        kind: Kind::OutputGradient,
    };
    let tiles = dy.size.map(|size| size.div_ceil(TILE));
    let picture_tiles = tiles[0] * tiles[1];
    let picture = POINTS * picture_tiles * (x.panels() + dy.panels()) * LANES;
    let pictures = (CHUNK_ELEMENTS / picture).clamp(1, s.batch.max(1));
    let point_len = dy.panels() * s.in_channels * LANES;
    // Tile by tile.
    let pairs: Vec<Pair> =
        (0..pictures * picture_tiles).map(|i| Pair { destination: i, source: i }).collect();
    with_shared_scratch(|[x_points, dy_points, sums]| {
        let sums = sums.take(POINTS * point_len);
        sums.fill(0.0);
        for first in (0..s.batch).step_by(pictures) {
            let count = pictures.min(s.batch - first);
            let pairs = &pairs[..count * picture_tiles];
            let x_points = transform(kernels, &x, tiles, first, count, x_points);
            let dy_points = transform(kernels, &dy, tiles, first, count, dy_points);
            let points = x_points.par_chunks_exact(x_points.len() / POINTS);
            let points = points.zip(dy_points.par_chunks_exact(dy_points.len() / POINTS));
            points.zip(sums.par_chunks_exact_mut(point_len)).for_each(|((x, dy), sums)| {
                multiply(kernels, s.in_channels, pairs, x, dy, sums);
            });
        }
        finish(kernels, s, sums, dw);
    });
}

/// `[point][panel][picture][tile][LANES]` of `count` pictures.
fn transform<'s>(
    kernels: &Kernels,
    side: &Side<'_>,
    tiles: [usize; 2],
    first: usize,
    count: usize,
    scratch: &'s mut Scratch,
) -> &'s [f32] {
    let [height, width] = side.size;
    let [above, left] = side.padding;
    let plane = height * width;
    let picture_tiles = tiles[0] * tiles[1];
    let pitch = point_pitch(side.panels() * count * picture_tiles * LANES);
    let points = scratch.take(POINTS * pitch);
    let shared = Shared::new(points);
    let plane_width = TILE * (tiles[1] - 1) + side.tile;
    let plane_height = TILE * (tiles[0] - 1) + side.tile;
    // Rows that no tile reaches are left out, as in a source much larger than its output.
    let rows = height.min(plane_height - above);
    (0..count * side.panels()).into_par_iter().for_each(|task| {
        let (picture, panel) = (task / side.panels(), task % side.panels());
        let lanes = LANES.min(side.channels - panel * LANES);
        with_scratch(|[padded, _, _]| {
            let padded = padded.take(plane_height * plane_width * LANES);
            padded.fill(0.0);
            let from = ((first + picture) * side.channels + panel * LANES) * plane;
            let from = &side.values[from..from + lanes * plane];
            // SAFETY: `from` holds `lanes` channels; their rows and columns lie inside the padded
            // plane. `kernels` is a table that this processor can run.
            unsafe {
                (kernels.pack)(&Pack {
                    from: from.as_ptr(),
                    pitch: plane,
                    count: lanes,
                    len: rows * width,
                    run: width,
                    steps: [LANES, plane_width * LANES],
                    next: LANES * plane,
                    into: padded.as_mut_ptr().add((above * plane_width + left) * LANES),
                });
            }
            for row in 0..tiles[0] {
                let tile = (panel * count + picture) * picture_tiles + row * tiles[1];
                // SAFETY: each tile lies in the padded plane. Tasks differ in picture or panel, so
                // that no other thread writes these tiles of `points`.
                unsafe {
                    (kernels.transform[side.kind as usize])(&Transform {
                        from: padded.as_ptr().add(row * TILE * plane_width * LANES),
                        from_pitch: [(plane_width * LANES) as isize, LANES as isize],
                        from_step: TILE * LANES,
                        into: shared.get().add(tile * LANES),
                        into_pitch: [6 * pitch, pitch],
                        into_step: LANES,
                        count: tiles[1],
                        lanes: LANES,
                        bias: 0.0,
                    });
                }
            }
        });
    });
    points
}

/// Adds the products of one point, `[panel of outputs][input channel][LANES]`.
fn multiply(
    kernels: &Kernels,
    channels: usize,
    pairs: &[Pair],
    x: &[f32],
    dy: &[f32],
    sums: &mut [f32],
) {
    let panel = pairs.len() * LANES;
    for (sums, dy) in sums.chunks_exact_mut(channels * LANES).zip(dy.chunks_exact(panel)) {
        for (sums, x) in sums.chunks_mut(LANES * LANES).zip(x.chunks_exact(panel)) {
            for (start, rows) in blocks(sums.len() / LANES) {
                // SAFETY: both panels hold all tiles, and `sums` the tile of sums. `kernels` is a
                // table that this processor can run.
                unsafe {
                    kernels.outer[rows - 1](&OuterTile {
                        source: x.as_ptr().add(start),
                        destination: dy.as_ptr(),
                        pairs,
                        sum: sums.as_mut_ptr().add(start * LANES),
                    });
                }
            }
        }
    }
}

/// Transforms the sums back, to PyTorch's order.
fn finish(kernels: &Kernels, s: &ConvShape, sums: &[f32], dw: &mut [f32]) {
    let row = s.in_channels * 9;
    let pitch = sums.len() / POINTS;
    dw.par_chunks_mut(LANES * row).enumerate().for_each(|(panel, dw)| {
        with_scratch(|[taps, _, _]| {
            let taps = taps.take(row * LANES);
            // SAFETY: `sums` holds all channels of the panel at every point, `taps` their 9 taps,
            // and `dw` as many rows as are unpacked. `kernels` is a table this processor can run.
            unsafe {
                (kernels.transform[Kind::WeightGradient as usize])(&Transform {
                    from: sums.as_ptr().add(panel * s.in_channels * LANES),
                    from_pitch: [6 * pitch as isize, pitch as isize],
                    from_step: LANES,
                    into: taps.as_mut_ptr(),
                    into_pitch: [3 * LANES, LANES],
                    into_step: 9 * LANES,
                    count: s.in_channels,
                    lanes: LANES,
                    bias: 0.0,
                });
                (kernels.unpack)(&Unpack {
                    from: taps.as_ptr(),
                    len: row,
                    count: dw.len() / row,
                    pitch: row,
                    into: dw.as_mut_ptr(),
                });
            }
        });
    });
}
