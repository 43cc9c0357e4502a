//! The inner loops for AArch64's dot products of bytes.
//!
//! One instruction multiplies 16 pairs of bytes and adds them by fours: four columns, four values
//! each. A tile of 6 rows by 16 columns keeps 24 accumulators in registers, of 32. The instruction
//! stands in assembly, since stable Rust has no name for it.

use core::arch::aarch64::*;
use core::arch::asm;

use super::tile::{Product, Tiles, by_rows};

pub(super) static TILES: Tiles<i8, i32> = Tiles { wide: bytes::<4>, narrow: bytes::<2> };

#[target_feature(enable = "neon,dotprod")]
unsafe fn bytes<const V: usize>(p: &mut Product<'_, i8, i32>) {
    by_rows!(p, block, V);
}

/// `sum + x * y`, four products to a lane.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn dot(mut sum: int32x4_t, x: int8x16_t, y: int8x16_t) -> int32x4_t {
    // SAFETY: the instruction changes its target and nothing else, and the function enables it.
    unsafe {
        asm!(
            "sdot {sum:v}.4s, {x:v}.16b, {y:v}.16b",
            sum = inout(vreg) sum, x = in(vreg) x, y = in(vreg) y,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sum
}

/// # Safety
/// Rows `first..first + M` of `p` must exist, and its extents must lie within its slices.
#[inline]
#[target_feature(enable = "neon,dotprod")]
unsafe fn block<const M: usize, const V: usize>(p: &mut Product<'_, i8, i32>, first: usize) {
    let mut sum = [[vdupq_n_s32(0); V]; M];
    let mut weight = p.weight.as_ptr();
    let source = p.source.as_ptr();
    // SAFETY: the caller vouches for the rows, for `4 steps` values behind each run of each, for
    // `16 V` weights a step, and for `4 V` sums a row, `pitch` apart.
    unsafe {
        for &run in p.runs {
            let mut at = [source; M];
            for m in 0..M {
                at[m] = source.add(*p.rows.starts().get_unchecked(first + m) + run);
            }
            for k in 0..p.steps {
                let mut w = [vdupq_n_s8(0); V];
                for v in 0..V {
                    w[v] = vld1q_s8(weight.add(16 * v));
                }
                weight = weight.add(16 * V);
                for m in 0..M {
                    let four = at[m].add(4 * k).cast::<u32>().read_unaligned();
                    let x = vreinterpretq_s8_u32(vdupq_n_u32(four));
                    for v in 0..V {
                        sum[m][v] = dot(sum[m][v], x, w[v]);
                    }
                }
            }
        }
        let into = p.into.as_mut_ptr().add(first * p.pitch);
        for (m, sum) in sum.iter().enumerate() {
            for (v, sum) in sum.iter().enumerate() {
                vst1q_s32(into.add(m * p.pitch + 4 * v), *sum);
            }
        }
    }
}
