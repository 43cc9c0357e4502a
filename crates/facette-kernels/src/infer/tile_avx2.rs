//! The inner loops for AVX2 with FMA.
//!
//! A tile of 6 rows by 16 columns keeps 12 accumulators in registers. In whole numbers one
//! instruction multiplies 16 pairs and adds neighbours, exactly, since neither factor is -32768;
//! with AVX-VNNI it adds them to the sum as well.

use core::arch::x86_64::*;

use super::tile::{Product, Table, Tiles, by_rows};

pub(super) static TABLE: Table = Table {
    fused: Tiles { wide: float::<true, 2>, narrow: float::<true, 1> },
    exact: Tiles { wide: float::<false, 2>, narrow: float::<false, 1> },
    whole: Tiles { wide: whole::<2>, narrow: whole::<1> },
};

pub(super) static VNNI: Table = Table {
    fused: Tiles { wide: float::<true, 2>, narrow: float::<true, 1> },
    exact: Tiles { wide: float::<false, 2>, narrow: float::<false, 1> },
    whole: Tiles { wide: vnni::<2>, narrow: vnni::<1> },
};

/// How many bytes further on to fetch weights from: the next panel of small ones, which follows,
/// and the next lines of one that the first-level cache would not hold beside it.
#[inline(always)]
fn ahead(panel: usize) -> usize {
    if panel <= 8 << 10 { panel } else { 1 << 10 }
}

#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn float<const FUSED: bool, const V: usize>(p: &mut Product<'_, f32, f32>) {
    by_rows!(p, float_block, FUSED, V);
}

/// # Safety
/// Rows `first..first + M` of `p` must exist, and its extents must lie within its slices.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn float_block<const M: usize, const FUSED: bool, const V: usize>(
    p: &mut Product<'_, f32, f32>,
    first: usize,
) {
    let mut sum = [[_mm256_setzero_ps(); V]; M];
    let mut weight = p.weight.as_ptr();
    let source = p.source.as_ptr();
    // SAFETY: the caller vouches for the rows, for `steps` values behind each run of each, for
    // `8 V` weights a step, and for as many sums `pitch` apart.
    unsafe {
        let rows: [*const f32; M] =
            core::array::from_fn(|m| source.add(*p.rows.starts().get_unchecked(first + m)));
        let ahead = ahead(p.runs.len() * p.steps * 8 * V * size_of::<f32>());
        for &run in p.runs {
            let at: [*const f32; M] = core::array::from_fn(|m| rows[m].add(run));
            for k in 0..p.steps {
                _mm_prefetch::<_MM_HINT_T0>(weight.cast::<i8>().wrapping_add(ahead));
                let w: [__m256; V] = core::array::from_fn(|v| _mm256_loadu_ps(weight.add(8 * v)));
                weight = weight.add(8 * V);
                for m in 0..M {
                    let x = _mm256_broadcast_ss(&*at[m].add(k));
                    for v in 0..V {
                        sum[m][v] = match FUSED {
                            true => _mm256_fmadd_ps(x, w[v], sum[m][v]),
                            false => _mm256_add_ps(sum[m][v], _mm256_mul_ps(x, w[v])),
                        };
                    }
                }
            }
        }
        let into = p.into.as_mut_ptr().add(first * p.pitch);
        for (m, sum) in sum.iter().enumerate() {
            for (v, sum) in sum.iter().enumerate() {
                _mm256_storeu_ps(into.add(m * p.pitch + 8 * v), *sum);
            }
        }
    }
}

/// Defines the loops in whole numbers, with `$multiply_add(sum, x, w)` for a step.
macro_rules! whole {
    ($name:ident, $block:ident, $features:literal, $multiply_add:path) => {
        #[target_feature(enable = $features)]
        pub(super) unsafe fn $name<const V: usize>(p: &mut Product<'_, i16, i32>) {
            by_rows!(p, $block, V);
        }

        /// # Safety
        /// As [`float_block`], with two values and two weights a step.
        #[inline]
        #[target_feature(enable = $features)]
        unsafe fn $block<const M: usize, const V: usize>(
            p: &mut Product<'_, i16, i32>,
            first: usize,
        ) {
            let mut sum = [[_mm256_setzero_si256(); V]; M];
            let mut weight = p.weight.as_ptr();
            let source = p.source.as_ptr();
            // SAFETY: the caller vouches for the rows, for `2 steps` values behind each run of each, for
            // `16 V` weights a step, and for `8 V` sums a row, `pitch` apart.
            unsafe {
                let rows: [*const i16; M] =
                    core::array::from_fn(|m| source.add(*p.rows.starts().get_unchecked(first + m)));
                let ahead = ahead(p.runs.len() * p.steps * 16 * V * size_of::<i16>());
                for &run in p.runs {
                    let at: [*const i16; M] = core::array::from_fn(|m| rows[m].add(run));
                    for k in 0..p.steps {
                        _mm_prefetch::<_MM_HINT_T0>(weight.cast::<i8>().wrapping_add(ahead));
                        let w: [__m256i; V] =
                            core::array::from_fn(|v| _mm256_loadu_si256(weight.add(16 * v).cast()));
                        weight = weight.add(16 * V);
                        for m in 0..M {
                            let pair = at[m].add(2 * k).cast::<i32>().read_unaligned();
                            let x = _mm256_set1_epi32(pair);
                            for v in 0..V {
                                sum[m][v] = $multiply_add(sum[m][v], x, w[v]);
                            }
                        }
                    }
                }
                let into = p.into.as_mut_ptr().add(first * p.pitch);
                for (m, sum) in sum.iter().enumerate() {
                    for (v, sum) in sum.iter().enumerate() {
                        _mm256_storeu_si256(into.add(m * p.pitch + 8 * v).cast(), *sum);
                    }
                }
            }
        }
    };
}

#[inline]
#[target_feature(enable = "avx2")]
fn multiply_add(sum: __m256i, x: __m256i, w: __m256i) -> __m256i {
    _mm256_add_epi32(sum, _mm256_madd_epi16(x, w))
}

whole!(whole, whole_block, "avx2,fma", multiply_add);
whole!(vnni, vnni_block, "avx2,fma,avxvnni", _mm256_dpwssd_avx_epi32);
