//! The inner loops for NEON.
//!
//! A tile of 6 rows by 16 columns keeps 24 accumulators in registers, of 32. In whole numbers the
//! pairs of the weights are taken apart as they are loaded, so that one instruction multiplies four
//! columns by one value and adds the products, exactly, to sums twice as wide.

use core::arch::aarch64::*;

use super::tile::{Product, Table, Tiles, by_rows};

pub(super) static TABLE: Table = Table {
    fused: Tiles { wide: float::<true, 4>, narrow: float::<true, 2> },
    exact: Tiles { wide: float::<false, 4>, narrow: float::<false, 2> },
    whole: Tiles { wide: whole::<2>, narrow: whole::<1> },
};

#[target_feature(enable = "neon")]
unsafe fn float<const FUSED: bool, const V: usize>(p: &mut Product<'_, f32, f32>) {
    by_rows!(p, float_block, FUSED, V);
}

#[target_feature(enable = "neon")]
unsafe fn whole<const V: usize>(p: &mut Product<'_, i16, i32>) {
    by_rows!(p, whole_block, V);
}

/// # Safety
/// Rows `first..first + M` of `p` must exist, and its extents must lie within its slices.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn float_block<const M: usize, const FUSED: bool, const V: usize>(
    p: &mut Product<'_, f32, f32>,
    first: usize,
) {
    let mut sum = [[vdupq_n_f32(0.0); V]; M];
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
                let mut w = [vdupq_n_f32(0.0); V];
                for v in 0..V {
                    w[v] = vld1q_f32(weight.add(4 * v));
                }
                weight = weight.add(4 * V);
                for m in 0..M {
                    let x = vld1q_dup_f32(at[m].add(k));
                    for v in 0..V {
                        sum[m][v] = match FUSED {
                            true => vfmaq_f32(sum[m][v], x, w[v]),
                            false => vaddq_f32(sum[m][v], vmulq_f32(x, w[v])),
                        };
                    }
                }
            }
        }
        let into = p.into.as_mut_ptr().add(first * p.pitch);
        for (m, sum) in sum.iter().enumerate() {
            for (v, sum) in sum.iter().enumerate() {
                vst1q_f32(into.add(m * p.pitch + 4 * v), *sum);
            }
        }
    }
}

/// # Safety
/// As [`float_block`], with two values and two weights a step, and `8 V` columns.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn whole_block<const M: usize, const V: usize>(p: &mut Product<'_, i16, i32>, first: usize) {
    let mut sum = [[[vdupq_n_s32(0); 2]; V]; M];
    let mut weight = p.weight.as_ptr();
    let source = p.source.as_ptr();
    // SAFETY: the caller vouches for the rows, for `2 steps` values behind each run of each, for
    // `16 V` weights a step, and for `8 V` sums a row, `pitch` apart.
    unsafe {
        for &run in p.runs {
            let mut at = [source; M];
            for m in 0..M {
                at[m] = source.add(*p.rows.starts().get_unchecked(first + m) + run);
            }
            for k in 0..p.steps {
                // Of eight columns the first weights, and the second ones.
                let mut w = [int16x8x2_t(vdupq_n_s16(0), vdupq_n_s16(0)); V];
                for v in 0..V {
                    w[v] = vld2q_s16(weight.add(16 * v));
                }
                weight = weight.add(16 * V);
                for m in 0..M {
                    let pair = at[m].add(2 * k).cast::<u32>().read_unaligned();
                    let x = vreinterpret_s16_u32(vdup_n_u32(pair));
                    for v in 0..V {
                        let int16x8x2_t(even, odd) = w[v];
                        let [low, high] = sum[m][v];
                        let low = vmlal_lane_s16::<0>(low, vget_low_s16(even), x);
                        let high = vmlal_high_lane_s16::<0>(high, even, x);
                        let low = vmlal_lane_s16::<1>(low, vget_low_s16(odd), x);
                        let high = vmlal_high_lane_s16::<1>(high, odd, x);
                        sum[m][v] = [low, high];
                    }
                }
            }
        }
        let into = p.into.as_mut_ptr().add(first * p.pitch);
        for (m, sum) in sum.iter().enumerate() {
            for (v, [low, high]) in sum.iter().enumerate() {
                vst1q_s32(into.add(m * p.pitch + 8 * v), *low);
                vst1q_s32(into.add(m * p.pitch + 8 * v + 4), *high);
            }
        }
    }
}
