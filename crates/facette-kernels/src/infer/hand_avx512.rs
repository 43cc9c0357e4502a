//! The factors of sixteen channels, and what they make of sums.
//!
//! The same operations in the same order as [`Finish::at`] and the codes of bytes, so that the
//! results are the same to the byte.

use core::arch::x86_64::*;

use super::finish::{Finish, Rectifier};
use super::following::Following;
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
    pub(super) fn behind<F: Following>(self, sums: usize, bytes: usize) -> Self {
        Self {
            sums: self.sums.wrapping_add(sums),
            residual: if F::RESIDUAL { self.residual.wrapping_add(bytes) } else { self.residual },
            y: self.y.wrapping_add(bytes),
        }
    }
}

/// The factors of sixteen channels, in steps of the result.
#[derive(Clone, Copy)]
pub(super) struct Hand {
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

impl Hand {
    /// Of 16 channels from `channel` on.
    ///
    /// # Panics
    /// Where the finish does not have them.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    pub(super) fn of(of: Factors<'_>, channel: usize) -> Self {
        let Factors { finish, pitch, residual, code } = of;
        let cap = |rectifier: Option<&Rectifier>| match rectifier {
            Some(of) => _mm512_set1_ps(of.cap * code.unit()),
            None => _mm512_set1_ps(f32::INFINITY),
        };
        let one = _mm512_set1_ps(1.0);
        let mut hand = Self {
            pitch,
            here: 0,
            scale: one,
            bias: one,
            inner: Rectified { slopes: one, cap: cap(finish.inner.as_ref()) },
            outer: Rectified { slopes: one, cap: cap(finish.outer.as_ref()) },
            residual_zero: _mm512_set1_ps(f32::from(residual.zero())),
            residual_scale: _mm512_set1_ps(residual.scale() * code.unit()),
            zero: _mm512_set1_epi16(i16::from(code.zero())),
        };
        hand.turn_to(of, channel);
        hand
    }

