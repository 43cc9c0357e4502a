//! The inner loops for SSE2, which every x86-64 processor has.
//!
//! A tile of 2 rows by 16 columns, or 4 by 8, keeps 8 sums in the 16 registers. Left to itself the
//! compiler does not find the instruction that multiplies 8 pairs and adds neighbours, and keeps
//! fewer sums in registers. There is no fused multiply-add.

use std::arch::x86_64::*;

use super::tile::{Product, Table, Tiles};

pub(super) static TABLE: Table = Table {
    fused: Tiles { wide: float::<2, 4>, narrow: float::<4, 2> },
    exact: Tiles { wide: float::<2, 4>, narrow: float::<4, 2> },
    whole: Tiles { wide: whole::<2, 4>, narrow: whole::<4, 2> },
};

/// Calls `$block::<M, V>` for every group of M rows, and for what is left row by row.
macro_rules! by_rows {
    ($p:ident, $block:ident) => {
        let rows = $p.rows.starts().len();
        // SAFETY: the caller vouches for the extents of all rows.
        unsafe {
            for first in (0..rows / M).map(|group| group * M) {
                $block::<M, V>($p, first);
            }
            for row in rows / M * M..rows {
                $block::<1, V>($p, row);
            }
        }
    };
}

#[target_feature(enable = "sse2")]
unsafe fn float<const M: usize, const V: usize>(p: &mut Product<'_, f32, f32>) {
    by_rows!(p, float_block);
}

#[target_feature(enable = "sse2")]
unsafe fn whole<const M: usize, const V: usize>(p: &mut Product<'_, i16, i32>) {
    by_rows!(p, whole_block);
}

/// # Safety
/// Rows `first..first + M` of `p` must exist, and its extents must lie within its slices.
#[inline]
#[target_feature(enable = "sse2")]
unsafe fn float_block<const M: usize, const V: usize>(p: &mut Product<'_, f32, f32>, first: usize) {
    let mut sum = [[_mm_setzero_ps(); V]; M];
    let mut weight = p.weight.as_ptr();
    let starts = &p.rows.starts()[first..first + M];
    for &run in p.runs {
        let mut at = [p.source.as_ptr(); M];
        for (at, row) in at.iter_mut().zip(starts) {
            *at = at.wrapping_add(row + run);
        }
        for k in 0..p.steps {
            // SAFETY: the caller vouches for `4 V` weights a step, and for `steps` values behind
            // each run of each row.
            unsafe {
                let mut w = [_mm_setzero_ps(); V];
                for (v, w) in w.iter_mut().enumerate() {
                    *w = _mm_loadu_ps(weight.add(4 * v));
                }
                weight = weight.add(4 * V);
                for m in 0..M {
                    let x = _mm_set1_ps(*at[m].add(k));
                    for v in 0..V {
                        sum[m][v] = _mm_add_ps(sum[m][v], _mm_mul_ps(x, w[v]));
                    }
                }
            }
        }
    }
    for (m, sum) in sum.iter().enumerate() {
        for (v, sum) in sum.iter().enumerate() {
            // SAFETY: the caller vouches for `4 V` sums a row, `pitch` apart.
            unsafe {
                _mm_storeu_ps(p.into.as_mut_ptr().add((first + m) * p.pitch + 4 * v), *sum);
            }
        }
    }
}

/// # Safety
/// As [`float_block`], with two values and two weights a step.
#[inline]
#[target_feature(enable = "sse2")]
unsafe fn whole_block<const M: usize, const V: usize>(p: &mut Product<'_, i16, i32>, first: usize) {
    let mut sum = [[_mm_setzero_si128(); V]; M];
    let mut weight = p.weight.as_ptr();
    let starts = &p.rows.starts()[first..first + M];
    for &run in p.runs {
        let mut at = [p.source.as_ptr(); M];
        for (at, row) in at.iter_mut().zip(starts) {
            *at = at.wrapping_add(row + run);
        }
        for k in 0..p.steps {
            // SAFETY: the caller vouches for `8 V` weights a step, and for `2 steps` values behind
            // each run of each row.
            unsafe {
                let mut w = [_mm_setzero_si128(); V];
                for (v, w) in w.iter_mut().enumerate() {
                    *w = _mm_loadu_si128(weight.add(8 * v).cast());
                }
                weight = weight.add(8 * V);
                for m in 0..M {
                    let pair = at[m].add(2 * k).cast::<i32>().read_unaligned();
                    let x = _mm_set1_epi32(pair);
                    for v in 0..V {
                        sum[m][v] = _mm_add_epi32(sum[m][v], _mm_madd_epi16(x, w[v]));
                    }
                }
            }
        }
    }
    for (m, sum) in sum.iter().enumerate() {
        for (v, sum) in sum.iter().enumerate() {
            // SAFETY: the caller vouches for `4 V` sums a row, `pitch` apart.
            unsafe {
                let into = p.into.as_mut_ptr().add((first + m) * p.pitch + 4 * v);
                _mm_storeu_si128(into.cast(), *sum);
            }
        }
    }
}
