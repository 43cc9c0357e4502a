//! The inner loops for AVX2 with FMA.
//!
//! A tile of 6 rows by 16 lanes keeps 12 accumulators in registers: enough to hide an FMA's latency
//! of four cycles at two a cycle, with 8 loads for 12 multiply-adds.

use core::arch::x86_64::*;

use super::winograd::{self, Transform};
use super::{ConvTile, Kernels, LANES, OuterTile, Pack, Product, Unpack, Vector, scalar};

pub(super) static KERNELS: Kernels = Kernels {
    conv: [conv::<1>, conv::<2>, conv::<3>, conv::<4>, conv::<5>, conv::<6>],
    outer: [outer::<1>, outer::<2>, outer::<3>, outer::<4>, outer::<5>, outer::<6>],
    product: [product::<1>, product::<2>, product::<3>, product::<4>, product::<5>, product::<6>],
    pack,
    unpack,
    transform: [
        transform::<winograd::Input, 6, 6>,
        transform::<winograd::Output, 6, 4>,
        transform::<winograd::OutputGradient, 4, 6>,
        transform::<winograd::Weight, 3, 6>,
        transform::<winograd::WeightGradient, 6, 3>,
    ],
};

/// `sum[m] += rows[m] * lanes`
///
/// # Safety
/// M elements must lie behind `rows` and 16 behind `lanes`.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn rank_one<const M: usize>(
    sum: &mut [[__m256; 2]; M],
    rows: *const f32,
    lanes: *const f32,
) {
    // SAFETY: the caller vouches for the elements.
    unsafe {
        let low = _mm256_loadu_ps(lanes);
        let high = _mm256_loadu_ps(lanes.add(8));
        for (m, sum) in sum.iter_mut().enumerate() {
            let factor = _mm256_broadcast_ss(&*rows.add(m));
            sum[0] = _mm256_fmadd_ps(factor, low, sum[0]);
            sum[1] = _mm256_fmadd_ps(factor, high, sum[1]);
        }
    }
}

/// [`rank_one`] for `count` steps, packed one behind the other.
///
/// # Safety
/// The steps must lie behind both pointers.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn accumulate<const M: usize>(
    sum: &mut [[__m256; 2]; M],
    rows: *const f32,
    lanes: *const f32,
    count: usize,
) {
    for i in 0..count {
        // SAFETY: the caller vouches for `count` steps.
        unsafe { rank_one(sum, rows.add(i * M), lanes.add(i * LANES)) };
    }
}

#[target_feature(enable = "avx2,fma")]
unsafe fn conv<const M: usize>(t: &ConvTile<'_>) {
    let mut sum: [[__m256; 2]; M] = core::array::from_fn(|m| [_mm256_set1_ps(t.bias[m]); 2]);
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
                accumulate(&mut sum, weight, t.source.add(at), count * t.depth);
            }
        }
    }
    for (m, sum) in sum.iter().enumerate() {
        // SAFETY: the caller vouches for M rows of 16 elements, `out_pitch` apart.
        unsafe {
            let out = t.out.add(m * t.out_pitch);
            _mm256_storeu_ps(out, sum[0]);
            _mm256_storeu_ps(out.add(8), sum[1]);
        }
    }
}

#[target_feature(enable = "avx2,fma")]
unsafe fn outer<const M: usize>(t: &OuterTile<'_>) {
    let mut sum = [[_mm256_setzero_ps(); 2]; M];
    for pair in t.pairs {
        // SAFETY: the caller vouches that both panels hold the pair's pixels.
        unsafe {
            let source = t.source.add(pair.source * LANES);
            rank_one(&mut sum, source, t.destination.add(pair.destination * LANES));
        }
    }
    for (m, sum) in sum.iter().enumerate() {
        // SAFETY: the tile holds M rows of 16 elements.
        unsafe {
            let total = t.sum.add(m * LANES);
            _mm256_storeu_ps(total, _mm256_add_ps(_mm256_loadu_ps(total), sum[0]));
            let total = total.add(8);
            _mm256_storeu_ps(total, _mm256_add_ps(_mm256_loadu_ps(total), sum[1]));
        }
    }
}

