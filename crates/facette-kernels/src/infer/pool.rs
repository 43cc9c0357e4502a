//! Maxima and means over windows.

use super::lanes::Lanes;
use super::level_task::{Task, run_at};
use super::value::{Source, Target, Value};
use super::{LANES, pitch};
use crate::conv::{ConvOptions, ConvShape};
use crate::{KernelError, Level, check_len};

/// The windows of a pooling layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window(ConvShape);

impl Window {
    /// Windows of `kernel` over a map of `[channels, height, width]`.
    ///
    /// # Errors
    /// As [`ConvShape::new`], and where a window might see nothing but padding.
    pub fn new(
        [channels, height, width]: [usize; 3],
        kernel: [usize; 2],
        stride: [usize; 2],
        padding: [usize; 2],
    ) -> Result<Self, KernelError> {
        for (axis, i) in [("rows", 0), ("columns", 1)] {
            if 2 * padding[i] > kernel[i] {
                return Err(KernelError::Padding { axis, padding: padding[i], window: kernel[i] });
            }
        }
        let options = ConvOptions { stride, padding, groups: channels, ..ConvOptions::default() };
        ConvShape::new([1, channels, height, width], channels, kernel, options).map(Self)
    }

    #[inline(always)]
    fn reach(&self, axis: usize, at: usize, size: usize) -> core::ops::Range<usize> {
        let (start, padding) = (at * self.0.options.stride[axis], self.0.options.padding[axis]);
        let end = (start + self.0.kernel[axis]).saturating_sub(padding).min(size);
        start.saturating_sub(padding)..end
    }

    /// Whether windows are of two by two pixels, side by side, and all of the map is in them.
    fn halves(&self) -> bool {
        let ConvOptions { stride, padding, dilation, .. } = self.0.options;
        let even = self.0.height.is_multiple_of(2) && self.0.width.is_multiple_of(2);
        even && (self.0.kernel, stride, padding, dilation) == ([2, 2], [2, 2], [0, 0], [1, 1])
    }

    fn check<X: Value, Y: Value>(&self, batch: usize, x: &Source<'_, X>, y: &Target<'_, Y>) {
        let s = &self.0;
        let pitch = pitch(s.in_channels);
        check_len("x", x.values.len(), batch * s.height * s.width * pitch);
        check_len("y", y.values.len(), batch * s.out_height * s.out_width * pitch);
    }
}

struct Pool<'a, X: Value, Y: Value, const MAXIMUM: bool> {
    window: &'a Window,
    batch: usize,
    x: Source<'a, X>,
    y: Target<'a, Y>,
}

impl<X: Value, Y: Value, const MAXIMUM: bool> Task for Pool<'_, X, Y, MAXIMUM> {
    #[inline(always)]
    fn run<L: Lanes>(mut self) {
        let s = self.window.0;
        let (pitch, unit) = (pitch(s.in_channels), self.y.unit());
        let factor = L::splat(unit / s.taps() as f32);
        for pixel in 0..self.batch * s.out_height * s.out_width {
            let (column, row) = (pixel % s.out_width, pixel / s.out_width % s.out_height);
            let first = pixel / (s.out_width * s.out_height) * s.height * s.width;
            let rows = self.window.reach(0, row, s.height);
            let columns = self.window.reach(1, column, s.width);
            for c in (0..pitch).step_by(LANES) {
                let place = |i: usize, j: usize| (first + i * s.width + j) * pitch + c;
                let mut found: L = match MAXIMUM {
                    true => self.x.lanes(place(rows.start, columns.start), 1.0),
                    false => L::splat(0.0),
                };
                for i in rows.clone() {
                    for j in columns.clone() {
                        let x: L = self.x.lanes(place(i, j), 1.0);
                        found = if MAXIMUM { found.less(x, x, found) } else { found.add(x) };
                    }
                }
                let found = if MAXIMUM { found.mul(L::splat(unit)) } else { found.mul(factor) };
                self.y.put(pixel * pitch + c, LANES, found);
            }
        }
    }
}

/// Maxima of bytes, which are bytes again where they stand for the same.
struct Largest<'a> {
    window: &'a Window,
    x: &'a [u8],
    y: &'a mut [u8],
}

