//! Planes rounded and laid on grids, and results taken off them.

use std::mem::MaybeUninit;

use super::rounding::{half, pair};
use crate::fresh::Fresh;
use crate::level::vectorised;

/// Pixels of a plane that lie on one grid: every `step`th of every so many rows, from `start` on.
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
    /// Positions from one row to the next.
    pub(super) positions: usize,
}

/// The same plane of several pictures.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pictures {
    /// Pictures.
    pub(super) count: usize,
    /// Elements from one to the next.
    pub(super) elements: usize,
    /// Positions from one to the next.
    pub(super) positions: usize,
}

/// Calls a function with the width where it is a usual one, or with 0: the compiler unrolls what it
/// knows.
macro_rules! with_width {
    ($rows:expr, $function:ident($($arg:expr),*)) => {
        match $rows.width {
            2 => $function::<2>($($arg),*),
            4 => $function::<4>($($arg),*),
            8 => $function::<8>($($arg),*),
            16 => $function::<16>($($arg),*),
            32 => $function::<32>($($arg),*),
            _ => $function::<0>($($arg),*),
        }
    };
}

/// Calls `each(position, element)` for every pixel.
#[inline(always)]
fn visit<const WIDTH: usize>(r: Rows, p: Pictures, mut each: impl FnMut(usize, usize)) {
    let width = if WIDTH == 0 { r.width } else { WIDTH };
    if WIDTH == 0 && (r.count, r.width) == (1, 1) {
        return (0..p.count).for_each(|n| each(n * p.positions, r.start + n * p.elements));
    }
    for n in 0..p.count {
        for row in 0..r.count {
            let position = n * p.positions + row * r.positions;
            let element = n * p.elements + r.start + row * r.pitch;
            match r.step {
                1 => (0..width).for_each(|i| each(position + i, element + i)),
                2 => (0..width).for_each(|i| each(position + i, element + 2 * i)),
                step => (0..width).for_each(|i| each(position + i, element + step * i)),
            }
        }
    }
}

/// Where what [`visit`] reaches ends: elements, positions.
fn extents(r: Rows, p: Pictures) -> [usize; 2] {
    if r.count == 0 || r.width == 0 || p.count == 0 {
        return [0, 0];
    }
    let (pictures, rows, columns) = (p.count - 1, r.count - 1, r.width - 1);
    [
        pictures * p.elements + r.start + rows * r.pitch + columns * r.step + 1,
        pictures * p.positions + rows * r.positions + r.width,
    ]
}

#[inline(always)]
fn halves_of<const WIDTH: usize>(r: Rows, p: Pictures, from: &[f32], into: &mut [u16]) {
    let [elements, positions] = extents(r, p);
    let (from, into) = (&from[..elements], &mut into[..positions]);
    visit::<WIDTH>(r, p, |position, element| {
        // SAFETY: `extents` are the ends of what is visited, and the slices are cut to them.
        unsafe { *into.get_unchecked_mut(position) = half(*from.get_unchecked(element)) };
    });
}

vectorised! {
    /// A plane of each picture as bfloat16s.
    pub(super) fn halves<V>(r: Rows, p: Pictures, from: &[f32], into: &mut [u16]) {
        with_width!(r, halves_of(r, p, from, into));
    }
}

#[inline(always)]
fn pairs_of<const WIDTH: usize>(
    r: Rows,
    p: Pictures,
    low: &[f32],
    high: Option<&[f32]>,
    into: &mut [u32],
) {
    let [elements, positions] = extents(r, p);
    let (low, into) = (&low[..elements], &mut into[..positions]);
    // SAFETY, of both: `extents` are the ends of what is visited, and the slices are cut to them.
    if let Some(high) = high {
        let high = &high[..elements];
        visit::<WIDTH>(r, p, |position, element| {
            // SAFETY: see above.
            unsafe {
                let values = pair(*low.get_unchecked(element), *high.get_unchecked(element));
                *into.get_unchecked_mut(position) = values;
            }
        });
    } else {
        visit::<WIDTH>(r, p, |position, element| {
            // SAFETY: see above.
            unsafe {
                *into.get_unchecked_mut(position) = pair(*low.get_unchecked(element), 0.0);
            }
        });
    }
}

vectorised! {
    /// Two planes of each picture, the second of zeros where there is none, as pairs of bfloat16s.
    pub(super) fn pairs<V>(
        r: Rows,
        p: Pictures,
        low: &[f32],
        high: Option<&[f32]>,
        into: &mut [u32],
    ) {
        with_width!(r, pairs_of(r, p, low, high, into));
    }
}

#[inline(always)]
fn put_of<const WIDTH: usize>(r: Rows, p: Pictures, from: &[f32], bias: f32, into: &mut Fresh) {
    let [elements, positions] = extents(r, p);
    let (from, into) = (&from[..positions], &mut into[..elements]);
    visit::<WIDTH>(r, p, |position, element| {
        // SAFETY: `extents` are the ends of what is visited, and the slices are cut to them.
        unsafe {
            let value = *from.get_unchecked(position) + bias;
            *into.get_unchecked_mut(element) = MaybeUninit::new(value);
        }
    });
}

vectorised! {
    /// Results, plus `bias`, to a plane of each picture.
    pub(super) fn put<V>(r: Rows, p: Pictures, from: &[f32], bias: f32, into: &mut Fresh) {
        with_width!(r, put_of(r, p, from, bias, into));
    }
}
