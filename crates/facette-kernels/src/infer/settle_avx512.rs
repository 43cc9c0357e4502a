//! What follows the sums of bytes, sixteen channels at a time, for results in bytes.
//!
//! The same operations in the same order as [`Finish::at`] and the codes of bytes, so that the
//! results are the same to the byte.

use core::arch::x86_64::*;
use core::marker::PhantomData;
use core::ptr;

use super::finish::{Finish, Rectifier};
use super::settle::Sums;
use super::tile::COLUMNS;
use super::value::Code;
use crate::Level;

/// All channels of a mask.
pub(super) const ALL: u16 = 0xffff;

/// What follows the sums of a layer.
pub(super) struct Sixteen<'a> {
    finish: &'a Finish,
    /// From one pixel to the next.
    pitch: usize,
    residual: Option<(&'a [u8], Code)>,
    /// Where the results are, so many bytes.
    y: *mut u8,
    len: usize,
    code: Code,
    results: PhantomData<&'a mut [u8]>,
    /// Whether there is an inner and an outer rectifier.
    pub(super) rectified: [bool; 2],
    pixels: unsafe fn(&mut Self, &Sums<'_, i32>),
}

impl<'a> Sixteen<'a> {
    /// Whether the results are those of [`Finish::at`] whatever the sums, in steps of which there
    /// are `unit` in 1.
    pub(super) fn serves(finish: &Finish, residual: Option<Code>, unit: f32) -> bool {
        finish.stays_whole(unit, residual.map_or(0.0, |code| code.scale() * unit))
    }

    /// # Panics
    /// Where the level is below AVX-512, or this does not serve.
    pub(super) fn new(
        level: Level,
        finish: &'a Finish,
        residual: Option<(&'a [u8], Code)>,
        y: (&'a mut [u8], Code),
    ) -> Self {
        assert!(level.runs(Level::Avx512), "{level:?} has no registers of sixteen");
        assert!(Self::serves(finish, residual.map(|r| r.1), y.1.unit()), "steps beyond 32 bits");
        // Packing stops at 0 by itself.
        let last = |r: &&Rectifier| !(r.is_plain() && y.1.zero() == 0);
        let (inner, outer) = match residual {
            Some(_) => (finish.inner.as_ref(), finish.outer.as_ref().filter(last)),
            None if finish.outer.is_some() => (finish.inner.as_ref(), finish.outer.as_ref()),
            None => (finish.inner.as_ref().filter(last), None),
        };
        let rectified = [inner.is_some(), outer.is_some()];
        let pixels = match (residual.is_some(), rectified) {
            (false, [false, false]) => Self::pixels::<false, false, false>,
            (false, [true, false]) => Self::pixels::<false, true, false>,
            (false, _) => Self::pixels::<false, true, true>,
            (true, [false, false]) => Self::pixels::<true, false, false>,
            (true, [false, true]) => Self::pixels::<true, false, true>,
            (true, [true, false]) => Self::pixels::<true, true, false>,
            (true, [true, true]) => Self::pixels::<true, true, true>,
        };
        let pitch = super::pitch(finish.channels());
        let (len, code, y) = (y.0.len(), y.1, y.0.as_mut_ptr());
        Self { finish, pitch, residual, y, len, code, results: PhantomData, rectified, pixels }
    }

    /// Finishes some pixels.
    ///
    /// # Panics
    /// Where the pixels are not within residual and result, or the channels not within the finish.
    pub(super) fn run(&mut self, of: &Sums<'_, i32>) {
        self.check(of);
        // SAFETY: the extents were just checked, and there is no such object without AVX-512.
        unsafe { (self.pixels)(self, of) }
    }

    /// From one pixel to the next.
    pub(super) fn pitch(&self) -> usize {
        self.pitch
    }

    /// Where residual and results start.
    pub(super) fn places(&self) -> (*const u8, *mut u8) {
        (self.residual.map_or(ptr::null(), |(r, _)| r.as_ptr()), self.y)
    }

    /// Whether there are sixteen channels in each panel.
    pub(super) fn is_full(&self) -> bool {
        self.pitch.is_multiple_of(COLUMNS)
    }

    /// Whether there is a residual.
    pub(super) fn has_residual(&self) -> bool {
        self.residual.is_some()
    }

    /// # Panics
    /// Where not all channels of so many pixels are within residual and result.
    pub(super) fn check_pixels(&self, pixels: usize) {
        let end = pixels * self.pitch;
        assert!(end <= self.len, "the pixels lie beyond the result");
        assert!(self.residual.is_none_or(|(r, _)| end <= r.len()), "and beyond the residual");
    }

    /// # Panics
    /// As [`Sixteen::run`].
    pub(super) fn check(&self, of: &Sums<'_, i32>) {
        let pixels = of.sums.len() / COLUMNS;
        let channels = (self.pitch - of.channel).min(COLUMNS);
        let end = (of.pixel + pixels.max(1) - 1) * self.pitch + of.channel + channels;
        assert!(end <= self.len, "the pixels lie beyond the result");
        assert!(self.residual.is_none_or(|(r, _)| end <= r.len()), "and beyond the residual");
        assert!(of.channel + COLUMNS <= self.finish.padded(), "channels that are not finished");
    }

    /// # Safety
    /// The processor must have AVX-512, the checks of [`Sixteen::run`] must have passed, and the
    /// constants say what there is.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn pixels<const RESIDUAL: bool, const INNER: bool, const OUTER: bool>(
        &mut self,
        of: &Sums<'_, i32>,
    ) {
        // SAFETY: the caller vouches for the channel.
        let hand = unsafe { Hand::<RESIDUAL, INNER, OUTER>::new(self.factors(), of.channel) };
        let (mut place, step) = (self.place(of), 4 * self.pitch);
        let (fours, rest) = of.sums.as_chunks::<{ 4 * COLUMNS }>();
        for _ in fours {
            // SAFETY: the caller vouches for the pixels.
            unsafe {
                match hand.here {
                    ALL => hand.four::<true>(place),
                    _ => hand.four::<false>(place),
                }
            }
            place = place.behind::<RESIDUAL>(4 * COLUMNS, step);
        }
        for _ in rest.as_chunks::<COLUMNS>().0 {
            // SAFETY: as above.
            unsafe { hand.one_of(_mm512_loadu_si512(place.sums.cast()), place.residual, place.y) };
            place = place.behind::<RESIDUAL>(COLUMNS, self.pitch);
        }
    }

    /// What is the same for all pixels.
    fn factors(&self) -> Factors<'a> {
        let residual = self.residual.map_or(self.code, |(_, code)| code);
        Factors { finish: self.finish, pitch: self.pitch, residual, code: self.code }
    }

    fn place(&self, of: &Sums<'_, i32>) -> Place {
        let at = of.pixel * self.pitch + of.channel;
        let residual = self.residual.map_or(ptr::null(), |(r, _)| r[at..].as_ptr());
        Place { sums: of.sums.as_ptr(), residual, y: self.y.wrapping_add(at) }
    }
}

/// What is the same for all pixels of a layer.
#[derive(Clone, Copy)]
struct Factors<'a> {
    finish: &'a Finish,
    pitch: usize,
    residual: Code,
    code: Code,
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
    fn behind<const RESIDUAL: bool>(self, sums: usize, bytes: usize) -> Self {
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
    pub(super) fn of(of: &Sixteen<'_>, channel: usize) -> Self {
        assert!(channel + COLUMNS <= of.finish.padded(), "channels that are not finished");
        // SAFETY: the channels were just checked.
        unsafe { Self::new(of.factors(), channel) }
    }

    /// # Safety
    /// The processor must have AVX-512, and the finish 16 channels from `channel` on.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn new(of: Factors<'_>, channel: usize) -> Self {
        let Factors { finish, pitch, residual, code } = of;
        let unit = code.unit();
        // SAFETY: the caller vouches for 16 factors of each kind.
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
