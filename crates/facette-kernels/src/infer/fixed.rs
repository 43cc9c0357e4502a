//! Floats of a known range in fixed point.

use alloc::vec::Vec;

use super::arithmetic::Fixed;
use super::lanes::Lanes;

/// Most steps of an activation.
const MOST: f32 = Fixed::STEPS * Fixed::REACH;

/// The largest sum of the magnitudes of an output's weights whose products with activations add up
/// to 32 bits.
const SUM: f64 = (i32::MAX / MOST as i32) as f64;

impl Fixed {
    /// The usual reach. Activations are within it on either side, to which they are clamped, and
    /// become the nearest whole multiple of 1/16384 of it, of two the even one; a NaN becomes the
    /// least.
    pub const REACH: f32 = 4.0;

    /// Steps of an activation from 0 to 1 of the usual reach.
    pub const STEPS: f32 = 4096.0;

    /// Most weights of an output: of as many equal ones each still has 8 bits and a sign.
    pub const INPUTS: usize = 512;

    /// Weights, `[output][input]`, as whole numbers; and what each output's sum of their products
    /// with activations of `reach` in fixed point has to be multiplied by.
    ///
    /// An output's step is the least with which its weights fit 16 bits and no sum of products runs
    /// over 32, in whatever order: 2^14 times the magnitudes of the weights is below 2^31. `None`
    /// where an output has more weights than [`Fixed::INPUTS`].
    ///
    /// # Panics
    /// Where the weights are not equally many for each output.
    pub fn weights(weight: &[f32], outputs: usize, reach: f32) -> Option<(Vec<i16>, Vec<f32>)> {
        let inputs = weight.len() / outputs.max(1);
        crate::check_len("weight", weight.len(), inputs * outputs);
        if inputs > Self::INPUTS {
            return None;
        }
        let mut whole = Vec::with_capacity(weight.len());
        let mut scales = Vec::with_capacity(outputs);
        for weight in weight.chunks_exact(inputs.max(1)) {
            let magnitudes = weight.iter().map(|&w| f64::from(w.abs()));
            let (sum, most) = magnitudes.fold((0.0, 0.0_f64), |(s, m), w| (s + w, m.max(w)));
            // Rounding adds half a step a weight at most; one is for the rounding here.
            let sums = SUM - 0.5 * inputs as f64 - 1.0;
            let step = (sum / sums).max(most / f64::from(i16::MAX));
            let step = if step > 0.0 { step } else { 1.0 };
            whole.extend(weight.iter().map(|&w| nearest(f64::from(w) / step)));
            scales.push((step / f64::from(unit(reach))) as f32);
        }
        Some((whole, scales))
    }
}

/// The nearest whole number; 0 for a NaN.
fn nearest(value: f64) -> i16 {
    (value + 0.5_f64.copysign(value)) as i16
}

/// Steps from 0 to 1.
pub(super) fn unit(reach: f32) -> f32 {
    MOST / reach
}

/// Activations in steps of which there are `unit` in 1, to be rounded.
#[inline(always)]
pub(super) fn steps<L: Lanes>(x: L, unit: f32) -> L {
    x.mul(L::splat(unit)).at_least(L::splat(-MOST)).at_most(L::splat(MOST))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::infer::arithmetic::rules::Rules;

    #[test]
    fn activations_are_rounded_to_the_nearest_step_and_clamped() {
        for (value, step) in [
            (0.0, 0),
            (-0.0, 0),
            (1.0, 4096),
            (0.5 / 4096.0, 0),
            (1.5 / 4096.0, 2),
            (-2.5 / 4096.0, -2),
            (-3.5 / 4096.0, -4),
            (-0.51 / 4096.0, -1),
            (3.9999, 16384),
            (1e-42, 0),
            (4.5, 16384),
            (-1e30, -16384),
            (f32::MAX, 16384),
            (f32::INFINITY, 16384),
            (f32::NEG_INFINITY, -16384),
            (f32::NAN, -16384),
        ] {
            assert_eq!(Fixed::operand(value, (), unit(Fixed::REACH)), step, "{value}");
            assert_eq!(Fixed::operand(value * 16.0, (), unit(64.0)), step, "{value}");
        }
    }

    #[test]
    fn sums_stay_within_32_bits() {
        let one_large = |n: usize| (0..n).map(|i| if i == 0 { 1e3 } else { 1e-3 }).collect();
        let halves = |n: usize| (0..n).map(|i| if i % 2 == 0 { 1.0 } else { 0.5 / 32767.0 });
        for inputs in [1, 2, 3, 5, 8, 27, 75, 147, 511, Fixed::INPUTS] {
            let kinds: [Vec<f32>; 6] = [
                vec![0.7; inputs],
                vec![-1e-30; inputs],
                vec![f32::MAX; inputs],
                one_large(inputs),
                halves(inputs).collect(),
                (0..inputs).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect(),
            ];
            for weight in kinds {
                let (whole, scales) = Fixed::weights(&weight, 1, Fixed::REACH).unwrap();
                let sum: i64 = whole.iter().map(|&w| i64::from(w).abs()).sum();
                assert!(sum * MOST as i64 <= i64::from(i32::MAX), "{inputs} {}", weight[0]);
                // And of 16 and 32 bits as many are used as can be.
                let most = whole.iter().map(|&w| i32::from(w).abs()).max().unwrap();
                assert!(most == i32::from(i16::MAX) || sum > 130_000, "{inputs} {most} {sum}");
                let step = f64::from(scales[0]) * f64::from(Fixed::STEPS);
                for (&whole, &weight) in whole.iter().zip(&weight) {
                    let apart = (f64::from(whole) * step - f64::from(weight)).abs();
                    assert!(apart <= 0.501 * step, "{inputs} {weight}");
                }
            }
        }
        assert_eq!(Fixed::weights(&vec![1.0; Fixed::INPUTS + 1], 1, Fixed::REACH), None);
    }

    #[test]
    fn outputs_have_steps_of_their_own() {
        let (whole, scales) = Fixed::weights(&[1.0, -0.5, 0.0, 0.0, 64.0, 32.0], 3, 4.0).unwrap();
        assert_eq!(whole, [32767, -16384, 0, 0, 32767, 16384]);
        assert_eq!(scales[1], 1.0 / Fixed::STEPS);
        assert_eq!(scales[2], 64.0 * scales[0]);
        let (whole, _) = Fixed::weights(&[f32::NAN, 1.0, f32::INFINITY, 1.0], 2, 4.0).unwrap();
        assert_eq!(whole[0], 0);
        assert_eq!(Fixed::weights(&[], 0, 4.0), Some((Vec::new(), Vec::new())));
    }
}
