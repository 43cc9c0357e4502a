//! The inner loops for AVX-512.
//!
//! The 16 columns of a wide panel are one register, and a tile of 12 rows keeps 12 sums. In whole
//! numbers VNNI multiplies 32 pairs and adds neighbours to the sum at once; without it that takes two
//! instructions. Narrow panels, at most one a layer, are left to AVX2, but with VNNI they have half a
//! register and as many rows.

use core::arch::x86_64::*;

use super::tile::{Product, Table, Tiles};
use super::tile_avx2;

pub(super) static TABLE: Table = Table {
    fused: Tiles { wide: float::<true>, narrow: tile_avx2::float::<true, 1> },
    exact: Tiles { wide: float::<false>, narrow: tile_avx2::float::<false, 1> },
    whole: Tiles { wide: whole, narrow: tile_avx2::whole::<1> },
};

pub(super) static VNNI: Table = Table {
    fused: Tiles { wide: float::<true>, narrow: tile_avx2::float::<true, 1> },
    exact: Tiles { wide: float::<false>, narrow: tile_avx2::float::<false, 1> },
    whole: Tiles { wide: vnni, narrow: narrow_vnni },
};

/// Most rows of a register tile.
const ROWS: usize = 12;

/// Calls `$block::<M>` for every group of at most [`ROWS`] rows from `$from` on, `$few::<M>` for one
/// or two.
macro_rules! by_rows {
    ($p:ident, $from:expr, $few:ident, $block:ident $(, $parameter:tt)*) => {
        for first in ($from..$p.rows.starts().len()).step_by(ROWS) {
            // SAFETY: the caller vouches for the extents of all rows.
            unsafe {
                match $p.rows.starts().len() - first {
                    1 => $few::<1 $(, $parameter)*>($p, first),
                    2 => $few::<2 $(, $parameter)*>($p, first),
                    3 => $block::<3 $(, $parameter)*>($p, first),
                    4 => $block::<4 $(, $parameter)*>($p, first),
                    5 => $block::<5 $(, $parameter)*>($p, first),
                    6 => $block::<6 $(, $parameter)*>($p, first),
                    7 => $block::<7 $(, $parameter)*>($p, first),
                    8 => $block::<8 $(, $parameter)*>($p, first),
                    9 => $block::<9 $(, $parameter)*>($p, first),
                    10 => $block::<10 $(, $parameter)*>($p, first),
                    11 => $block::<11 $(, $parameter)*>($p, first),
                    _ => $block::<12 $(, $parameter)*>($p, first),
                }
            }
        }
    };
}

#[target_feature(enable = "avx512f")]
unsafe fn float<const FUSED: bool>(p: &mut Product<'_, f32, f32>) {
    by_rows!(p, 0, float_block, float_block, FUSED);
}

/// Where this run of M rows from `first` on starts.
#[inline(always)]
fn rows_at<const M: usize, X, S>(p: &Product<'_, X, S>, first: usize, run: usize) -> [*const X; M] {
    let mut at = [p.source.as_ptr(); M];
    for (at, row) in at.iter_mut().zip(&p.rows.starts()[first..first + M]) {
        *at = at.wrapping_add(row + run);
    }
    at
}

/// # Safety
/// Rows `first..first + M` of `p` must exist, and its extents must lie within its slices.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn float_block<const M: usize, const FUSED: bool>(
    p: &mut Product<'_, f32, f32>,
    first: usize,
) {
    let mut sum = [_mm512_setzero_ps(); M];
    let mut weight = p.weight.as_ptr();
    for &run in p.runs {
        let at = rows_at::<M, _, _>(p, first, run);
        for k in 0..p.steps {
            // SAFETY: the caller vouches for 16 weights a step, and for `steps` values behind each
            // run of each row.
            unsafe {
                let w = _mm512_loadu_ps(weight);
                weight = weight.add(16);
                for m in 0..M {
                    let x = _mm512_set1_ps(*at[m].add(k));
                    sum[m] = match FUSED {
                        true => _mm512_fmadd_ps(x, w, sum[m]),
                        false => _mm512_add_ps(sum[m], _mm512_mul_ps(x, w)),
                    };
                }
            }
        }
    }
    for (m, sum) in sum.into_iter().enumerate() {
        // SAFETY: the caller vouches for 16 sums a row, `pitch` apart.
        unsafe { _mm512_storeu_ps(p.into.as_mut_ptr().add((first + m) * p.pitch), sum) };
    }
}

