//! The factors of sixteen channels, and what they make of sums.
//!
//! The same operations in the same order as [`Finish::at`] and the codes of bytes, so that the
//! results are the same to the byte.

use core::arch::x86_64::*;

use super::finish::{Finish, Rectifier};
use super::tile::COLUMNS;
use super::value::Code;

/// All channels of a mask.
pub(super) const ALL: u16 = 0xffff;

/// What is the same for all pixels of a layer.
#[derive(Clone, Copy)]
pub(super) struct Factors<'a> {
    pub(super) finish: &'a Finish,
    /// From one pixel to the next.
    pub(super) pitch: usize,
    pub(super) residual: Code,
    pub(super) code: Code,
}

/// Where a pixel's sums, residual and result are.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) sums: *const i32,
    pub(super) residual: *const u8,
    pub(super) y: *mut u8,
}

impl Place {
    /// So many sums and bytes further on.
    #[inline]
    pub(super) fn behind<const RESIDUAL: bool>(self, sums: usize, bytes: usize) -> Self {
        Self {
            sums: self.sums.wrapping_add(sums),
            residual: if RESIDUAL { self.residual.wrapping_add(bytes) } else { self.residual },
            y: self.y.wrapping_add(bytes),
        }
    }
}

/// The factors of sixteen channels, in steps of the result.
#[derive(Clone, Copy)]
pub(super) struct Hand<const RESIDUAL: bool, const INNER: bool, const OUTER: bool> {
    pitch: usize,
    /// The channels that there are.
    pub(super) here: u16,
    scale: __m512,
    bias: __m512,
    inner: Rectified,
    outer: Rectified,
    residual_zero: __m512,
    residual_scale: __m512,
    zero: __m512i,
}

