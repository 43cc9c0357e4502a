//! The inner loops for AVX-512.
//!
//! The 16 lanes are one register. A tile has at most 6 rows, too few sums to hide the latency of a
//! multiply-add of four cycles at two a cycle: every other step, or a second column, has sums of its
//! own. Packing is that of AVX2.

use core::arch::x86_64::*;

use super::winograd::{self, Transform};
use super::{ConvTile, Eight, Kernels, LANES, OuterTile, Product, avx2};
use crate::conv::taps::Pair;

pub(super) static KERNELS: Kernels = Kernels {
    conv: [conv::<1>, conv::<2>, conv::<3>, conv::<4>, conv::<5>, conv::<6>],
    outer: [outer::<1>, outer::<2>, outer::<3>, outer::<4>, outer::<5>, outer::<6>],
    product: [product::<1>, product::<2>, product::<3>, product::<4>, product::<5>, product::<6>],
    pack: avx2::pack,
    unpack: avx2::unpack,
    transform: [
        transform::<winograd::Input, 6, 6>,
        transform::<winograd::Output, 6, 4>,
        transform::<winograd::OutputGradient, 4, 6>,
        transform::<winograd::Weight, 3, 6>,
        transform::<winograd::WeightGradient, 6, 3>,
    ],
};

/// The sums of a tile, in two parts.
type Sums<const M: usize> = [[__m512; M]; 2];

/// `sum[m] += rows[m] * lanes`
///
/// # Safety
/// M elements must lie behind `rows`.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn rank_one<const M: usize>(sum: &mut [__m512; M], rows: *const f32, lanes: __m512) {
    for (m, sum) in sum.iter_mut().enumerate() {
        // SAFETY: the caller vouches for the elements.
        let factor = _mm512_set1_ps(unsafe { *rows.add(m) });
        *sum = _mm512_fmadd_ps(factor, lanes, *sum);
    }
}

/// [`rank_one`] for `count` steps, packed one behind the other.
///
/// # Safety
/// The steps must lie behind both pointers: M elements each behind `rows`, 16 behind `lanes`.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn accumulate<const M: usize>(
    sums: &mut Sums<M>,
    rows: *const f32,
    lanes: *const f32,
    count: usize,
) {
    let [even, odd] = sums;
    for i in (1..count).step_by(2) {
        // SAFETY: the caller vouches for `count` steps.
        unsafe {
            rank_one(even, rows.add((i - 1) * M), _mm512_loadu_ps(lanes.add((i - 1) * LANES)));
            rank_one(odd, rows.add(i * M), _mm512_loadu_ps(lanes.add(i * LANES)));
        }
    }
    if count % 2 == 1 {
        // SAFETY: as above, for the last step.
        unsafe {
            let lanes = _mm512_loadu_ps(lanes.add((count - 1) * LANES));
            rank_one(even, rows.add((count - 1) * M), lanes);
        }
    }
}

/// Both parts together.
#[inline]
#[target_feature(enable = "avx512f")]
fn total<const M: usize>([mut sum, odd]: Sums<M>) -> [__m512; M] {
    for (sum, odd) in sum.iter_mut().zip(odd) {
        *sum = _mm512_add_ps(*sum, odd);
    }
    sum
}

#[target_feature(enable = "avx512f")]
unsafe fn conv<const M: usize>(t: &ConvTile<'_>) {
    let mut sums = [[_mm512_setzero_ps(); M]; 2];
    for (sum, bias) in sums[0].iter_mut().zip(t.bias) {
        *sum = _mm512_set1_ps(bias);
    }
    for row in t.rows {
        let (columns, count) = match t.columns {
            [first, rest @ ..] if t.adjacent => (core::slice::from_ref(first), rest.len() + 1),
            columns => (columns, 1),
        };
        for column in columns {
            // SAFETY: the caller vouches that each tap's source lies in the packed band and its
            // weights in the packed block, those of adjacent columns one behind the other.
            unsafe {
                let at = (row.source - t.first_row) * t.row_pitch + column.source * t.column_pitch;
                let tap = row.tap * t.kernel_width + column.tap;
                let weight = t.weight.add(tap * t.depth * M);
                accumulate(&mut sums, weight, t.source.add(at), count * t.depth);
            }
        }
    }
    for (m, sum) in total(sums).into_iter().enumerate() {
        // SAFETY: the caller vouches for M rows of 16 elements, `out_pitch` apart.
        unsafe { _mm512_storeu_ps(t.out.add(m * t.out_pitch), sum) };
    }
}

/// [`rank_one`] of a pair of pixels.
///
/// # Safety
/// Both panels must hold the pair's pixels.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn add_pair<const M: usize>(sum: &mut [__m512; M], t: &OuterTile<'_>, pair: &Pair) {
    // SAFETY: the caller vouches for the pixels.
    unsafe {
        let lanes = _mm512_loadu_ps(t.destination.add(pair.destination * LANES));
        rank_one(sum, t.source.add(pair.source * LANES), lanes);
    }
}

#[target_feature(enable = "avx512f")]
unsafe fn outer<const M: usize>(t: &OuterTile<'_>) {
    // Two at a time and not in a loop of up to two, which would leave the sums in memory.
    let mut sums = [[_mm512_setzero_ps(); M]; 2];
    let [even, odd] = &mut sums;
    let (twos, last) = t.pairs.as_chunks::<2>();
    // SAFETY: the caller vouches that both panels hold the pairs' pixels.
    unsafe {
        for [first, second] in twos {
            add_pair(even, t, first);
            add_pair(odd, t, second);
        }
        for pair in last {
            add_pair(even, t, pair);
        }
    }
    for (m, sum) in total(sums).into_iter().enumerate() {
        // SAFETY: the tile holds M rows of 16 elements.
        unsafe {
            let total = t.sum.add(m * LANES);
            _mm512_storeu_ps(total, _mm512_add_ps(_mm512_loadu_ps(total), sum));
        }
    }
}

#[target_feature(enable = "avx512f")]
unsafe fn product<const M: usize>(p: &Product) {
    // SAFETY: the caller vouches for `count` columns.
    unsafe {
        for column in (1..p.count).step_by(2) {
            columns::<M, 2>(p, column - 1);
        }
        if p.count % 2 == 1 {
            columns::<M, 1>(p, p.count - 1);
        }
    }
}

/// C columns of a product, from `first` on.
///
/// # Safety
/// The columns, of `depth` vectors each, and their places must exist.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn columns<const M: usize, const C: usize>(p: &Product, first: usize) {
    let mut sums = [[_mm512_setzero_ps(); M]; C];
    for k in 0..p.depth {
        for (c, sum) in sums.iter_mut().enumerate() {
            // SAFETY: the caller vouches for `depth` vectors of each column, and for as many times
            // M weights.
            unsafe {
                let lanes = _mm512_loadu_ps(p.columns.add(((first + c) * p.depth + k) * LANES));
                rank_one(sum, p.weight.add(k * M), lanes);
            }
        }
    }
    for (c, sum) in sums.iter().enumerate() {
        for (m, sum) in sum.iter().enumerate() {
            // SAFETY: the caller vouches for the places.
            unsafe {
                let out = p.out.add(m * p.out_pitch + (first + c) * LANES);
                _mm512_storeu_ps(out, *sum);
            }
        }
    }
}

/// Eight lanes at a time, as with AVX2, in twice as many registers.
#[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn transform<T: winograd::Line<I, O>, const I: usize, const O: usize>(t: &Transform) {
    // SAFETY: the caller vouches for the extents, and the processor has AVX2 and FMA.
    unsafe { winograd::run::<Eight, T, I, O>(t) }
}
