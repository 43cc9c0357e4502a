//! The fixed threshold grids of the LFW scripts, and the ROC averaged over folds on such a grid.

use super::folds::Folds;
use super::roc::{Roc, RocPoint};
use super::sorted_distances::SortedDistances;

/// `start, start + step, ...` while below `end`: `numpy.arange`, whose entry `i` is
/// `start + i * step` and not a running sum.
pub fn arange(start: f64, end: f64, step: f64) -> impl Iterator<Item = f64> + Clone {
    let count = ((end - start) / step).ceil().max(0.0) as usize;
    (0..count).map(move |i| start + i as f64 * step)
}

/// The ROC of facenet and InsightFace (`calculate_roc`): at each threshold the true and false
/// accept rates of every test fold, averaged over the folds. A fold without pairs of one kind
/// counts with rate 0 there, as in the reference.
///
/// `distances[i]` belongs to pair `i`, `same[i]` says whether it shows one person.
pub fn fold_averaged_roc(
    distances: &[f64],
    same: &[bool],
    folds: &Folds,
    thresholds: impl Iterator<Item = f64>,
) -> Roc {
    let tests: Vec<SortedDistances> = (0..folds.count())
        .map(|k| SortedDistances::new(folds.test(k).map(|i| (distances[i], same[i]))))
        .collect();
    let count = tests.len() as f64;
    let points = thresholds
        .map(|threshold| RocPoint {
            far: tests.iter().map(|t| t.false_accept_rate(threshold)).sum::<f64>() / count,
            tar: tests.iter().map(|t| t.true_accept_rate(threshold)).sum::<f64>() / count,
            score: -threshold,
        })
        .collect();
    Roc::from_points(points)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arange_is_numpys() {
        let grid: Vec<f64> = arange(0.0, 4.0, 0.01).collect();
        assert_eq!(grid.len(), 400);
        assert_eq!(grid[114], 1.140_000_000_000_000_1);
        assert_eq!(arange(0.0, 4.0, 0.001).count(), 4000);
        assert_eq!(arange(1.0, 0.0, 0.1).count(), 0);
    }
}
