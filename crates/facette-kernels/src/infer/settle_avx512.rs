//! What follows the sums of bytes, sixteen channels at a time, for results in bytes.
//!
//! The same operations in the same order as [`Finish::lanes`] and the codes of bytes, so that the
//! results are the same to the byte.

use core::arch::x86_64::*;

use super::dot::COLUMNS;
use super::finish::{Finish, Rectifier};
use super::value::Code;

/// The sums of one tile by one panel.
pub(super) struct Settle<'a> {
    /// `[pixel][COLUMNS]`
    pub(super) sums: &'a [i32],
    pub(super) finish: &'a Finish,
    /// First channel.
    pub(super) channel: usize,
    /// Where the first pixel's value of that channel is.
    pub(super) at: usize,
    /// From one pixel to the next.
    pub(super) pitch: usize,
    pub(super) residual: Option<(&'a [u8], Code)>,
    pub(super) y: (&'a mut [u8], Code),
}

impl Settle<'_> {
    /// Finishes all pixels.
    ///
    /// # Safety
    /// The processor must have AVX-512 F, BW, DQ and VL.
    ///
    /// # Panics
    /// Where the pixels are not within residual and result, or the channels not within `finish`.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    pub(super) unsafe fn run(self) {
        let pixels = self.sums.len() / COLUMNS;
        let channels = (self.pitch - self.channel).min(COLUMNS);
        let end = self.at + (pixels.max(1) - 1) * self.pitch + channels;
        assert!(end <= self.y.0.len(), "the pixels lie beyond the result");
        assert!(self.residual.is_none_or(|(r, _)| end <= r.len()), "and beyond the residual");
        assert!(self.channel + COLUMNS <= self.finish.padded(), "channels that are not finished");
        // SAFETY: the extents were just checked, and the caller vouches for the processor.
        unsafe {
            match (self.finish.inner.is_some(), self.residual) {
                (false, None) => self.pixels::<false, false>(),
                (false, Some(_)) => self.pixels::<false, true>(),
                (true, None) => self.pixels::<true, false>(),
                (true, Some(_)) => self.pixels::<true, true>(),
            }
        }
    }

    /// # Safety
    /// As for [`Settle::run`], whose checks must have passed; INNER and RESIDUAL say what there is.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn pixels<const INNER: bool, const RESIDUAL: bool>(self) {
        let Self { sums, finish, channel, at, pitch, residual, y: (y, code) } = self;
        let pixels = sums.len() / COLUMNS;
        let here = 0xffff_u16 >> COLUMNS.saturating_sub(pitch - channel);
        // SAFETY: the caller vouches for 16 factors of each kind.
        let (scale, bias) = unsafe {
            let read = |from: &[f32]| _mm512_loadu_ps(from.as_ptr().add(channel));
            (read(&finish.scale), read(&finish.bias))
        };
        // SAFETY: as above.
        let [inner, outer] =
            [&finish.inner, &finish.outer].map(|r| unsafe { Rectified::new(r.as_ref(), channel) });
        let (residual, of_residual) = match residual {
            Some((values, code)) => (values.as_ptr(), code),
            None => (core::ptr::null(), code),
        };
        let residual_zero = _mm512_set1_ps(f32::from(of_residual.zero()));
        let residual_scale = _mm512_set1_ps(of_residual.scale());
        let inverse = _mm512_set1_ps(code.inverse());
        let zero = _mm512_set1_epi32(i32::from(code.zero()));
        for pixel in 0..pixels {
            let i = at + pixel * pitch;
            // SAFETY: the caller vouches for 16 sums a pixel, and for the channels of the mask in
            // residual and result.
            unsafe {
                let sum = _mm512_loadu_si512(sums.as_ptr().add(pixel * COLUMNS).cast());
                let mut x = _mm512_mul_ps(_mm512_cvtepi32_ps(sum), scale);
                x = _mm512_add_ps(x, bias);
                if INNER {
                    x = inner.apply(x);
                }
                if RESIDUAL {
                    let bytes = _mm_maskz_loadu_epi8(here, residual.add(i).cast());
                    let steps = _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes));
                    let steps = _mm512_sub_ps(steps, residual_zero);
                    x = _mm512_add_ps(x, _mm512_mul_ps(steps, residual_scale));
                }
                x = outer.apply(x);
                // The minimum hands a NaN on, which becomes the least integer.
                let steps = _mm512_min_ps(_mm512_set1_ps(256.0), _mm512_mul_ps(x, inverse));
                let sums = _mm512_add_epi32(_mm512_cvtps_epi32(steps), zero);
                let sums = _mm512_max_epi32(sums, _mm512_setzero_si512());
                let bytes = _mm512_cvtusepi32_epi8(sums);
                _mm_mask_storeu_epi8(y.as_mut_ptr().add(i).cast(), here, bytes);
            }
        }
    }
}

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
    fn apply(&self, x: __m512) -> __m512 {
        let below = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(x, _mm512_setzero_ps());
        _mm512_mask_mul_ps(_mm512_min_ps(x, self.cap), below, x, self.slopes)
    }
}
