//! The weights of one direction of a separable resampling.

use alloc::vec::Vec;

use libm::{ceil, floor};

use crate::Border;
use crate::kernel::{Kernel, cubic, lanczos};

/// For each output position the source positions that contribute, and their weights.
///
/// Holds its memory between uses, so that filling it again allocates nothing.
#[derive(Clone, Debug, Default)]
pub struct Axis {
    spans: Vec<Span>,
    weights: Vec<f64>,
}

#[derive(Clone, Copy, Debug)]
struct Span {
    first: usize,
    offset: usize,
}

/// The interval of the source that is resampled, in source pixels; may reach beyond the source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Start.
    pub from: f64,
    /// End.
    pub to: f64,
}

impl Interval {
    /// All of a source.
    pub fn whole(length: usize) -> Self {
        Self { from: 0.0, to: length as f64 }
    }
}

impl Axis {
    /// Number of output positions.
    #[expect(clippy::len_without_is_empty, reason = "an axis that was filled is never empty")]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// First source position and weights of output `i`.
    pub fn taps(&self, i: usize) -> (usize, &[f64]) {
        let end = self.spans.get(i + 1).map_or(self.weights.len(), |next| next.offset);
        (self.spans[i].first, &self.weights[self.spans[i].offset..end])
    }

    /// The source positions that are used at all, as a half-open range.
    pub fn reach(&self) -> (usize, usize) {
        let range = (0..self.len()).filter_map(|i| {
            let (first, weights) = self.taps(i);
            (!weights.is_empty()).then_some((first, first + weights.len()))
        });
        range.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))).unwrap_or((0, 0))
    }

    /// Computes the weights that bring `interval` of `length` source pixels to `outputs` pixels.
    ///
    /// Positions beyond the interval **and** beyond the source are left out and the rest weighs
    /// more, as Pillow does at the edges; positions inside the interval but beyond the source
    /// follow `border`.
    ///
    /// # Panics
    /// Unless `length`, `outputs` and the interval's width are positive.
    pub fn fill(
        &mut self,
        kernel: Kernel,
        length: usize,
        interval: Interval,
        outputs: usize,
        border: Border,
    ) {
        assert!(length > 0 && outputs > 0 && interval.to > interval.from, "nothing to resample");
        self.spans.clear();
        self.weights.clear();
        let Interval { from, to } = interval;
        let scale = (to - from) / outputs as f64;
        let low = floor(from).min(0.0);
        let high = ceil(to).max(length as f64);
        let mut filler = Filler { axis: self, length, low, high, border };
        if let Some((radius, window)) = kernel.window() {
            let widen = scale.max(1.0);
            let (support, shrink) = (radius * widen, 1.0 / widen);
            for i in 0..outputs {
                let centre = from + (i as f64 + 0.5) * scale;
                let first = floor(centre - support + 0.5).max(low);
                let last = floor(centre + support + 0.5).min(high);
                filler.normalised(first, last, |k| window((k + first - centre + 0.5) * shrink));
            }
            return;
        }
        let quotient = |i: usize| (i as f64 * (to - from)) / outputs as f64;
        let mut nearest = from + scale * 0.5;
        for i in 0..outputs {
            let centre = from + (i as f64 + 0.5) * scale - 0.5;
            match kernel {
                Kernel::Area => {
                    let (start, end) = (from + quotient(i), from + quotient(i + 1));
                    let (first, last) = (floor(start), ceil(end));
                    filler.normalised(first, last, |k| {
                        (first + k + 1.0).min(end) - (first + k).max(start)
                    });
                }
                Kernel::AdaptiveArea => {
                    let (first, last) = (floor(from + quotient(i)), ceil(from + quotient(i + 1)));
                    filler.normalised(first, last, |_| 1.0);
                }
                Kernel::Nearest => {
                    // Summed step by step, as Pillow does: at 14/3 a step the rounding decides.
                    filler.normalised(floor(nearest), floor(nearest) + 1.0, |_| 1.0);
                    nearest += scale;
                }
                Kernel::NearestFloor => {
                    let at = floor(from + quotient(i));
                    filler.normalised(at, at + 1.0, |_| 1.0);
                }
                Kernel::BilinearCorners | Kernel::BicubicCorners => {
                    let step = (to - from - 1.0) / (outputs as f64 - 1.0).max(1.0);
                    let at = from + if outputs > 1 { i as f64 * step } else { 0.0 };
                    filler.point(at, kernel);
                }
                _ => filler.point(centre, kernel),
            }
        }
    }
}

