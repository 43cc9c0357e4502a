//! Bytes by bytes with VNNI: a row's four bytes, in every lane, by four weights of each column.

use core::arch::x86_64::*;

use super::dot::{BAND, COLUMNS, Dot};

/// Defines the loops over blocks of at most `$rows` rows, with a panel in `$registers` registers of
/// `$lanes` sums.
macro_rules! dot {
    ($name:ident, $block:ident, $features:literal, [$($m:literal)*], $rows:literal,
     $registers:literal by $lanes:literal, $register:ty, $zero:path, $load:path, $store:path,
     $all:path, $multiply_add:path) => {
        /// # Safety
        /// [`Dot::check`] must pass.
        #[target_feature(enable = $features)]
        pub(super) unsafe fn $name(p: &mut Dot<'_>) {
            for panel in 0..p.panels() {
                for first in (0..p.count).step_by($rows) {
                    // SAFETY: the caller vouches for the extents, which hold all rows of a band.
                    unsafe {
                        match p.count - first {
                            $($m => $block::<$m>(p, panel, first),)*
                            _ => $block::<$rows>(p, panel, first),
                        }
                    }
                }
            }
        }

        /// # Safety
        /// As above, with M rows from `first` on.
        #[inline]
        #[target_feature(enable = $features)]
        unsafe fn $block<const M: usize>(p: &mut Dot<'_>, panel: usize, first: usize) {
            let mut sum: [[$register; $registers]; M] = [[$zero(); $registers]; M];
            let start = p.starts[panel * COLUMNS..].as_ptr();
            let mut weight = p.weight[panel * p.depth * COLUMNS..].as_ptr();
            let mut row = p.rows[first * p.depth..].as_ptr();
            // SAFETY: the caller vouches for the starts and the weights of the panel, for the rows,
            // and for as many sums.
            unsafe {
                for sum in &mut sum {
                    for (v, sum) in sum.iter_mut().enumerate() {
                        *sum = $load(start.add($lanes * v).cast());
                    }
                }
                for _ in 0..p.depth / 4 {
                    let mut w = [$zero(); $registers];
                    for (v, w) in w.iter_mut().enumerate() {
                        *w = $load(weight.add(4 * $lanes * v).cast());
                    }
                    for (m, sum) in sum.iter_mut().enumerate() {
                        let bytes = row.add(m * p.depth).cast::<i32>().read_unaligned();
                        for (sum, w) in sum.iter_mut().zip(w) {
                            *sum = $multiply_add(*sum, $all(bytes), w);
                        }
                    }
                    weight = weight.add(4 * COLUMNS);
                    row = row.add(4);
                }
                let into = p.into[(panel * BAND + first) * COLUMNS..].as_mut_ptr();
                for (m, sum) in sum.iter().enumerate() {
                    for (v, sum) in sum.iter().enumerate() {
                        $store(into.add(m * COLUMNS + $lanes * v).cast(), *sum);
                    }
                }
            }
        }
    };
}

dot!(
    narrow, narrow_block, "avx2,avxvnni", [1 2 3 4 5], 6, 2 by 8, __m256i,
    _mm256_setzero_si256, _mm256_loadu_si256, _mm256_storeu_si256, _mm256_set1_epi32,
    _mm256_dpbusd_avx_epi32
);
dot!(
    wide, wide_block, "avx512f,avx512vnni", [1 2 3 4 5 6 7 8 9 10 11], 12, 1 by 16, __m512i,
    _mm512_setzero_si512, _mm512_loadu_si512, _mm512_storeu_si512, _mm512_set1_epi32,
    _mm512_dpbusd_epi32
);
