//! Weights packed for the inner loop.

use alloc::vec::Vec;

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
    /// Packs NxN weights `weight(output, run, k)` that come together, for `k` below `len`, `step`
    /// values a step.
    pub(super) fn new<const N: usize>(
        outputs: usize,
        runs: usize,
        len: usize,
        step: usize,
        weight: impl Fn(usize, usize, usize) -> [[X; N]; N],
    ) -> Vec<Self> {
        let steps = len.div_ceil(step);
        let (mut panels, mut total) = (Vec::new(), 0);
        for first in (0..outputs).step_by(COLUMNS) {
            let columns = if outputs - first > COLUMNS / 2 { COLUMNS } else { COLUMNS / 2 };
            panels.push([first, columns, total]);
            total += runs * steps * step * columns;
        }
        let set = |_| Self { weight: Aligned::new(total), panels: panels.clone(), steps };
        let mut sets: Vec<Self> = (0..N * N).map(set).collect();
        let mut packed: Vec<_> = sets.iter_mut().map(|set| &mut set.weight[..]).collect();
        for &[first, columns, start] in &panels {
            for run in 0..runs {
                for k in 0..len {
                    for column in 0..columns.min(outputs - first) {
                        let at = (run * steps + k / step) * columns + column;
                        let at = start + at * step + k % step;
                        let weights = weight(first + column, run, k);
                        for (packed, weight) in packed.iter_mut().zip(weights.as_flattened()) {
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
        let all = &self.weight[..];
        self.panels.iter().map(|&[first, columns, start]| Panel {
            first,
            columns,
            weight: &all[start..],
        })
    }
}
