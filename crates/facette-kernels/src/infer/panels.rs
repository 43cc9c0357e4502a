//! Weights packed for the inner loop.

use alloc::vec::Vec;
use core::array::from_fn;

use super::aligned::{Aligned, Plain};
use super::tile::COLUMNS;

/// The weights of some outputs: panels of 16 or 8 columns, each `[run][step][column][value]`; what
/// is missing at the edges is 0.
#[derive(Debug)]
pub(super) struct Panels<X> {
    weight: Aligned<X>,
    /// First column, columns, and start of each panel.
    panels: Vec<[usize; 3]>,
    steps: usize,
}

/// One of the [`Panels`].
pub(super) struct Panel<'a, X> {
    pub(super) first: usize,
    pub(super) columns: usize,
    pub(super) weight: &'a [X],
}

impl<X: Plain> Panels<X> {
    /// Packs `weight(output, run, k)` for `k` below `len`, `step` values a step.
    pub(super) fn new(
        outputs: usize,
        runs: usize,
        len: usize,
        step: usize,
        weight: impl Fn(usize, usize, usize) -> X,
    ) -> Self {
        let [[panels]] = Self::sets(outputs, runs, len, step, |o, run, k| [[weight(o, run, k)]]);
        panels
    }

    /// [`Panels::new`] for NxN weights that come together.
    pub(super) fn sets<const N: usize>(
        outputs: usize,
        runs: usize,
        len: usize,
        step: usize,
        weight: impl Fn(usize, usize, usize) -> [[X; N]; N],
    ) -> [[Self; N]; N] {
        let steps = len.div_ceil(step);
        let (mut panels, mut total) = (Vec::new(), 0);
        for first in (0..outputs).step_by(COLUMNS) {
            let columns = if outputs - first > COLUMNS / 2 { COLUMNS } else { COLUMNS / 2 };
            panels.push([first, columns, total]);
            total += runs * steps * step * columns;
        }
        let set = |_| Self { weight: Aligned::new(total), panels: panels.clone(), steps };
        let mut sets: [[Self; N]; N] = from_fn(|_| from_fn(set));
        let mut packed =
            sets.each_mut().map(|row| row.each_mut().map(|set| set.weight.as_mut_slice()));
        for &[first, columns, start] in &panels {
            for run in 0..runs {
                for k in 0..len {
                    for column in 0..columns.min(outputs - first) {
                        let at = (run * steps + k / step) * columns + column;
                        let at = start + at * step + k % step;
                        let weights = weight(first + column, run, k);
                        let packed = packed.as_flattened_mut().iter_mut();
                        for (packed, weight) in packed.zip(weights.as_flattened()) {
                            packed[at] = *weight;
                        }
                    }
                }
            }
        }
        sets
    }

    pub(super) fn steps(&self) -> usize {
        self.steps
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Panel<'_, X>> {
        let all = self.weight.as_slice();
        self.panels.iter().map(|&[first, columns, start]| Panel {
            first,
            columns,
            weight: &all[start..],
        })
    }
}
