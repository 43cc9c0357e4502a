//! Winograd's transforms in whole numbers with AVX-512: of pictures 32 channels at a time, of sums 16,
//! of which a line of a tile, four pixels, is finished together.

use core::arch::x86_64::*;

use super::{Forth, Part, whole};
use crate::Level;
use crate::infer::arithmetic::Whole;
use crate::infer::following::{Following, Known};
use crate::infer::hand_avx512::{ALL, Hand};
use crate::infer::lanes::Additive;
use crate::infer::settle_avx512::Sixteen;
use crate::infer::tile::COLUMNS;

/// Rows and columns of a tile before and after, and points.
const I: usize = 6;
const O: usize = 4;
const POINTS: usize = I * I;

/// Short whole numbers in a register.
const SHORTS: usize = 32;

/// 32 short whole numbers. As with [`Ints`], only functions that enable AVX-512 may use them, which
/// makes calls of its instructions sound.
#[derive(Clone, Copy)]
struct Shorts(__m512i);

/// 16 whole numbers.
#[derive(Clone, Copy)]
struct Ints(__m512i);

macro_rules! additive {
    ($name:ident, $add:path, $sub:path, $left:path) => {
        impl Additive for $name {
            #[inline(always)]
            fn add(self, other: Self) -> Self {
                // SAFETY: see the type.
                Self(unsafe { $add(self.0, other.0) })
            }

            #[inline(always)]
            fn sub(self, other: Self) -> Self {
                // SAFETY: see the type.
                Self(unsafe { $sub(self.0, other.0) })
            }

            #[inline(always)]
            fn left<const N: i32>(self) -> Self {
                // SAFETY: see the type.
                Self(unsafe { $left(self.0, _mm_cvtsi32_si128(N)) })
            }
        }
    };
}

additive!(Shorts, _mm512_add_epi16, _mm512_sub_epi16, _mm512_sll_epi16);
additive!(Ints, _mm512_add_epi32, _mm512_sub_epi32, _mm512_sll_epi32);

/// Transforms tiles of pictures.
///
/// # Panics
/// Where the level is below AVX-512, or the tiles are not within pictures and result.
pub(super) fn forth(level: Level, of: Forth<'_, Whole, I, O>) {
    assert!(level.runs(Level::Avx512), "{level:?} has no registers of sixteen");
    let Forth { layer, pictures, first, count, into } = of;
    let frame = &layer.frame;
    let (pitch, row) = (frame.pitch, frame.columns * frame.pitch);
    assert!(count * POINTS * pitch <= into.len(), "room for the tiles");
    for (i, into) in into.chunks_exact_mut(POINTS * pitch).take(count).enumerate() {
        let [picture, top, left] = layer.grid.place(first + i);
        let start = picture * frame.len() + top * row + left * pitch;
        let tile = &pictures[start..][..(I - 1) * (row + pitch) + pitch];
        for c in (0..pitch).step_by(SHORTS) {
            let (from, into) = (tile[c..].as_ptr(), into[c..].as_mut_ptr());
            // SAFETY: the level has AVX-512; six pixels of six lines lie in the tile, 36 in the
            // result, and the channels that there are in each.
            unsafe {
                match pitch - c {
                    SHORTS.. => tile_forth::<true>(u32::MAX, from, row, pitch, into),
                    left => tile_forth::<false>(u32::MAX >> (32 - left), from, row, pitch, into),
                }
            }
        }
    }
}

/// # Safety
/// The processor must have AVX-512. The channels that there are, FULL if that is all 32, must be in
/// six pixels of six lines of `from`, `pitch` and `row` apart, and in 36 pixels of `into`.
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn tile_forth<const FULL: bool>(
    here: u32,
    from: *const i16,
    row: usize,
    pitch: usize,
    into: *mut i16,
) {
    let none = Shorts(_mm512_setzero_si512());
    let mut lines = [[none; I]; I];
    // SAFETY: the caller vouches for the pixels.
    unsafe {
        for j in 0..I {
            let mut column = [none; I];
            for (i, value) in column.iter_mut().enumerate() {
                let from = from.add(i * row + j * pitch);
                *value = Shorts(match FULL {
                    true => _mm512_loadu_si512(from.cast()),
                    false => _mm512_maskz_loadu_epi16(here, from),
                });
            }
            let column = whole::input(column);
            for r in 0..I {
                lines[r][j] = column[r];
            }
        }
        for (r, line) in lines.into_iter().enumerate() {
            for (j, value) in whole::input(line).into_iter().enumerate() {
                let into = into.add((r * I + j) * pitch);
                match FULL {
                    true => _mm512_storeu_si512(into.cast(), value.0),
                    false => _mm512_mask_storeu_epi16(into, here, value.0),
                }
            }
        }
    }
}

