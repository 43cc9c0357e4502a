//! The inner loops for SSE2, which every x86-64 processor has.
//!
//! In whole numbers one instruction multiplies 8 pairs and adds neighbours, which the compiler does not
//! find by itself; a tile of 2 rows by 16 columns, or 4 by 8, keeps 8 sums in the 16 registers. In
//! floats the compiler makes as much of the specification as can be made by hand.

use core::arch::x86_64::*;

use super::tile::{self, Product, Table, Tiles};

pub(super) static TABLE: Table = Table {
    fused: Tiles { wide: tile::float::<16>, narrow: tile::float::<8> },
    exact: Tiles { wide: tile::float::<16>, narrow: tile::float::<8> },
    whole: Tiles { wide: whole::<2, 4>, narrow: whole::<4, 2> },
};

#[target_feature(enable = "sse2")]
unsafe fn whole<const M: usize, const V: usize>(p: &mut Product<'_, i16, i32>) {
    let rows = p.rows.starts().len();
    // SAFETY: the caller vouches for the extents of all rows.
    unsafe {
        for group in 0..rows / M {
            whole_block::<M, V>(p, group * M);
        }
        for row in rows / M * M..rows {
            whole_block::<1, V>(p, row);
        }
    }
}

/// # Safety
/// Rows `first..first + M` of `p` must exist, and its extents must lie within its slices.
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
