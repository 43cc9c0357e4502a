//! The inner loops for WebAssembly's vectors.
//!
//! Engines keep them in the 16 registers of SSE or the 32 of NEON: a tile of 2 rows by 16 columns
//! has 8 accumulators and fits either. There is no fused multiply-add that all engines compute alike,
//! so both float arithmetics are one. In whole numbers one instruction multiplies 8 pairs and adds
//! neighbours, exactly, since neither factor is -32768.

use core::arch::wasm32::*;

use super::tile::{Product, Table, Tiles};

/// Rows of a tile.
const ROWS: usize = 2;

pub(super) static TABLE: Table = Table {
    fused: Tiles { wide: float::<4>, narrow: float::<2> },
    exact: Tiles { wide: float::<4>, narrow: float::<2> },
    whole: Tiles { wide: whole::<4>, narrow: whole::<2> },
};

unsafe fn float<const V: usize>(p: &mut Product<'_, f32, f32>) {
    for first in (0..p.rows.starts().len()).step_by(ROWS) {
        // SAFETY: the caller vouches for the extents of all rows.
        unsafe {
            match p.rows.starts().len() - first {
                1 => float_block::<1, V>(p, first),
                _ => float_block::<ROWS, V>(p, first),
            }
        }
    }
}

unsafe fn whole<const V: usize>(p: &mut Product<'_, i16, i32>) {
    for first in (0..p.rows.starts().len()).step_by(ROWS) {
        // SAFETY: as above.
        unsafe {
            match p.rows.starts().len() - first {
                1 => whole_block::<1, V>(p, first),
                _ => whole_block::<ROWS, V>(p, first),
            }
        }
    }
}

/// # Safety
/// Rows `first..first + M` of `p` must exist, and its extents must lie within its slices.
#[inline(always)]
unsafe fn float_block<const M: usize, const V: usize>(p: &mut Product<'_, f32, f32>, first: usize) {
    let mut sum = [[f32x4_splat(0.0); V]; M];
    let mut weight = p.weight.as_ptr();
    let source = p.source.as_ptr();
    // SAFETY: the caller vouches for the rows, for `steps` values behind each run of each, for
    // `4 V` weights a step, and for as many sums `pitch` apart.
    unsafe {
        for &run in p.runs {
            let mut at = [source; M];
            for m in 0..M {
                at[m] = source.add(*p.rows.starts().get_unchecked(first + m) + run);
            }
            for k in 0..p.steps {
                for v in 0..V {
                    let w = v128_load(weight.add(4 * v).cast());
                    for m in 0..M {
                        let x = v128_load32_splat(at[m].add(k).cast());
                        sum[m][v] = f32x4_add(sum[m][v], f32x4_mul(x, w));
                    }
                }
                weight = weight.add(4 * V);
            }
        }
        let into = p.into.as_mut_ptr().add(first * p.pitch);
        for (m, sum) in sum.iter().enumerate() {
            for (v, sum) in sum.iter().enumerate() {
                v128_store(into.add(m * p.pitch + 4 * v).cast(), *sum);
            }
        }
    }
}

/// # Safety
/// As [`float_block`], with two values and two weights a step.
#[inline(always)]
unsafe fn whole_block<const M: usize, const V: usize>(p: &mut Product<'_, i16, i32>, first: usize) {
    let mut sum = [[i32x4_splat(0); V]; M];
    let mut weight = p.weight.as_ptr();
    let source = p.source.as_ptr();
    // SAFETY: the caller vouches for the rows, for `2 steps` values behind each run of each, for
    // `8 V` weights a step, and for `4 V` sums a row, `pitch` apart.
    unsafe {
        for &run in p.runs {
            let mut at = [source; M];
            for m in 0..M {
                at[m] = source.add(*p.rows.starts().get_unchecked(first + m) + run);
            }
            for k in 0..p.steps {
                for v in 0..V {
                    let w = v128_load(weight.add(8 * v).cast());
                    for m in 0..M {
                        let x = v128_load32_splat(at[m].add(2 * k).cast());
                        sum[m][v] = i32x4_add(sum[m][v], i32x4_dot_i16x8(x, w));
                    }
                }
                weight = weight.add(8 * V);
            }
        }
        let into = p.into.as_mut_ptr().add(first * p.pitch);
        for (m, sum) in sum.iter().enumerate() {
            for (v, sum) in sum.iter().enumerate() {
                v128_store(into.add(m * p.pitch + 4 * v).cast(), *sum);
            }
        }
    }
}
