//! What follows the sums of bytes, sixteen channels at a time, for results in bytes.
//!
//! The same operations in the same order as [`Finish::lanes`] and the codes of bytes, so that the
//! results are the same to the byte.

use core::arch::x86_64::*;

use super::finish::{Finish, Rectifier};
use super::settle::Sums;
use super::tile::COLUMNS;
use super::value::Code;
use crate::Level;

/// What follows the sums of a layer.
pub(super) struct Sixteen<'a> {
    finish: &'a Finish,
    /// From one pixel to the next.
    pitch: usize,
    residual: Option<(&'a [u8], Code)>,
    y: (&'a mut [u8], Code),
    pixels: unsafe fn(&mut Self, &Sums<'_, i32>),
}

impl<'a> Sixteen<'a> {
    /// # Panics
    /// Where the level is below AVX-512.
    pub(super) fn new(
        level: Level,
        finish: &'a Finish,
        residual: Option<(&'a [u8], Code)>,
        y: (&'a mut [u8], Code),
    ) -> Self {
        assert!(level.runs(Level::Avx512), "{level:?} has no registers of sixteen");
        let kind = |of: &Option<Rectifier>| match of {
            None => NONE,
            Some(rectifier) if rectifier.is_plain() => PLAIN,
            Some(_) => SLOPED,
        };
        let pixels = match (kind(&finish.inner), residual.is_some(), kind(&finish.outer)) {
            (NONE, false, NONE) => Self::pixels::<NONE, false, NONE>,
            (NONE, false, PLAIN) => Self::pixels::<NONE, false, PLAIN>,
            (NONE, false, _) => Self::pixels::<NONE, false, SLOPED>,
            (NONE, true, NONE) => Self::pixels::<NONE, true, NONE>,
            (NONE, true, PLAIN) => Self::pixels::<NONE, true, PLAIN>,
            (NONE, true, _) => Self::pixels::<NONE, true, SLOPED>,
            (_, false, NONE) => Self::pixels::<SLOPED, false, NONE>,
            (_, false, _) => Self::pixels::<SLOPED, false, SLOPED>,
            (_, true, NONE) => Self::pixels::<SLOPED, true, NONE>,
            (_, true, _) => Self::pixels::<SLOPED, true, SLOPED>,
        };
        Self { finish, pitch: super::pitch(finish.channels()), residual, y, pixels }
    }

    /// Finishes some pixels.
    ///
    /// # Panics
    /// Where the pixels are not within residual and result, or the channels not within the finish.
    pub(super) fn run(&mut self, of: &Sums<'_, i32>) {
        let pixels = of.sums.len() / COLUMNS;
        let channels = (self.pitch - of.channel).min(COLUMNS);
        let end = (of.pixel + pixels.max(1) - 1) * self.pitch + of.channel + channels;
        assert!(end <= self.y.0.len(), "the pixels lie beyond the result");
        assert!(self.residual.is_none_or(|(r, _)| end <= r.len()), "and beyond the residual");
        assert!(of.channel + COLUMNS <= self.finish.padded(), "channels that are not finished");
        // SAFETY: the extents were just checked, and there is no such object without AVX-512.
        unsafe { (self.pixels)(self, of) }
    }

    /// # Safety
    /// The processor must have AVX-512, the checks of [`Sixteen::run`] must have passed, and the
    /// constants say what there is.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn pixels<const INNER: u8, const RESIDUAL: bool, const OUTER: u8>(
        &mut self,
        of: &Sums<'_, i32>,
    ) {
        let (finish, pitch) = (self.finish, self.pitch);
        let (y, code) = (&mut *self.y.0, self.y.1);
        let Sums { sums, channel, pixel, .. } = *of;
        let (residual, of_residual) = match self.residual {
            Some((values, code)) => (values.as_ptr(), code),
            None => (core::ptr::null(), code),
        };
        let here = 0xffff_u16 >> COLUMNS.saturating_sub(pitch - channel);
        let inverse = _mm512_set1_ps(code.inverse());
        let residual_zero = _mm512_set1_ps(f32::from(of_residual.zero()));
        let residual_scale = _mm512_set1_ps(of_residual.scale());
        // SAFETY: the caller vouches for 16 factors of each kind.
        let (scale, bias, inner, outer) = unsafe {
            let read = |from: &[f32]| _mm512_loadu_ps(from.as_ptr().add(channel));
            let rectifier = |of: &Option<Rectifier>| Rectified::new(of.as_ref(), channel);
            let (inner, outer) = (rectifier(&finish.inner), rectifier(&finish.outer));
            (read(&finish.scale), read(&finish.bias), inner, outer)
        };
        // From the sums of a pixel, whose result is at `at`, to steps of the result's code.
        let steps = |sums: *const i32, at: usize| {
            // SAFETY: the caller vouches for 16 sums a pixel, and for the channels of the mask in the
            // residual.
            unsafe {
                let sum = _mm512_loadu_si512(sums.cast());
                let mut x = _mm512_mul_ps(_mm512_cvtepi32_ps(sum), scale);
                x = inner.apply::<INNER>(_mm512_add_ps(x, bias));
                if RESIDUAL {
                    let bytes = _mm_maskz_loadu_epi8(here, residual.add(at).cast());
                    let steps = _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes));
                    let steps = _mm512_sub_ps(steps, residual_zero);
                    x = _mm512_add_ps(x, _mm512_mul_ps(steps, residual_scale));
                }
                x = outer.apply::<OUTER>(x);
                // The minimum hands a NaN on, which becomes the least integer.
                x = _mm512_min_ps(_mm512_set1_ps(256.0), _mm512_mul_ps(x, inverse));
                _mm512_cvtps_epi32(x)
            }
        };
        let zero = _mm512_set1_epi16(i16::from(code.zero()));
        // Channels of a pixel lie in four parts after the packing, those of the pixels side by side.
        let sorted = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
        let packed = |[a, b, c, d]: [__m512i; 4]| {
            let lower = _mm512_adds_epi16(_mm512_packs_epi32(a, b), zero);
            let upper = _mm512_adds_epi16(_mm512_packs_epi32(c, d), zero);
            let bytes = _mm512_permutexvar_epi32(sorted, _mm512_packus_epi16(lower, upper));
            [
                _mm512_castsi512_si128(bytes),
                _mm512_extracti32x4_epi32::<1>(bytes),
                _mm512_extracti32x4_epi32::<2>(bytes),
                _mm512_extracti32x4_epi32::<3>(bytes),
            ]
        };
        let store = |into: *mut u8, bytes: __m128i| {
            // SAFETY: the caller vouches for the channels of the mask in the result.
            unsafe {
                match here {
                    0xffff => _mm_storeu_si128(into.cast(), bytes),
                    _ => _mm_mask_storeu_epi8(into.cast(), here, bytes),
                }
            }
        };
        let mut at = pixel * pitch + channel;
        let (fours, rest) = sums.as_chunks::<{ 4 * COLUMNS }>();
        for sums in fours {
            let sums = sums.as_ptr();
            // SAFETY: the caller vouches for the channels of the mask in the result.
            unsafe {
                let [a, b, c, d] = packed([
                    steps(sums, at),
                    steps(sums.add(COLUMNS), at + pitch),
                    steps(sums.add(2 * COLUMNS), at + 2 * pitch),
                    steps(sums.add(3 * COLUMNS), at + 3 * pitch),
                ]);
                let into = y.as_mut_ptr().add(at);
                store(into, a);
                store(into.add(pitch), b);
                store(into.add(2 * pitch), c);
                store(into.add(3 * pitch), d);
            }
            at += 4 * pitch;
        }
        for sums in rest.as_chunks::<COLUMNS>().0 {
            // SAFETY: as above.
            unsafe {
                let [bytes, ..] = packed([steps(sums.as_ptr(), at); 4]);
                store(y.as_mut_ptr().add(at), bytes);
            }
            at += pitch;
        }
    }
}

/// No rectifier.
const NONE: u8 = 0;
/// One that is the maximum with 0.
const PLAIN: u8 = 1;
/// Any other.
const SLOPED: u8 = 2;

/// A [`Rectifier`] of 16 channels; one that changes nothing where there is none.
struct Rectified {
    slopes: __m512,
    cap: __m512,
}

impl Rectified {
    /// # Safety
    /// A rectifier must have slopes for 16 channels from `channel` on.
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn new(of: Option<&Rectifier>, channel: usize) -> Self {
        match of {
            // SAFETY: the caller vouches for the slopes.
            Some(r) => unsafe {
                let slopes = _mm512_loadu_ps(r.slopes.as_ptr().add(channel));
                Self { slopes, cap: _mm512_set1_ps(r.cap) }
            },
            None => Self { slopes: _mm512_set1_ps(1.0), cap: _mm512_set1_ps(f32::INFINITY) },
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn apply<const KIND: u8>(&self, x: __m512) -> __m512 {
        match KIND {
            NONE => return x,
            PLAIN => return _mm512_max_ps(x, _mm512_setzero_ps()),
            _ => {}
        }
        let below = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(x, _mm512_setzero_ps());
        _mm512_mask_mul_ps(_mm512_min_ps(x, self.cap), below, x, self.slopes)
    }
}