/// Most steps of a short run, and of all such runs together.
const SHORT: usize = 8;
const PLACES: usize = 32;

/// Defines the loops in whole numbers by panels of `$columns`, which one register holds, with
/// `$multiply_add(sum, x, w)` for a step.
macro_rules! whole {
    ($name:ident, $few:ident, $short:ident, $block:ident, $write:ident, $features:literal,
     $columns:literal, $register:ty, $zero:path,
     $all:path, $load:path, $store:path, $add:path, $multiply_add:path) => {
        #[target_feature(enable = $features)]
        unsafe fn $name(p: &mut Product<'_, i16, i32>) {
            let mut done = 0;
            if p.steps <= SHORT && p.runs.len() * p.steps <= PLACES {
                // Short runs are gone through as if they were one.
                let mut places = [0; PLACES];
                let steps = p.runs.iter().flat_map(|run| (0..p.steps).map(move |k| run + 2 * k));
                places.iter_mut().zip(steps).for_each(|(place, step)| *place = step);
                let places = &places[..p.runs.len() * p.steps];
                while p.rows.starts().len() - done >= ROWS {
                    // SAFETY: the caller vouches for the extents of all rows.
                    unsafe { $short::<ROWS>(p, places, done) };
                    done += ROWS;
                }
            }
            by_rows!(p, done, $few, $block);
        }

        /// # Safety
        /// There must be room for a sum a column and row from `first` on, `pitch` apart.
        #[inline]
        #[target_feature(enable = $features)]
        unsafe fn $write<const M: usize>(
            p: &mut Product<'_, i16, i32>,
            first: usize,
            sum: [$register; M],
        ) {
            for (m, sum) in sum.into_iter().enumerate() {
                // SAFETY: the caller vouches for it.
                unsafe { $store(p.into.as_mut_ptr().add((first + m) * p.pitch).cast(), sum) };
            }
        }

        /// Rows of which each step is at one of these places.
        ///
        /// # Safety
        /// As [`float_block`], with two values and two weights a step.
        #[inline]
        #[target_feature(enable = $features)]
        unsafe fn $short<const M: usize>(
            p: &mut Product<'_, i16, i32>,
            places: &[usize],
            first: usize,
        ) {
            let mut sum = [$zero(); M];
            let at = rows_at::<M, _, _>(p, first, 0);
            let mut weight = p.weight.as_ptr();
            for &place in places {
                // SAFETY: the caller vouches for two weights a column and step, and for two values at
                // each step of each row.
                unsafe {
                    let w = $load(weight.cast());
                    weight = weight.add(2 * $columns);
                    for m in 0..M {
                        let pair = at[m].add(place).cast::<i32>().read_unaligned();
                        sum[m] = $multiply_add(sum[m], $all(pair), w);
                    }
                }
            }
            // SAFETY: the caller vouches for a sum a column and row, `pitch` apart.
            unsafe { $write(p, first, sum) };
        }

        /// Each row has four sums, which do not wait for each other.
        ///
        /// # Safety
        /// As [`float_block`], with two values and two weights a step.
        #[inline]
        #[target_feature(enable = $features)]
        unsafe fn $few<const M: usize>(p: &mut Product<'_, i16, i32>, first: usize) {
            const SUMS: usize = 4;
            let mut sum = [[$zero(); SUMS]; M];
            let mut weight = p.weight.as_ptr();
            for &run in p.runs {
                let at = rows_at::<M, _, _>(p, first, run);
                let together = p.steps / SUMS * SUMS;
                // SAFETY: the caller vouches for two weights a column and step, and for `2 steps`
                // values behind each run of each row.
                unsafe {
                    for k in (0..together).step_by(SUMS) {
                        for n in 0..SUMS {
                            let w = $load(weight.add(2 * $columns * n).cast());
                            for m in 0..M {
                                let pair = at[m].add(2 * (k + n)).cast::<i32>().read_unaligned();
                                sum[m][n] = $multiply_add(sum[m][n], $all(pair), w);
                            }
                        }
                        weight = weight.add(2 * $columns * SUMS);
                    }
                    for k in together..p.steps {
                        let w = $load(weight.cast());
                        for m in 0..M {
                            let pair = at[m].add(2 * k).cast::<i32>().read_unaligned();
                            sum[m][0] = $multiply_add(sum[m][0], $all(pair), w);
                        }
                        weight = weight.add(2 * $columns);
                    }
                }
            }
            let mut all = [$zero(); M];
            for m in 0..M {
                let [a, b, c, d] = sum[m];
                all[m] = $add($add(a, b), $add(c, d));
            }
            // SAFETY: the caller vouches for a sum a column and row, `pitch` apart.
            unsafe { $write(p, first, all) };
        }

        /// # Safety
        /// As [`float_block`], with two values and two weights a step.
        #[inline]
        #[target_feature(enable = $features)]
        unsafe fn $block<const M: usize>(p: &mut Product<'_, i16, i32>, first: usize) {
            let mut sum = [$zero(); M];
            let mut weight = p.weight.as_ptr();
            for &run in p.runs {
                let at = rows_at::<M, _, _>(p, first, run);
                for k in 0..p.steps {
                    // SAFETY: the caller vouches for two weights a column and step, and for
                    // `2 steps` values behind each run of each row.
                    unsafe {
                        let w = $load(weight.cast());
                        weight = weight.add(2 * $columns);
                        for m in 0..M {
                            let pair = at[m].add(2 * k).cast::<i32>().read_unaligned();
                            sum[m] = $multiply_add(sum[m], $all(pair), w);
                        }
                    }
                }
            }
            // SAFETY: the caller vouches for a sum a column and row, `pitch` apart.
            unsafe { $write(p, first, sum) };
        }
    };
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn multiply_add(sum: __m512i, x: __m512i, w: __m512i) -> __m512i {
    _mm512_add_epi32(sum, _mm512_madd_epi16(x, w))
}

whole!(
    whole,
    few,
    short,
    whole_block,
    write_whole,
    "avx512f,avx512bw",
    16,
    __m512i,
    _mm512_setzero_si512,
    _mm512_set1_epi32,
    _mm512_loadu_si512,
    _mm512_storeu_si512,
    _mm512_add_epi32,
    multiply_add
);
whole!(
    vnni,
    few_vnni,
    short_vnni,
    vnni_block,
    write_vnni,
    "avx512f,avx512bw,avx512vnni",
    16,
    __m512i,
    _mm512_setzero_si512,
    _mm512_set1_epi32,
    _mm512_loadu_si512,
    _mm512_storeu_si512,
    _mm512_add_epi32,
    _mm512_dpwssd_epi32
);
whole!(
    narrow_vnni,
    few_narrow_vnni,
    short_narrow_vnni,
    narrow_vnni_block,
    write_narrow_vnni,
    "avx512f,avx512bw,avx512vl,avx512vnni",
    8,
    __m256i,
    _mm256_setzero_si256,
    _mm256_set1_epi32,
    _mm256_loadu_si256,
    _mm256_storeu_si256,
    _mm256_add_epi32,
    _mm256_dpwssd_epi32
);