impl<const RESIDUAL: bool, const INNER: bool, const OUTER: bool> Hand<RESIDUAL, INNER, OUTER> {
    /// What leaves nothing as it is.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    pub(super) fn none() -> Self {
        let (zero, one) = (_mm512_setzero_ps(), _mm512_set1_ps(1.0));
        let none = Rectified { slopes: one, cap: one };
        Self {
            pitch: 0,
            here: 0,
            scale: zero,
            bias: zero,
            inner: none,
            outer: none,
            residual_zero: zero,
            residual_scale: zero,
            zero: _mm512_setzero_si512(),
        }
    }

    /// Of 16 channels from `channel` on.
    ///
    /// # Panics
    /// Where the finish does not have them.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    pub(super) fn of(of: Factors<'_>, channel: usize) -> Self {
        let Factors { finish, pitch, residual, code } = of;
        let unit = code.unit();
        assert!(channel + COLUMNS <= finish.padded(), "channels that are not finished");
        // SAFETY: a finish has as many factors of each kind as channels with their padding, which was
        // just checked.
        unsafe {
            let read = |from: &[f32]| {
                let factors = _mm512_loadu_ps(from.as_ptr().add(channel));
                _mm512_mul_ps(factors, _mm512_set1_ps(unit))
            };
            Self {
                pitch,
                here: ALL >> COLUMNS.saturating_sub(pitch - channel),
                scale: read(&finish.scale),
                bias: read(&finish.bias),
                inner: Rectified::new(finish.inner.as_ref(), channel, unit),
                outer: Rectified::new(finish.outer.as_ref(), channel, unit),
                residual_zero: _mm512_set1_ps(f32::from(residual.zero())),
                residual_scale: _mm512_set1_ps(residual.scale() * unit),
                zero: _mm512_set1_epi16(i16::from(code.zero())),
            }
        }
    }

    /// From the sums of a pixel to steps of the result's code.
    ///
    /// # Safety
    /// The channels that there are must be in the residual, FULL if that is all 16.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn steps<const FULL: bool>(&self, sum: __m512i, residual: *const u8) -> __m512i {
        // SAFETY: the caller vouches for them.
        unsafe {
            let x = _mm512_mul_ps(_mm512_cvtepi32_ps(sum), self.scale);
            let mut x = _mm512_add_ps(x, self.bias);
            if INNER {
                x = self.inner.apply(x);
            }
            if RESIDUAL {
                let bytes = match FULL {
                    true => _mm_loadu_si128(residual.cast()),
                    false => _mm_maskz_loadu_epi8(self.here, residual.cast()),
                };
                let steps = _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes));
                let steps = _mm512_sub_ps(steps, self.residual_zero);
                x = _mm512_add_ps(x, _mm512_mul_ps(steps, self.residual_scale));
            }
            if OUTER {
                x = self.outer.apply(x);
            }
            _mm512_cvtps_epi32(x)
        }
    }

    /// The bytes of four pixels.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    fn packed(&self, [a, b, c, d]: [__m512i; 4]) -> [__m128i; 4] {
        // Channels of a pixel lie in four parts after the packing, those of the pixels side by side.
        let sorted = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
        let lower = _mm512_adds_epi16(_mm512_packs_epi32(a, b), self.zero);
        let upper = _mm512_adds_epi16(_mm512_packs_epi32(c, d), self.zero);
        let bytes = _mm512_permutexvar_epi32(sorted, _mm512_packus_epi16(lower, upper));
        [
            _mm512_castsi512_si128(bytes),
            _mm512_extracti32x4_epi32::<1>(bytes),
            _mm512_extracti32x4_epi32::<2>(bytes),
            _mm512_extracti32x4_epi32::<3>(bytes),
        ]
    }

    /// # Safety
    /// The channels that there are must be in the result, FULL if that is all 16.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn store<const FULL: bool>(&self, into: *mut u8, bytes: __m128i) {
        // SAFETY: the caller vouches for them.
        unsafe {
            match FULL {
                true => _mm_storeu_si128(into.cast(), bytes),
                false => _mm_mask_storeu_epi8(into.cast(), self.here, bytes),
            }
        }
    }

    /// Finishes four pixels.
    ///
    /// # Safety
    /// All of them must be there, with 16 sums each, FULL with all 16 channels.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    pub(super) unsafe fn four<const FULL: bool>(&self, at: Place) {
        // SAFETY: the caller vouches for the sums and the pixels.
        unsafe {
            let sums = [
                _mm512_loadu_si512(at.sums.cast()),
                _mm512_loadu_si512(at.sums.add(COLUMNS).cast()),
                _mm512_loadu_si512(at.sums.add(2 * COLUMNS).cast()),
                _mm512_loadu_si512(at.sums.add(3 * COLUMNS).cast()),
            ];
            self.four_of::<FULL>(sums, at.residual, at.y);
        }
    }

    /// Finishes the sums of four pixels.
    ///
    /// # Safety
    /// All of them must be there, FULL with all 16 channels.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    pub(super) unsafe fn four_of<const FULL: bool>(
        &self,
        [a, b, c, d]: [__m512i; 4],
        residual: *const u8,
        y: *mut u8,
    ) {
        let behind = |p: usize| match RESIDUAL {
            true => residual.wrapping_add(p * self.pitch),
            false => residual,
        };
        // SAFETY: the caller vouches for the pixels.
        unsafe {
            let bytes = self.packed([
                self.steps::<FULL>(a, behind(0)),
                self.steps::<FULL>(b, behind(1)),
                self.steps::<FULL>(c, behind(2)),
                self.steps::<FULL>(d, behind(3)),
            ]);
            self.store::<FULL>(y, bytes[0]);
            self.store::<FULL>(y.add(self.pitch), bytes[1]);
            self.store::<FULL>(y.add(2 * self.pitch), bytes[2]);
            self.store::<FULL>(y.add(3 * self.pitch), bytes[3]);
        }
    }

    /// Finishes the sums of one pixel.
    ///
    /// # Safety
    /// It must be there.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    pub(super) unsafe fn one_of(&self, sum: __m512i, residual: *const u8, y: *mut u8) {
        // SAFETY: the caller vouches for the pixel.
        unsafe {
            let bytes = self.packed([self.steps::<false>(sum, residual); 4]);
            self.store::<false>(y, bytes[0]);
        }
    }
}

/// A [`Rectifier`] of 16 channels, in steps.
#[derive(Clone, Copy)]
struct Rectified {
    slopes: __m512,
    cap: __m512,
}

impl Rectified {
    /// One that changes nothing where there is none.
    ///
    /// # Safety
    /// A rectifier must have slopes for 16 channels from `channel` on.
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn new(of: Option<&Rectifier>, channel: usize, unit: f32) -> Self {
        match of {
            // SAFETY: the caller vouches for the slopes.
            Some(r) => unsafe {
                let slopes = _mm512_loadu_ps(r.slopes.as_ptr().add(channel));
                Self { slopes, cap: _mm512_set1_ps(r.cap * unit) }
            },
            None => Self { slopes: _mm512_set1_ps(1.0), cap: _mm512_set1_ps(f32::INFINITY) },
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn apply(&self, x: __m512) -> __m512 {
        let below = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(x, _mm512_setzero_ps());
        _mm512_mask_mul_ps(_mm512_min_ps(x, self.cap), below, x, self.slopes)
    }
}