#[target_feature(enable = "avx2,fma")]
unsafe fn product<const M: usize>(p: &Product) {
    for column in 0..p.count {
        let mut sum = [[_mm256_setzero_ps(); 2]; M];
        // SAFETY: the caller vouches for `count` columns of `depth` vectors and for their places.
        unsafe {
            let lanes = p.columns.add(column * p.depth * LANES);
            accumulate(&mut sum, p.weight, lanes, p.depth);
            for (m, sum) in sum.iter().enumerate() {
                let out = p.out.add(m * p.out_pitch + column * LANES);
                _mm256_storeu_ps(out, sum[0]);
                _mm256_storeu_ps(out.add(8), sum[1]);
            }
        }
    }
}

#[target_feature(enable = "avx2,fma")]
unsafe fn transform<T: winograd::Line<I, O>, const I: usize, const O: usize>(t: &Transform) {
    // SAFETY: the caller vouches for the extents, and the processor has AVX2 and FMA.
    unsafe { winograd::run::<Eight, T, I, O>(t) }
}

/// Eight lanes in a register.
///
/// Only functions that enable AVX2 and FMA may use it: its methods call those instructions, which is
/// sound where such a function runs at all.
#[derive(Clone, Copy)]
#[allow(unreachable_pub, reason = "a public trait names it")]
pub struct Eight(__m256);

impl Eight {
    #[inline(always)]
    pub(crate) fn of(register: __m256) -> Self {
        Self(register)
    }

    #[inline(always)]
    pub(crate) fn register(self) -> __m256 {
        self.0
    }
}

impl Vector for Eight {
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller vouches for eight elements.
        Self(unsafe { _mm256_loadu_ps(from) })
    }

    #[inline(always)]
    unsafe fn store(self, into: *mut f32) {
        // SAFETY: the caller vouches for eight elements.
        unsafe { _mm256_storeu_ps(into, self.0) }
    }

    #[inline(always)]
    fn splat(value: f32) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm256_set1_ps(value) })
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm256_add_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm256_sub_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm256_mul_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, other: Self) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm256_fmadd_ps(self.0, factor.0, other.0) })
    }

    #[inline(always)]
    fn less(self, other: Self, yes: Self, no: Self) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm256_blendv_ps(no.0, yes.0, _mm256_cmp_ps::<_CMP_LT_OQ>(self.0, other.0)) })
    }

    #[inline(always)]
    fn at_least(self, low: Self) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm256_max_ps(self.0, low.0) })
    }

    #[inline(always)]
    fn at_most(self, high: Self) -> Self {
        // SAFETY: see the type.
        Self(unsafe { _mm256_min_ps(self.0, high.0) })
    }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn transpose(r: [__m256; 8]) -> [__m256; 8] {
    let t: [__m256; 8] = [
        _mm256_unpacklo_ps(r[0], r[1]),
        _mm256_unpackhi_ps(r[0], r[1]),
        _mm256_unpacklo_ps(r[2], r[3]),
        _mm256_unpackhi_ps(r[2], r[3]),
        _mm256_unpacklo_ps(r[4], r[5]),
        _mm256_unpackhi_ps(r[4], r[5]),
        _mm256_unpacklo_ps(r[6], r[7]),
        _mm256_unpackhi_ps(r[6], r[7]),
    ];
    let s: [__m256; 8] = [
        _mm256_shuffle_ps::<0x44>(t[0], t[2]),
        _mm256_shuffle_ps::<0xee>(t[0], t[2]),
        _mm256_shuffle_ps::<0x44>(t[1], t[3]),
        _mm256_shuffle_ps::<0xee>(t[1], t[3]),
        _mm256_shuffle_ps::<0x44>(t[4], t[6]),
        _mm256_shuffle_ps::<0xee>(t[4], t[6]),
        _mm256_shuffle_ps::<0x44>(t[5], t[7]),
        _mm256_shuffle_ps::<0xee>(t[5], t[7]),
    ];
    [
        _mm256_permute2f128_ps::<0x20>(s[0], s[4]),
        _mm256_permute2f128_ps::<0x20>(s[1], s[5]),
        _mm256_permute2f128_ps::<0x20>(s[2], s[6]),
        _mm256_permute2f128_ps::<0x20>(s[3], s[7]),
        _mm256_permute2f128_ps::<0x31>(s[0], s[4]),
        _mm256_permute2f128_ps::<0x31>(s[1], s[5]),
        _mm256_permute2f128_ps::<0x31>(s[2], s[6]),
        _mm256_permute2f128_ps::<0x31>(s[3], s[7]),
    ]
}

