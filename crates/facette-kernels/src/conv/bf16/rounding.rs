//! Rounding to bfloat16: the upper half of an `f32`.

use rayon::prelude::*;

use crate::Level;
use crate::level::vectorised;

/// Elements that a task rounds.
const PART: usize = 1 << 15;

/// Bits whose upper half is `value` in bfloat16, rounded to nearest, ties to even. What is not a
/// number stays so.
#[inline(always)]
fn upper(value: f32) -> u32 {
    let bits = value.to_bits();
    // A carry into the exponent is what rounding up to the next power of two, or to infinity, is.
    let rounded = bits.wrapping_add(0x7fff + (bits >> 16 & 1));
    if value.is_nan() { bits | 0x0040_0000 } else { rounded }
}

/// The nearest bfloat16, ties to even.
pub fn round(value: f32) -> f32 {
    f32::from_bits(upper(value) & 0xffff_0000)
}

/// A value as a bfloat16.
#[inline(always)]
pub(super) fn half(value: f32) -> u16 {
    (upper(value) >> 16) as u16
}

/// Two values as bfloat16s, `low` at the lower address.
#[inline(always)]
pub(super) fn pair(low: f32, high: f32) -> u32 {
    upper(low) >> 16 | upper(high) & 0xffff_0000
}

vectorised! {
    fn copy<V>(from: &[f32], into: &mut [f32]) {
        for (into, from) in into.iter_mut().zip(from) {
            *into = round(*from);
        }
    }
}

/// All of `values` rounded.
pub(super) fn rounded(level: Level, values: &[f32]) -> Vec<f32> {
    let mut rounded = vec![0.0; values.len()];
    let parts = rounded.par_chunks_mut(PART).zip(values.par_chunks(PART));
    parts.for_each(|(into, from)| copy(level, from, into));
    rounded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_is_taken_and_ties_go_to_even() {
        // One more than 2^-8 is the last place of a bfloat16 near 1.
        let last = 1.0 / 128.0;
        for (value, nearest) in [
            (1.0, 1.0),
            (1.0 + 0.49 * last, 1.0),
            (1.0 + 0.5 * last, 1.0),
            (1.0 + 0.51 * last, 1.0 + last),
            (1.0 + 1.5 * last, 1.0 + 2.0 * last),
            (-1.0 - 1.5 * last, -1.0 - 2.0 * last),
            (2.0 - 0.25 * last, 2.0),
            (0.0, 0.0),
            (f32::MAX, f32::INFINITY),
            (f32::NEG_INFINITY, f32::NEG_INFINITY),
        ] {
            assert_eq!(round(value), nearest, "{value}");
            assert_eq!(f32::from_bits(u32::from(half(value)) << 16), nearest, "{value}");
        }
        for nan in [f32::NAN, f32::from_bits(0x7f80_0001), f32::from_bits(0xffff_ffff)] {
            assert!(round(nan).is_nan());
        }
    }
}