/// Transforms sums back, and finishes them.
///
/// # Panics
/// Where the tiles are not of 4x4 outputs, or not within sums, residual and result.
pub(super) fn back(part: Part<'_, i32>, of: &mut Sixteen<'_>) {
    assert_eq!(part.grid.outputs, O, "tiles of another size");
    assert!(part.count * POINTS * of.pitch() <= part.sums.len(), "the sums end before");
    let pictures = (part.first + part.count).div_ceil(part.grid.len());
    of.check_pixels(pictures * part.grid.size[0] * part.grid.size[1]);
    // SAFETY: the extents were just checked, and there is no `Sixteen` without AVX-512.
    unsafe {
        match (of.has_residual(), of.rectified, of.shifted) {
            (false, [false, false], false) => all::<Known<false, false, false, false>>(part, of),
            (false, [false, false], true) => all::<Known<false, false, false, true>>(part, of),
            (false, ..) => all::<Known<false, true, true, true>>(part, of),
            (true, [false, false], false) => all::<Known<true, false, false, false>>(part, of),
            (true, [false, false], true) => all::<Known<true, false, false, true>>(part, of),
            (true, ..) => all::<Known<true, true, true, true>>(part, of),
        }
    }
}

/// # Safety
/// The processor must have AVX-512, the checks of [`back`] must have passed, and F say what
/// there is; rectifiers that change nothing may be among it.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn all<F: Following>(part: Part<'_, i32>, of: &mut Sixteen<'_>) {
    let Part { grid, sums, first, count } = part;
    let pitch = of.pitch();
    let [height, width] = grid.size;
    let (residual, y) = of.places();
    let inverse = _mm512_set1_epi32(whole::INVERSE);
    for channel in (0..pitch).step_by(COLUMNS) {
        let hand = Hand::of(of.factors(), channel);
        for i in 0..count {
            let [picture, top, left] = grid.place(first + i);
            let from = sums[i * POINTS * pitch + channel..].as_ptr();
            let none = Ints(_mm512_setzero_si512());
            let mut lines = [[none; I]; O];
            for j in 0..I {
                let mut column = [none; I];
                for (r, value) in column.iter_mut().enumerate() {
                    // SAFETY: the caller vouches for the sums of the channels that there are.
                    *value = Ints(unsafe {
                        _mm512_maskz_loadu_epi32(hand.here, from.add((r * I + j) * pitch))
                    });
                }
                let column = whole::output(column);
                for r in 0..O {
                    lines[r][j] = column[r];
                }
            }
            for (r, line) in lines.into_iter().take(height - top).enumerate() {
                let [a, b, c, d] = whole::output(line);
                let settle = |Ints(sum)| _mm512_srai_epi32::<6>(_mm512_mullo_epi32(sum, inverse));
                let line = [settle(a), settle(b), settle(c), settle(d)];
                let at = ((picture * height + top + r) * width + left) * pitch + channel;
                // SAFETY: the caller vouches for the pixels and the channels that there are.
                unsafe {
                    match width - left {
                        O.. if hand.here == ALL => {
                            hand.four_of::<F, true>(line, residual.wrapping_add(at), y.add(at));
                        }
                        O.. => hand.four_of::<F, false>(line, residual.wrapping_add(at), y.add(at)),
                        left => {
                            for (j, &sum) in line.iter().take(left).enumerate() {
                                let at = at + j * pitch;
                                hand.one_of::<F>(sum, residual.wrapping_add(at), y.add(at));
                            }
                        }
                    }
                }
            }
        }
    }
}
