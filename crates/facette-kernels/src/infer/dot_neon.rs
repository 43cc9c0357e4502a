//! Bytes by bytes with NEON's dot products: a row's four bytes, in every lane, by four weights of each
//! column.
//!
//! One instruction multiplies 16 pairs of signed bytes and adds them by fours. Flipping the first bit
//! of a row's bytes takes 128 off each and makes them signed. The instruction stands in assembly,
//! since stable Rust has no name for it.

use core::arch::aarch64::*;
use core::arch::asm;

use super::dot::{COLUMNS, Dot, SUMS, TILES};

/// Most rows of a register tile: with 16 columns it keeps 24 accumulators, of 32 registers.
const ROWS: usize = 6;

/// Registers of a panel.
const V: usize = COLUMNS / 4;

/// # Safety
/// [`Dot::check`] must pass.
#[target_feature(enable = "neon,dotprod")]
pub(super) unsafe fn dot(p: &mut Dot<'_>) {
    for panel in 0..p.panels() {
        for tile in 0..p.tiles.len() {
            for first in (0..p.tiles[tile].count).step_by(ROWS) {
                // SAFETY: the caller vouches for the extents.
                unsafe {
                    match p.tiles[tile].count - first {
                        1 => block::<1>(p, panel, tile, first),
                        2 => block::<2>(p, panel, tile, first),
                        3 => block::<3>(p, panel, tile, first),
                        4 => block::<4>(p, panel, tile, first),
                        5 => block::<5>(p, panel, tile, first),
                        _ => block::<ROWS>(p, panel, tile, first),
                    }
                }
            }
        }
    }
}

/// `sum + x * y`, four products to a lane.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn multiply_add(mut sum: int32x4_t, x: int8x16_t, y: int8x16_t) -> int32x4_t {
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
/// As above, with M rows from `first` on.
#[inline]
#[target_feature(enable = "neon,dotprod")]
unsafe fn block<const M: usize>(p: &mut Dot<'_>, panel: usize, tile: usize, first: usize) {
    let mut sum = [[vdupq_n_s32(0); V]; M];
    let start = p.starts[panel * COLUMNS..].as_ptr();
    let mut weight = p.weight[panel * p.panel()..].as_ptr();
    let row = p.source[p.tiles[tile].start + first * p.stride..].as_ptr();
    // SAFETY: the caller vouches for the starts and the weights of the panel, for the rows, and for
    // as many sums.
    unsafe {
        for sum in &mut sum {
            for v in 0..V {
                sum[v] = vld1q_s32(start.add(4 * v));
            }
        }
        for &run in p.runs {
            for k in (0..p.used).step_by(4) {
                let mut w = [vdupq_n_s8(0); V];
                for v in 0..V {
                    w[v] = vld1q_s8(weight.add(k * COLUMNS + 16 * v));
                }
                for m in 0..M {
                    let four = row.add(run + m * p.stride + k).cast::<u32>().read_unaligned();
                    let x = vreinterpretq_s8_u32(vdupq_n_u32(four ^ 0x8080_8080));
                    for v in 0..V {
                        sum[m][v] = multiply_add(sum[m][v], x, w[v]);
                    }
                }
            }
            weight = weight.add(p.run * COLUMNS);
        }
        let into = p.into[(panel * TILES + tile) * SUMS + first * COLUMNS..].as_mut_ptr();
        for (m, sum) in sum.iter().enumerate() {
            for (v, sum) in sum.iter().enumerate() {
                vst1q_s32(into.add(m * COLUMNS + 4 * v), *sum);
            }
        }
    }
}