struct Filler<'a> {
    axis: &'a mut Axis,
    length: usize,
    low: f64,
    high: f64,
    border: Border,
}

impl Filler<'_> {
    /// Weights for the source positions `first..last`, made to sum to 1.
    fn normalised(&mut self, first: f64, last: f64, weight: impl Fn(f64) -> f64) {
        let count = (last - first).max(1.0) as usize;
        let offset = self.begin(first);
        let mut sum = 0.0;
        for k in 0..count {
            let weight = weight(k as f64);
            sum += weight;
            self.push(first + k as f64, weight);
        }
        self.divide(offset, sum);
    }

    /// The kernels of a fixed number of source pixels around the pixel coordinate `at`.
    fn point(&mut self, at: f64, kernel: Kernel) {
        let base = floor(at);
        let t = at - base;
        let (before, after): (isize, isize) = match kernel {
            Kernel::BicubicPoint | Kernel::BicubicCorners => (1, 2),
            Kernel::Lanczos4Point => (3, 4),
            _ => (0, 1),
        };
        let weight = |k: isize| {
            let x = t - k as f64;
            match kernel {
                Kernel::BicubicPoint | Kernel::BicubicCorners => cubic(x, -0.75),
                Kernel::Lanczos4Point => lanczos(x, 4.0),
                _ => 1.0 - x.abs(),
            }
        };
        let offset = self.begin(base - before as f64);
        let mut sum = 0.0;
        for k in -before..=after {
            sum += weight(k);
            self.push(base + k as f64, weight(k));
        }
        self.divide(offset, sum);
    }

    fn begin(&mut self, first: f64) -> usize {
        let first = first.clamp(0.0, (self.length - 1) as f64) as usize;
        let offset = self.axis.weights.len();
        self.axis.spans.push(Span { first, offset });
        offset
    }

    fn divide(&mut self, offset: usize, sum: f64) {
        if sum != 0.0 {
            self.axis.weights[offset..].iter_mut().for_each(|weight| *weight /= sum);
        }
    }

    /// Adds a weight at source position `at`; positions must come in rising order.
    fn push(&mut self, at: f64, weight: f64) {
        let at = at.clamp(self.low, self.high - 1.0);
        let inside = at.clamp(0.0, (self.length - 1) as f64);
        let weight = if inside != at && self.border == Border::Zero { 0.0 } else { weight };
        let span = *self.axis.spans.last().expect("begin was called");
        let k = inside as usize - span.first;
        match self.axis.weights.get_mut(span.offset + k) {
            Some(existing) => *existing += weight,
            None => self.axis.weights.push(weight),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::vec;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn weights_sum_to_one_and_stay_inside(
            length in 1usize..80,
            outputs in 1usize..60,
            from in -20.0f64..70.0,
            extent in 0.5f64..90.0,
            kernel in proptest::sample::select(Kernel::ALL.to_vec()),
        ) {
            let mut axis = Axis::default();
            let interval = Interval { from, to: from + extent };
            axis.fill(kernel, length, interval, outputs, Border::Replicate);
            prop_assert_eq!(axis.len(), outputs);
            for i in 0..outputs {
                let (first, weights) = axis.taps(i);
                prop_assert!(first + weights.len() <= length);
                prop_assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            }
            let (low, high) = axis.reach();
            prop_assert!(low < high && high <= length);
        }

        #[test]
        fn the_area_kernel_keeps_the_mean(length in 1usize..80, outputs in 1usize..60) {
            let mut axis = Axis::default();
            axis.fill(Kernel::Area, length, Interval::whole(length), outputs, Border::Replicate);
            let mut used = vec![0.0; length];
            for i in 0..outputs {
                let (first, weights) = axis.taps(i);
                weights.iter().enumerate().for_each(|(k, w)| used[first + k] += w);
            }
            let expected = outputs as f64 / length as f64;
            prop_assert!(used.iter().all(|w| (w - expected).abs() < 1e-9));
        }
    }

    #[test]
    fn a_zero_border_takes_weight_away() {
        let mut axis = Axis::default();
        axis.fill(Kernel::Area, 4, Interval { from: -2.0, to: 4.0 }, 3, Border::Zero);
        let sums: Vec<f64> = (0..3).map(|i| axis.taps(i).1.iter().sum()).collect();
        assert_eq!(sums, [0.0, 1.0, 1.0]);
    }
}
