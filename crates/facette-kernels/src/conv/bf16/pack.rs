//! Planes rounded and laid on grids, and results taken off them.

use std::mem::MaybeUninit;

use super::rounding::{half, pair};
use crate::fresh::Fresh;
use crate::level::vectorised;

/// Rows of a plane, every `step`th of its pixels from `start` on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows {
    /// First pixel.
    pub(super) start: usize,
    /// Rows.
    pub(super) count: usize,
    /// Elements from one row to the next.
    pub(super) pitch: usize,
    /// Pixels of a row.
    pub(super) width: usize,
    /// Elements from one pixel to the next.
    pub(super) step: usize,
}

/// Calls `rows` with a width that the compiler knows where it is a usual one, or with 0.
macro_rules! with_width {
    ($width:expr, $function:ident($($arg:expr),*)) => {
        match $width {
            2 => $function::<2>($($arg),*),
            4 => $function::<4>($($arg),*),
            8 => $function::<8>($($arg),*),
            16 => $function::<16>($($arg),*),
            32 => $function::<32>($($arg),*),
            _ => $function::<0>($($arg),*),
        }
    };
}

/// Calls `each(position, element)` for every pixel; positions of rows are `pitch` apart.
#[inline(always)]
fn visit<const WIDTH: usize>(r: Rows, pitch: usize, mut each: impl FnMut(usize, usize)) {
    let width = if WIDTH == 0 { r.width } else { WIDTH };
    for row in 0..r.count {
        let (position, element) = (row * pitch, r.start + row * r.pitch);
        match r.step {
            1 => (0..width).for_each(|i| each(position + i, element + i)),
            2 => (0..width).for_each(|i| each(position + i, element + 2 * i)),
            step => (0..width).for_each(|i| each(position + i, element + step * i)),
        }
    }
}

/// Elements that [`visit`] reaches, in the plane and on the grid.
fn extents(r: Rows, pitch: usize) -> [usize; 2] {
    if r.count == 0 || r.width == 0 {
        return [0, 0];
    }
    let rows = r.count - 1;
    [r.start + rows * r.pitch + (r.width - 1) * r.step + 1, rows * pitch + r.width]
}

#[inline(always)]
fn halves_of<const WIDTH: usize>(r: Rows, from: &[f32], pitch: usize, into: &mut [u16]) {
    let [elements, positions] = extents(r, pitch);
    let (from, into) = (&from[..elements], &mut into[..positions]);
    visit::<WIDTH>(r, pitch, |position, element| {
        // SAFETY: `extents` are the ends of what is visited, and the slices are cut to them.
        unsafe { *into.get_unchecked_mut(position) = half(*from.get_unchecked(element)) };
    });
}

vectorised! {
    /// A plane as bfloat16s, rows `pitch` apart.
    pub(super) fn halves<V>(r: Rows, from: &[f32], pitch: usize, into: &mut [u16]) {
        with_width!(r.width, halves_of(r, from, pitch, into));
    }
}

#[inline(always)]
fn pairs_of<const WIDTH: usize>(
    r: Rows,
    low: &[f32],
    high: &[f32],
    pitch: usize,
    into: &mut [u32],
) {
    let [elements, positions] = extents(r, pitch);
    let (low, high, into) = (&low[..elements], &high[..elements], &mut into[..positions]);
    visit::<WIDTH>(r, pitch, |position, element| {
        // SAFETY: `extents` are the ends of what is visited, and the slices are cut to them.
        unsafe {
            let values = pair(*low.get_unchecked(element), *high.get_unchecked(element));
            *into.get_unchecked_mut(position) = values;
        }
    });
}

vectorised! {
    /// Two planes as bfloat16s side by side, rows `pitch` apart.
    pub(super) fn pairs<V>(r: Rows, low: &[f32], high: &[f32], pitch: usize, into: &mut [u32]) {
        with_width!(r.width, pairs_of(r, low, high, pitch, into));
    }
}

#[inline(always)]
fn put_of<const WIDTH: usize>(r: Rows, from: &[f32], pitch: usize, bias: f32, into: &mut Fresh) {
    let [elements, positions] = extents(r, pitch);
    let (from, into) = (&from[..positions], &mut into[..elements]);
    visit::<WIDTH>(r, pitch, |position, element| {
        // SAFETY: `extents` are the ends of what is visited, and the slices are cut to them.
        unsafe {
            let value = *from.get_unchecked(position) + bias;
            *into.get_unchecked_mut(element) = MaybeUninit::new(value);
        }
    });
}

vectorised! {
    /// Results from rows `pitch` apart, plus `bias`, to a plane.
    pub(super) fn put<V>(r: Rows, from: &[f32], pitch: usize, bias: f32, into: &mut Fresh) {
        with_width!(r.width, put_of(r, from, pitch, bias, into));
    }
}
