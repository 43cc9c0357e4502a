//! What follows the sums of bytes, sixteen channels at a time, for results in bytes.
//!
//! The same operations in the same order as [`Finish::at`] and the codes of bytes, so that the
//! results are the same to the byte.

use core::arch::x86_64::*;
use core::ptr;

use super::dot::{PANELS, TILES};
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
    /// Whether there is an inner and an outer rectifier.
    rectified: [bool; 2],
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
        Self { finish, pitch, residual, y, rectified, pixels }
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

    fn check(&self, of: &Sums<'_, i32>) {
        let pixels = of.sums.len() / COLUMNS;
        let channels = (self.pitch - of.channel).min(COLUMNS);
        let end = (of.pixel + pixels.max(1) - 1) * self.pitch + of.channel + channels;
        assert!(end <= self.y.0.len(), "the pixels lie beyond the result");
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
            unsafe { hand.four(place) };
            place = place.behind::<RESIDUAL>(4 * COLUMNS, step);
        }
        for _ in rest.as_chunks::<COLUMNS>().0 {
            // SAFETY: as above.
            unsafe { hand.one(place) };
            place = place.behind::<RESIDUAL>(COLUMNS, self.pitch);
        }
    }

    /// What is the same for all pixels.
    fn factors(&self) -> Factors<'a> {
        let residual = self.residual.map_or(self.y.1, |(_, code)| code);
        Factors { finish: self.finish, pitch: self.pitch, residual, code: self.y.1 }
    }

    fn place(&mut self, of: &Sums<'_, i32>) -> Place {
        let at = of.pixel * self.pitch + of.channel;
        let residual = self.residual.map_or(ptr::null(), |(r, _)| r[at..].as_ptr());
        Place { sums: of.sums.as_ptr(), residual, y: self.y.0[at..].as_mut_ptr() }
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
struct Place {
    sums: *const i32,
    residual: *const u8,
    y: *mut u8,
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
struct Hand<const RESIDUAL: bool, const INNER: bool, const OUTER: bool> {
    pitch: usize,
    /// The channels that there are.
    here: u16,
    scale: __m512,
    bias: __m512,
    inner: Rectified,
    outer: Rectified,
    residual_zero: __m512,
    residual_scale: __m512,
    zero: __m512i,
}

impl<const RESIDUAL: bool, const INNER: bool, const OUTER: bool> Hand<RESIDUAL, INNER, OUTER> {
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
                here: 0xffff >> COLUMNS.saturating_sub(pitch - channel),
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
    /// There must be 16 sums, and the channels that there are in the residual.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn steps(&self, sums: *const i32, residual: *const u8) -> __m512i {
        // SAFETY: the caller vouches for both.
        unsafe {
            let sum = _mm512_loadu_si512(sums.cast());
            let x = _mm512_mul_ps(_mm512_cvtepi32_ps(sum), self.scale);
            let mut x = _mm512_add_ps(x, self.bias);
            if INNER {
                x = self.inner.apply(x);
            }
            if RESIDUAL {
                let bytes = match self.here {
                    0xffff => _mm_loadu_si128(residual.cast()),
                    here => _mm_maskz_loadu_epi8(here, residual.cast()),
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
    /// The channels that there are must be in the result.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn store(&self, into: *mut u8, bytes: __m128i) {
        // SAFETY: the caller vouches for them.
        unsafe {
            match self.here {
                0xffff => _mm_storeu_si128(into.cast(), bytes),
                here => _mm_mask_storeu_epi8(into.cast(), here, bytes),
            }
        }
    }

    /// Finishes four pixels.
    ///
    /// # Safety
    /// All of them must be there.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn four(&self, at: Place) {
        let [a, b, c, d] = [0, 1, 2, 3].map(|p| at.behind::<RESIDUAL>(p * COLUMNS, p * self.pitch));
        // SAFETY: the caller vouches for the pixels.
        unsafe {
            let bytes = self.packed([
                self.steps(a.sums, a.residual),
                self.steps(b.sums, b.residual),
                self.steps(c.sums, c.residual),
                self.steps(d.sums, d.residual),
            ]);
            self.store(a.y, bytes[0]);
            self.store(b.y, bytes[1]);
            self.store(c.y, bytes[2]);
            self.store(d.y, bytes[3]);
        }
    }

    /// Finishes one pixel.
    ///
    /// # Safety
    /// It must be there.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn one(&self, at: Place) {
        // SAFETY: the caller vouches for the pixel.
        unsafe {
            let bytes = self.packed([self.steps(at.sums, at.residual); 4]);
            self.store(at.y, bytes[0]);
        }
    }
}

/// Most runs of pixels that wait at a time.
const RUNS: usize = PANELS * TILES;

/// Pixels that are finished four by four between other instructions.
pub(super) struct Waiting<'a> {
    factors: Factors<'a>,
    /// Whether there is a residual, and whether there is a rectifier behind it or, where there is
    /// none, before: the constants of [`Fours`].
    pub(super) way: [bool; 2],
    /// Where each run starts, its first channel and how often it has four pixels.
    runs: [(Place, usize, usize); RUNS],
    count: usize,
    /// All fours.
    pub(super) fours: usize,
}

impl<'a> Waiting<'a> {
    /// `None` where [`Fours`] do not serve.
    pub(super) fn new(of: &Sixteen<'a>) -> Option<Self> {
        let (y, sums, residual) = (ptr::null_mut(), ptr::null(), ptr::null());
        let none = (Place { sums, residual, y }, 0, 0);
        let way = match (of.residual.is_some(), of.rectified) {
            (true, [false, outer]) => [true, outer],
            (false, [inner, false]) => [false, inner],
            _ => return None,
        };
        Some(Self { factors: of.factors(), way, runs: [none; RUNS], count: 0, fours: 0 })
    }

    /// Adds a run, whose sums, residual and result must be left alone until it is finished.
    ///
    /// # Panics
    /// As [`Sixteen::run`], where pixels are no multiple of four, or where there are too many runs.
    pub(super) fn push(&mut self, of: &mut Sixteen<'_>, run: &Sums<'_, i32>) {
        of.check(run);
        assert!(run.sums.len().is_multiple_of(4 * COLUMNS), "fours");
        let fours = run.sums.len() / (4 * COLUMNS);
        self.runs[self.count] = (of.place(run), run.channel, fours);
        self.count += 1;
        self.fours += fours;
    }
}

/// The fours of what waits.
pub(super) struct Fours<'a, const RESIDUAL: bool, const INNER: bool, const OUTER: bool> {
    waiting: &'a Waiting<'a>,
    hand: Hand<RESIDUAL, INNER, OUTER>,
    place: Place,
    /// Fours of this run that are left.
    left: usize,
    /// The run behind it.
    run: usize,
}

