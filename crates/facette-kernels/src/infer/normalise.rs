//! Vectors of length 1.

use super::LANES;
use super::lanes::Lanes;
use super::level_task::{Task, run_at};
use crate::Level;

/// Lanes whose squares are summed in `f32` before they are in `f64`.
const BLOCK: usize = 8 * LANES;

/// Squared lengths that sums in `f32` are near enough to.
const USUAL: core::ops::Range<f64> = 1e-24..1e30;

struct Normalise<'a>(&'a mut [f32]);

impl Task for Normalise<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        let (eights, rest) = self.0.as_chunks::<LANES>();
        let mut squared = 0.0;
        for block in eights.chunks(BLOCK / LANES) {
            let mut sums = L::splat(0.0);
            for eight in block {
                let lanes = L::read(eight);
                sums = sums.add(lanes.mul(lanes));
            }
            squared += sums.write().into_iter().map(f64::from).sum::<f64>();
        }
        squared += square(rest);
        if !USUAL.contains(&squared) {
            squared = square(self.0);
        }
        let factor = (1.0 / libm::sqrt(squared).max(1e-12)) as f32;
        let (eights, rest) = self.0.as_chunks_mut::<LANES>();
        for eight in eights {
            *eight = L::read(eight).mul(L::splat(factor)).write();
        }
        rest.iter_mut().for_each(|x| *x *= factor);
    }
}

/// The squared length in `f64`.
#[inline(always)]
fn square(x: &[f32]) -> f64 {
    x.iter().map(|&x| f64::from(x) * f64::from(x)).sum()
}

/// Divides a vector by its Euclidean length, or by 1e-12 where that is more; the same bytes on every
/// level.
pub fn normalise(level: Level, vector: &mut [f32]) {
    run_at(level, Normalise(vector));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_one_on_every_level() {
        let number = |i: usize| ((i * 37 + 11) % 101) as f32 / 25.0 - 2.0;
        for len in [1, 7, 8, 9, 64, 65, 128, 517, 4096] {
            for size in [1.0, 1e-3, 1e25, 1e-16] {
                let x: Vec<f32> = (0..len).map(|i| number(i) * size).collect();
                let length = square(&x).sqrt();
                let mut first: Option<Vec<f32>> = None;
                for &level in Level::available() {
                    let mut y = x.clone();
                    normalise(level, &mut y);
                    for (y, x) in y.iter().zip(&x) {
                        let expected = f64::from(*x) / length.max(1e-12);
                        let apart = (f64::from(*y) - expected).abs();
                        assert!(apart <= 3e-7 * expected.abs(), "{level:?} {len} {size}");
                    }
                    assert_eq!(first.get_or_insert_with(|| y.clone()), &y, "{level:?}");
                }
            }
        }
    }

    #[test]
    fn nothing_stays_nothing() {
        let mut y = [0.0; 9];
        normalise(Level::current(), &mut y);
        assert_eq!(y, [0.0; 9]);
    }
}
