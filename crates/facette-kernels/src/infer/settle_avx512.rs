//! What follows the sums of bytes, sixteen channels at a time, for results in bytes.

use core::arch::x86_64::*;
use core::marker::PhantomData;
use core::ptr;

use super::finish::{Finish, Rectifier};
use super::following::{Following, Known};
use super::hand_avx512::{ALL, Factors, Hand, Place};
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
    /// Where the results are, so many bytes.
    y: *mut u8,
    len: usize,
    code: Code,
    results: PhantomData<&'a mut [u8]>,
    /// Whether there is an inner and an outer rectifier.
    pub(super) rectified: [bool; 2],
    /// Whether a byte other than 0 stands for 0, in the residual or the result.
    pub(super) shifted: bool,
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
        let shifted = y.1.zero() != 0 || residual.is_some_and(|(_, code)| code.zero() != 0);
        let pixels = match (residual.is_some(), rectified, shifted) {
            (false, [false, false], false) => Self::pixels::<Known<false, false, false, false>>,
            (false, [false, false], true) => Self::pixels::<Known<false, false, false, true>>,
            (false, [true, false], _) => Self::pixels::<Known<false, true, false, true>>,
            (false, ..) => Self::pixels::<Known<false, true, true, true>>,
            (true, [false, false], false) => Self::pixels::<Known<true, false, false, false>>,
            (true, [false, false], true) => Self::pixels::<Known<true, false, false, true>>,
            (true, [false, true], _) => Self::pixels::<Known<true, false, true, true>>,
            (true, [true, false], _) => Self::pixels::<Known<true, true, false, true>>,
            (true, [true, true], _) => Self::pixels::<Known<true, true, true, true>>,
        };
        let pitch = super::pitch(finish.channels());
        let (len, code, y) = (y.0.len(), y.1, y.0.as_mut_ptr());
        Self {
            finish,
            pitch,
            residual,
            y,
            len,
            code,
            results: PhantomData,
            rectified,
            shifted,
            pixels,
        }
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
    /// The processor must have AVX-512, the checks of [`Sixteen::run`] must have passed, and F say
    /// what there is.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn pixels<F: Following>(&mut self, of: &Sums<'_, i32>) {
        let hand = Hand::of(self.factors(), of.channel);
        let (mut place, step) = (self.place(of), 4 * self.pitch);
        let (fours, rest) = of.sums.as_chunks::<{ 4 * COLUMNS }>();
        for _ in fours {
            // SAFETY: the caller vouches for the pixels.
            unsafe {
                match hand.here {
                    ALL => hand.four::<F, true>(place),
                    _ => hand.four::<F, false>(place),
                }
            }
            place = place.behind::<F>(4 * COLUMNS, step);
        }
        for _ in rest.as_chunks::<COLUMNS>().0 {
            // SAFETY: as above.
            unsafe {
                hand.one_of::<F>(_mm512_loadu_si512(place.sums.cast()), place.residual, place.y)
            };
            place = place.behind::<F>(COLUMNS, self.pitch);
        }
    }

    /// What is the same for all pixels.
    pub(super) fn factors(&self) -> Factors<'a> {
        let residual = self.residual.map_or(self.code, |(_, code)| code);
        Factors { finish: self.finish, pitch: self.pitch, residual, code: self.code }
    }

    fn place(&self, of: &Sums<'_, i32>) -> Place {
        let at = of.pixel * self.pitch + of.channel;
        let residual = self.residual.map_or(ptr::null(), |(r, _)| r[at..].as_ptr());
        Place { sums: of.sums.as_ptr(), residual, y: self.y.wrapping_add(at) }
    }
}
