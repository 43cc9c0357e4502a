//! Convolution with a 3x3 kernel and stride 1 by Winograd's F(4x4, 3x3), a quarter of the products;
//! the transforms and their numerics are in [`crate::simd::winograd`].

mod gather;
mod weight_gradient;

pub(super) use gather::{Gather, WeightLayout};
pub(super) use weight_gradient::run as weight_gradient;

use super::ConvShape;
use super::taps::AxisTaps;
use crate::simd::winograd::POINTS;

/// Outputs of a tile along an axis.
const TILE: usize = 4;

/// Fewer channels than this do not pay for the transforms.
const MIN_CHANNELS: usize = 16;

/// Whether the tiles save products over `rows` and `columns`, the taps of a pass.
pub(super) fn pays(s: &ConvShape, rows: &AxisTaps, columns: &AxisTaps) -> bool {
    let o = &s.options;
    let applies = s.kernel == [3, 3]
        && o.stride == [1, 1]
        && o.dilation == [1, 1]
        && o.groups == 1
        && o.padding.iter().all(|p| *p <= 2);
    let tiles = rows.len().div_ceil(TILE) * columns.len().div_ceil(TILE);
    // The transforms cost about as much again as a third of the products.
    applies
        && s.in_channels.min(s.out_channels) >= MIN_CHANNELS
        && tiles * POINTS * 4 / 3 < rows.total() * columns.total()
}

/// Elements between the points of a transformed tile: a cache line more than the data, or the points
/// of a tile, a power of two apart, would fall on the same few lines of a cache.
fn point_pitch(elements: usize) -> usize {
    elements + crate::simd::LANES
}