impl Task for Largest<'_> {
    #[inline(always)]
    fn run<L: Lanes>(mut self) {
        let (pitch, mut c) = (pitch(self.window.0.in_channels), 0);
        while c < pitch {
            c += match pitch - c {
                64.. => self.channels::<64>(pitch, c),
                32.. => self.channels::<32>(pitch, c),
                16.. => self.channels::<16>(pitch, c),
                _ => self.channels::<8>(pitch, c),
            };
        }
    }
}

impl Largest<'_> {
    /// Channels `c..c + N`; yields N.
    #[inline(always)]
    fn channels<const N: usize>(&mut self, pitch: usize, c: usize) -> usize {
        let s = self.window.0;
        if self.window.halves() {
            self.halve::<N>(pitch, c);
            return N;
        }
        let mut results = self.y.chunks_exact_mut(pitch);
        for picture in self.x.chunks_exact(s.height * s.width * pitch) {
            for row in 0..s.out_height {
                let rows = self.window.reach(0, row, s.height);
                for (column, y) in results.by_ref().take(s.out_width).enumerate() {
                    let columns = self.window.reach(1, column, s.width);
                    let mut largest = [0; N];
                    for i in rows.clone() {
                        let line = &picture[(i * s.width + columns.start) * pitch..];
                        for x in line.chunks_exact(pitch).take(columns.len()) {
                            for (largest, &x) in largest.iter_mut().zip(&x[c..c + N]) {
                                *largest = x.max(*largest);
                            }
                        }
                    }
                    y[c..c + N].copy_from_slice(&largest);
                }
            }
        }
        N
    }

    /// The same where each window is of two by two pixels that no other has.
    #[inline(always)]
    fn halve<const N: usize>(&mut self, pitch: usize, c: usize) {
        let line = self.window.0.width * pitch;
        let results = self.y.chunks_exact_mut(line / 2);
        for (lines, results) in self.x.chunks_exact(2 * line).zip(results) {
            let (upper, lower) = lines.split_at(line);
            let pairs = upper.chunks_exact(2 * pitch).zip(lower.chunks_exact(2 * pitch));
            for ((upper, lower), y) in pairs.zip(results.chunks_exact_mut(pitch)) {
                let mut largest = [0; N];
                for x in [&upper[c..], &upper[pitch + c..], &lower[c..], &lower[pitch + c..]] {
                    largest.iter_mut().zip(&x[..N]).for_each(|(y, &x)| *y = x.max(*y));
                }
                y[c..c + N].copy_from_slice(&largest);
            }
        }
    }
}

/// The largest value of each window; padding is not looked at.
///
/// # Panics
/// Where a slice is not as long as batch and shape say.
pub fn maximum<X: Value, Y: Value>(
    level: Level,
    window: &Window,
    batch: usize,
    x: Source<'_, X>,
    mut y: Target<'_, Y>,
) {
    window.check(batch, &x, &y);
    if let Some((x, code)) = x.bytes()
        && let Some(y) = y.bytes_of(code)
    {
        return run_at(level, Largest { window, x, y });
    }
    run_at(level, Pool::<_, _, true> { window, batch, x, y });
}

/// The mean of each window; padding counts as zeros.
///
/// # Panics
/// Where a slice is not as long as batch and shape say.
pub fn average<X: Value, Y: Value>(
    level: Level,
    window: &Window,
    batch: usize,
    x: Source<'_, X>,
    y: Target<'_, Y>,
) {
    window.check(batch, &x, &y);
    run_at(level, Pool::<_, _, false> { window, batch, x, y });
}

/// The mean of each channel over a map of `[channels, height, width]`.
///
/// # Errors
/// As [`Window::new`].
///
/// # Panics
/// Where a slice is not as long as batch and shape say.
pub fn global_average<X: Value, Y: Value>(
    level: Level,
    map: [usize; 3],
    batch: usize,
    x: Source<'_, X>,
    y: Target<'_, Y>,
) -> Result<(), KernelError> {
    let window = Window::new(map, [map[1], map[2]], [1, 1], [0, 0])?;
    average(level, &window, batch, x, y);
    Ok(())
}