impl<'a, const RESIDUAL: bool, const INNER: bool, const OUTER: bool>
    Fours<'a, RESIDUAL, INNER, OUTER>
{
    /// # Safety
    /// [`Waiting::way`] must say so, there must be a run, and what [`Waiting::push`] asks for must
    /// hold.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    pub(super) unsafe fn new(waiting: &'a Waiting<'a>) -> Self {
        let (place, channel, left) = waiting.runs[0];
        // SAFETY: the run's channels were checked.
        let hand = unsafe { Hand::new(waiting.factors, channel) };
        Self { waiting, hand, place, left, run: 1 }
    }

    /// Finishes the next four pixels.
    ///
    /// # Safety
    /// It may be called as often as there are fours.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    pub(super) unsafe fn next(&mut self) {
        if self.left == 0 {
            // SAFETY: the caller vouches that there is another run.
            unsafe { self.take_up() };
        }
        // SAFETY: the run's pixels were checked, and the caller vouches that some are left.
        unsafe { self.hand.four(self.place) };
        self.place = self.place.behind::<RESIDUAL>(4 * COLUMNS, 4 * self.hand.pitch);
        self.left -= 1;
    }

    /// Takes up the next run.
    ///
    /// # Safety
    /// There must be one.
    #[inline(never)]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn take_up(&mut self) {
        let (place, channel, left) = self.waiting.runs[self.run];
        // SAFETY: the run's channels were checked.
        let hand = unsafe { Hand::new(self.waiting.factors, channel) };
        (self.place, self.hand, self.left) = (place, hand, left);
        self.run += 1;
    }
}

/// A [`Rectifier`] of 16 channels, in steps.
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
