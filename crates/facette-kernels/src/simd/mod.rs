//! The inner loops that differ from one instruction set to the next.
//!
//! A new instruction set is one more file with a [`Kernels`] table and one more line in
//! [`Kernels::of`]. Each table must agree with [`scalar`] within rounding; the property tests run
//! every table the processor can.

use alloc::vec::Vec;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(any(target_arch = "aarch64", target_arch = "wasm32"))]
mod native;
#[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
mod neon;
mod scalar;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod simd128;
mod vector;
pub(crate) mod winograd;

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::Eight;
/// Eight lanes in registers that every processor of the target has.
#[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
pub(crate) use neon::Eight as Native;
/// Eight lanes in registers that every processor of the target has.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub(crate) use simd128::Eight as Native;
/// Eight lanes as the compiler lays them out.
#[cfg(any(
    all(target_arch = "aarch64", not(target_feature = "neon")),
    all(target_arch = "wasm32", not(target_feature = "simd128"))
))]
pub(crate) type Native = [f32; 8];
pub(crate) use vector::Vector;
use winograd::Transform;

use crate::{
    Level,
    conv::taps::{Pair, Tap},
};

/// Pictures (or channels) side by side in a packed vector; the unit of all packed layouts.
pub(crate) const LANES: usize = 16;

/// Most rows of a register tile.
pub(crate) const MAX_ROWS: usize = 6;

/// One output pixel of [`LANES`] pictures for a few output channels: what a convolution tile needs.
///
/// The packed source is `[pixel][channel][LANES]`, the packed weight `[tap][channel][rows]`.
pub(crate) struct ConvTile<'a> {
    /// Source at pixel (0, 0) of the band, first channel of the group.
    pub(crate) source: *const f32,
    /// Elements from one source row to the next.
    pub(crate) row_pitch: usize,
    /// Elements from one source column to the next.
    pub(crate) column_pitch: usize,
    /// Row taps of this pixel, with sources counted from the band's first row.
    pub(crate) rows: &'a [Tap],
    /// First source row of the band.
    pub(crate) first_row: usize,
    /// Column taps of this pixel.
    pub(crate) columns: &'a [Tap],
    /// Whether neighbouring column taps are neighbours in the source and in the weight.
    pub(crate) adjacent: bool,
    /// Packed weights of this block of output channels.
    pub(crate) weight: *const f32,
    /// Taps in a row of the kernel.
    pub(crate) kernel_width: usize,
    /// Channels summed over.
    pub(crate) depth: usize,
    /// Start values of the tile's rows.
    pub(crate) bias: [f32; MAX_ROWS],
    /// Where row `m` goes: `out + m * out_pitch`.
    pub(crate) out: *mut f32,
    /// Elements between the tile's rows in the output.
    pub(crate) out_pitch: usize,
}

/// A product of two packed panels, summed over pairs of pixels and added to a tile of the weight
/// gradient.
///
/// Both panels are `[pixel][LANES]`; of `source` the tile takes as many lanes as it has rows.
pub(crate) struct OuterTile<'a> {
    /// Panel of the input.
    pub(crate) source: *const f32,
    /// Panel of the output gradient.
    pub(crate) destination: *const f32,
    /// The pixels multiplied.
    pub(crate) pairs: &'a [Pair],
    /// The tile, `[rows][LANES]`.
    pub(crate) sum: *mut f32,
}

/// What [`Kernels::pack`] reads and writes.
///
/// `count` rows of `len` elements lie `pitch` apart. Element `i` of row `n` goes to
/// `into + i % run * steps[0] + i / run * steps[1] + n`; lanes from `count` on become zero.
pub(crate) struct Pack {
    pub(crate) from: *const f32,
    pub(crate) pitch: usize,
    pub(crate) count: usize,
    pub(crate) len: usize,
    pub(crate) run: usize,
    pub(crate) steps: [usize; 2],
    /// How much further on in each row the next packing will read; to be fetched early, since the
    /// processor does not foresee so many short rows.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "a hint to x86-64"))]
    pub(crate) next: usize,
    pub(crate) into: *mut f32,
}

/// What [`Kernels::unpack`] reads and writes: element `i < len` of row `n < count` goes from
/// `from + i * LANES + n` to `into + n * pitch + i`.
pub(crate) struct Unpack {
    pub(crate) from: *const f32,
    pub(crate) len: usize,
    pub(crate) count: usize,
    pub(crate) pitch: usize,
    pub(crate) into: *mut f32,
}

/// A product of packed weights `[channel][rows]` with `count` packed columns `[channel][LANES]`.
///
/// Row `m` of column `i` goes to `out + m * out_pitch + i * LANES`.
pub(crate) struct Product {
    pub(crate) weight: *const f32,
    pub(crate) columns: *const f32,
    pub(crate) depth: usize,
    pub(crate) count: usize,
    pub(crate) out: *mut f32,
    pub(crate) out_pitch: usize,
}

/// The inner loops of one instruction set. Index `m - 1` of an array serves tiles of `m` rows.
///
/// Every function is unsafe for the same reason: it trusts the pointers and extents in its
/// argument, and that the processor has the table's instruction set.
pub(crate) struct Kernels {
    pub(crate) conv: [unsafe fn(&ConvTile<'_>); MAX_ROWS],
    pub(crate) outer: [unsafe fn(&OuterTile<'_>); MAX_ROWS],
    pub(crate) product: [unsafe fn(&Product); MAX_ROWS],
    pub(crate) pack: unsafe fn(&Pack),
    pub(crate) unpack: unsafe fn(&Unpack),
    /// Winograd's transforms, in the order of [`winograd::Kind`].
    pub(crate) transform: [unsafe fn(&Transform); 5],
}

impl Kernels {
    /// The table of a level; that of [`Level::Scalar`] where the processor lacks the level.
    pub(crate) fn of(level: Level) -> &'static Kernels {
        match level {
            #[cfg(target_arch = "x86_64")]
            _ if level.runs(Level::Avx512) => &avx512::KERNELS,
            #[cfg(target_arch = "x86_64")]
            _ if level.runs(Level::Avx2) => &avx2::KERNELS,
            #[cfg(any(target_arch = "aarch64", target_arch = "wasm32"))]
            level if level.is_native() => &native::KERNELS,
            _ => &scalar::KERNELS,
        }
    }
}

/// Cuts `channels` into blocks of at most [`MAX_ROWS`], as `(start, rows)`: sixes, and fours at the
/// end rather than a thin remainder, which would leave the multipliers waiting.
pub(crate) fn blocks(channels: usize) -> Vec<(usize, usize)> {
    let tail: &[usize] = match (channels % 6, channels >= 6) {
        (0, _) => &[],
        (1, true) => &[4, 3],
        (2, true) => &[4, 4],
        (3, true) => &[5, 4],
        (1, false) => &[1],
        (2, false) => &[2],
        (3, false) => &[3],
        (4, _) => &[4],
        _ => &[5],
    };
    let sixes = (channels - tail.iter().sum::<usize>()) / 6;
    let mut start = 0;
    let widths = core::iter::repeat_n(&6, sixes).chain(tail);
    widths
        .map(|&rows| {
            start += rows;
            (start - rows, rows)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_cover_every_channel_once() {
        for channels in 1..200 {
            let mut next = 0;
            for (start, rows) in blocks(channels) {
                assert_eq!(start, next);
                assert!((1..=MAX_ROWS).contains(&rows));
                next = start + rows;
            }
            assert_eq!(next, channels);
        }
    }
}