    /// Takes up 16 other channels of the same layer.
    ///
    /// # Panics
    /// Where the finish does not have them.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    pub(super) fn turn_to(&mut self, of: Factors<'_>, channel: usize) {
        let Factors { finish, pitch, code, .. } = of;
        assert!(channel + COLUMNS <= finish.padded(), "channels that are not finished");
        // SAFETY: a finish has as many factors of each kind as channels with their padding, which was
        // just checked.
        let read = |from: &[f32]| unsafe { _mm512_loadu_ps(from.as_ptr().add(channel)) };
        let unit = _mm512_set1_ps(code.unit());
        self.here = ALL >> COLUMNS.saturating_sub(pitch - channel);
        self.scale = _mm512_mul_ps(read(&finish.scale), unit);
        self.bias = _mm512_mul_ps(read(&finish.bias), unit);
        if let Some(of) = &finish.inner {
            self.inner.slopes = read(&of.slopes);
        }
        if let Some(of) = &finish.outer {
            self.outer.slopes = read(&of.slopes);
        }
    }

    /// From the sums of a pixel to steps of the result's code.
    ///
    /// # Safety
    /// The channels that there are must be in the residual, FULL if that is all 16.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn steps<F: Following, const FULL: bool>(
        &self,
        sum: __m512i,
        residual: *const u8,
    ) -> __m512i {
        // SAFETY: the caller vouches for them.
        unsafe {
            let x = _mm512_mul_ps(_mm512_cvtepi32_ps(sum), self.scale);
            let mut x = _mm512_add_ps(x, self.bias);
            if F::INNER {
                x = self.inner.apply(x);
            }
            if F::RESIDUAL {
                let bytes = match FULL {
                    true => _mm_loadu_si128(residual.cast()),
                    false => _mm_maskz_loadu_epi8(self.here, residual.cast()),
                };
                let mut steps = _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes));
                if F::SHIFTED {
                    steps = _mm512_sub_ps(steps, self.residual_zero);
                }
                x = _mm512_add_ps(x, _mm512_mul_ps(steps, self.residual_scale));
            }
            if F::OUTER {
                x = self.outer.apply(x);
            }
            _mm512_cvtps_epi32(x)
        }
    }

    /// From steps to bytes, in 16 bits.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    fn shift<F: Following>(&self, steps: __m512i) -> __m512i {
        if F::SHIFTED { _mm512_adds_epi16(steps, self.zero) } else { steps }
    }

    /// The bytes of four pixels.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    fn packed<F: Following>(&self, [a, b, c, d]: [__m512i; 4]) -> [__m128i; 4] {
        let lower = self.shift::<F>(_mm512_packs_epi32(a, b));
        let upper = self.shift::<F>(_mm512_packs_epi32(c, d));
        let bytes = _mm512_permutexvar_epi32(sorted(), _mm512_packus_epi16(lower, upper));
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
    pub(super) unsafe fn four<F: Following, const FULL: bool>(&self, at: Place) {
        // SAFETY: the caller vouches for the sums and the pixels.
        unsafe {
            let sums = [
                _mm512_loadu_si512(at.sums.cast()),
                _mm512_loadu_si512(at.sums.add(COLUMNS).cast()),
                _mm512_loadu_si512(at.sums.add(2 * COLUMNS).cast()),
                _mm512_loadu_si512(at.sums.add(3 * COLUMNS).cast()),
            ];
            self.four_of::<F, FULL>(sums, at.residual, at.y);
        }
    }

    /// Finishes the sums of four pixels.
    ///
    /// # Safety
    /// All of them must be there, FULL with all 16 channels.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    pub(super) unsafe fn four_of<F: Following, const FULL: bool>(
        &self,
        [a, b, c, d]: [__m512i; 4],
        residual: *const u8,
        y: *mut u8,
    ) {
        let behind = |p: usize| match F::RESIDUAL {
            true => residual.wrapping_add(p * self.pitch),
            false => residual,
        };
        // SAFETY: the caller vouches for the pixels.
        unsafe {
            let bytes = self.packed::<F>([
                self.steps::<F, FULL>(a, behind(0)),
                self.steps::<F, FULL>(b, behind(1)),
                self.steps::<F, FULL>(c, behind(2)),
                self.steps::<F, FULL>(d, behind(3)),
            ]);
            self.store::<FULL>(y, bytes[0]);
            self.store::<FULL>(y.add(self.pitch), bytes[1]);
            self.store::<FULL>(y.add(2 * self.pitch), bytes[2]);
            self.store::<FULL>(y.add(3 * self.pitch), bytes[3]);
        }
    }

    /// Finishes four pixels by two panels side by side; the sums of the other lie `apart` behind.
    ///
    /// # Safety
    /// All of them must be there, with 32 sums and channels each.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    pub(super) unsafe fn four_by_two<F: Following>(&self, other: &Self, at: Place, apart: usize) {
        // SAFETY: the caller vouches for the sums and the pixels.
        unsafe {
            let words = |p: usize| {
                let sum = |at: *const i32| _mm512_loadu_si512(at.cast());
                let sums = at.sums.wrapping_add(p * COLUMNS);
                let residual = match F::RESIDUAL {
                    true => at.residual.wrapping_add(p * self.pitch),
                    false => at.residual,
                };
                let a = self.steps::<F, true>(sum(sums), residual);
                let b = other.steps::<F, true>(
                    sum(sums.wrapping_add(apart)),
                    residual.wrapping_add(COLUMNS),
                );
                self.shift::<F>(_mm512_packs_epi32(a, b))
            };
            for p in [0, 2] {
                let bytes = _mm512_packus_epi16(words(p), words(p + 1));
                let bytes = _mm512_permutexvar_epi32(sorted(), bytes);
                let y = at.y.wrapping_add(p * self.pitch);
                _mm256_storeu_si256(y.cast(), _mm512_castsi512_si256(bytes));
                let upper = _mm512_extracti64x4_epi64::<1>(bytes);
                _mm256_storeu_si256(y.wrapping_add(self.pitch).cast(), upper);
            }
        }
    }

    /// Finishes the sums of one pixel.
    ///
    /// # Safety
    /// It must be there.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    pub(super) unsafe fn one_of<F: Following>(
        &self,
        sum: __m512i,
        residual: *const u8,
        y: *mut u8,
    ) {
        // SAFETY: the caller vouches for the pixel.
        unsafe {
            let bytes = self.packed::<F>([self.steps::<F, false>(sum, residual); 4]);
            self.store::<false>(y, bytes[0]);
        }
    }
}

/// After packing four vectors, their numbers lie in four parts each, side by side: what sorts them.
#[inline]
#[target_feature(enable = "avx512f")]
fn sorted() -> __m512i {
    _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15)
}

/// A [`Rectifier`] of 16 channels, in steps.
#[derive(Clone, Copy)]
struct Rectified {
    slopes: __m512,
    cap: __m512,
}

impl Rectified {
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn apply(&self, x: __m512) -> __m512 {
        let below = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(x, _mm512_setzero_ps());
        _mm512_mask_mul_ps(_mm512_min_ps(x, self.cap), below, x, self.slopes)
    }
}
