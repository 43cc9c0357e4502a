//! Bytes by bytes with VNNI: a row's four bytes, in every lane, by four weights of each column.

#![allow(clippy::needless_range_loop, reason = "iterators keep the sums out of the registers")]

use core::arch::x86_64::*;

use super::dot::{COLUMNS, Dot, SUMS, TILES};

/// Defines the loops over blocks of at most `$rows` rows by `$panels` panels of `$registers`
/// registers of `$lanes` sums each.
macro_rules! dot {
    ($name:ident, $block:ident, $features:literal, [$($m:literal)*], $rows:literal by $panels:literal,
     $registers:literal by $lanes:literal, $register:ty, $zero:path, $load:path, $store:path,
     $all:path, $multiply_add:path) => {
        /// # Safety
        /// [`Dot::check`] must pass.
        #[target_feature(enable = $features)]
        pub(super) unsafe fn $name(p: &mut Dot<'_>) {
            for panel in (0..p.panels()).step_by($panels) {
                for tile in 0..p.tiles.len() {
                    for first in (0..p.tiles[tile].count).step_by($rows) {
                        // SAFETY: the caller vouches for the extents.
                        unsafe {
                            match (p.tiles[tile].count - first, p.panels() - panel) {
                                $(
                                    ($m, $panels..) => $block::<$m, $panels>(p, panel, tile, first),
                                    #[allow(unreachable_patterns, reason = "with panels by one")]
                                    ($m, _) => $block::<$m, 1>(p, panel, tile, first),
                                )*
                                (_, $panels..) => $block::<$rows, $panels>(p, panel, tile, first),
                                #[allow(unreachable_patterns, reason = "with panels by one")]
                                _ => $block::<$rows, 1>(p, panel, tile, first),
                            }
                        }
                    }
                }
            }
        }

        /// # Safety
        /// As above, with M rows from `first` on and N panels from `panel` on.
        #[inline]
        #[target_feature(enable = $features)]
        unsafe fn $block<const M: usize, const N: usize>(
            p: &mut Dot<'_>,
            panel: usize,
            tile: usize,
            first: usize,
        ) {
            let mut sum: [[[$register; $registers]; N]; M] = [[[$zero(); $registers]; N]; M];
            let start = p.starts[panel * COLUMNS..].as_ptr();
            let row = p.source[p.tiles[tile].start + first * p.stride..].as_ptr();
            let weight = p.weight[panel * p.panel()..].as_ptr();
            // SAFETY: the caller vouches for the starts and the weights of the panels, for the rows,
            // and for as many sums.
            unsafe {
                for sum in &mut sum {
                    for n in 0..N {
                        for v in 0..$registers {
                            sum[n][v] = $load(start.add(n * COLUMNS + $lanes * v).cast());
                        }
                    }
                }
                for (r, &run) in p.runs.iter().enumerate() {
                    let weight = weight.add(r * p.run * COLUMNS);
                    let row = row.add(run);
                    for k in (0..p.used).step_by(4) {
                        let mut w = [[$zero(); $registers]; N];
                        for n in 0..N {
                            let weight = weight.add(n * p.panel() + k * COLUMNS);
                            for v in 0..$registers {
                                w[n][v] = $load(weight.add(4 * $lanes * v).cast());
                            }
                        }
                        for m in 0..M {
                            let four = row.add(m * p.stride + k).cast::<i32>().read_unaligned();
                            let four = $all(four);
                            for n in 0..N {
                                for v in 0..$registers {
                                    sum[m][n][v] = $multiply_add(sum[m][n][v], four, w[n][v]);
                                }
                            }
                        }
                    }
                }
                for m in 0..M {
                    for n in 0..N {
                        let at = ((panel + n) * TILES + tile) * SUMS + (first + m) * COLUMNS;
                        for v in 0..$registers {
                            $store(p.into.as_mut_ptr().add(at + $lanes * v).cast(), sum[m][n][v]);
                        }
                    }
                }
            }
        }
    };
}

dot!(
    narrow, narrow_block, "avx2,avxvnni", [1 2 3 4 5], 6 by 1, 2 by 8, __m256i,
    _mm256_setzero_si256, _mm256_loadu_si256, _mm256_storeu_si256, _mm256_set1_epi32,
    _mm256_dpbusd_avx_epi32
);
dot!(
    wide, wide_block, "avx512f,avx512vnni", [1 2 3 4 5 6 7], 8 by 2, 1 by 16, __m512i,
    _mm512_setzero_si512, _mm512_loadu_si512, _mm512_storeu_si512, _mm512_set1_epi32,
    _mm512_dpbusd_epi32
);