/// Eight rows of eight elements from `from`, `pitch` apart; rows from `count` on are zero.
///
/// # Safety
/// The rows up to `count` must be readable.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn rows(from: *const f32, pitch: usize, count: usize) -> [__m256; 8] {
    let mut r = [_mm256_setzero_ps(); 8];
    if count >= 8 {
        for (n, r) in r.iter_mut().enumerate() {
            // SAFETY: all eight rows are readable.
            *r = unsafe { _mm256_loadu_ps(from.add(n * pitch)) };
        }
    } else {
        for (n, r) in r.iter_mut().enumerate().take(count) {
            // SAFETY: rows up to `count` are readable.
            *r = unsafe { _mm256_loadu_ps(from.add(n * pitch)) };
        }
    }
    r
}

/// Where the elements of a packing go, one after the other.
struct Places {
    into: *mut f32,
    steps: [usize; 2],
    run: usize,
    along: usize,
    start: *mut f32,
}

impl Places {
    fn new(p: &Pack) -> Self {
        Self { into: p.into, steps: p.steps, run: p.run, along: 0, start: p.into }
    }

    #[inline(always)]
    fn next(&mut self) -> *mut f32 {
        let into = self.into;
        self.along += 1;
        self.into = into.wrapping_add(self.steps[0]);
        if self.along == self.run {
            self.along = 0;
            self.start = self.start.wrapping_add(self.steps[1]);
            self.into = self.start;
        }
        into
    }
}

#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn pack(p: &Pack) {
    let mut places = Places::new(p);
    // Rows are often a power of two apart and so share few lines of the first-level cache: eight rows
    // at a time, and each line to its end.
    let whole = p.len / 16 * 16;
    for i in (0..whole).step_by(16) {
        let into: [*mut f32; 16] = core::array::from_fn(|_| places.next());
        for n in 0..p.count {
            // A hint, for which any address will do.
            _mm_prefetch::<_MM_HINT_T0>(p.from.wrapping_add(n * p.pitch + i + p.next).cast());
        }
        for half in [0, 8] {
            for part in [0, 8] {
                // SAFETY: elements `i..i + 16` of the rows up to `count` lie in the source, and the
                // caller vouches for the 16 lanes of each element's place.
                unsafe { pack_eight(p, i + part, half, &into[part..part + 8]) };
            }
        }
    }
    let eights = p.len / 8 * 8;
    if eights > whole {
        let into: [*mut f32; 8] = core::array::from_fn(|_| places.next());
        for half in [0, 8] {
            // SAFETY: as above, for elements `whole..whole + 8`.
            unsafe { pack_eight(p, whole, half, &into) };
        }
    }
    // SAFETY: the same extents.
    unsafe { scalar::pack_from(p, eights) }
}

/// Packs elements `i..i + 8` of the eight rows from `half` on.
///
/// # Safety
/// The elements must lie in the source, and 16 elements must be writable at each place.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn pack_eight(p: &Pack, i: usize, half: usize, into: &[*mut f32]) {
    // SAFETY: the caller vouches for the elements and places.
    unsafe {
        // The row may not exist, so its address must not be computed with `add`.
        let from = p.from.wrapping_add(half * p.pitch + i);
        let t = transpose(rows(from, p.pitch, p.count.saturating_sub(half)));
        for (into, t) in into.iter().zip(t) {
            _mm256_storeu_ps(into.add(half), t);
        }
    }
}

#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn unpack(p: &Unpack) {
    let whole = p.len / 8 * 8;
    for half in [0, 8] {
        let count = p.count.saturating_sub(half).min(8);
        for i in (0..whole).step_by(8) {
            // SAFETY: elements `i..i + 8` lie in the source with all lanes, and in the rows up to
            // `count` of the destination.
            unsafe {
                let t = transpose(rows(p.from.add(i * LANES + half), LANES, 8));
                let into = p.into.wrapping_add(half * p.pitch + i);
                if count == 8 {
                    for (n, t) in t.into_iter().enumerate() {
                        _mm256_storeu_ps(into.add(n * p.pitch), t);
                    }
                } else {
                    for (n, t) in t.into_iter().enumerate().take(count) {
                        _mm256_storeu_ps(into.add(n * p.pitch), t);
                    }
                }
            }
        }
    }
    // SAFETY: the same extents.
    unsafe { scalar::unpack_from(p, whole) }
}
