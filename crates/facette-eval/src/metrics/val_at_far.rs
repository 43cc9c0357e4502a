//! Validation rate at a false accept rate over folds (facenet's VAL@FAR).

use serde::{Deserialize, Serialize};

use super::folds::Folds;
use super::sorted_distances::SortedDistances;
use super::spread::{mean, population_std};

/// VAL@FAR over folds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ValAtFar {
    /// Mean true accept rate over the test folds.
    pub val: f64,
    /// Its population standard deviation.
    pub val_std: f64,
    /// Mean false accept rate on the test folds at those thresholds; compare with the one asked for.
    pub far: f64,
}

/// Per fold: the threshold at which the other folds' false accept rate is `far`, linearly
/// interpolated between the grid's thresholds, applied to the fold. On a plateau the first
/// threshold that reaches `far` is taken; where `far` is never reached the threshold is 0 and
/// nothing is accepted.
///
/// Source: davidsandberg/facenet and InsightFace `calculate_val`, whose grid is
/// `arange(0, 4, 0.001)`.
pub fn val_at_far(
    distances: &[f64],
    same: &[bool],
    folds: &Folds,
    thresholds: &[f64],
    far: f64,
) -> ValAtFar {
    let (mut vals, mut fars) = (Vec::new(), Vec::new());
    for k in 0..folds.count() {
        let train = SortedDistances::new(folds.train(k).map(|i| (distances[i], same[i])));
        let threshold = threshold_at(&train, thresholds, far);
        let test = SortedDistances::new(folds.test(k).map(|i| (distances[i], same[i])));
        vals.push(test.true_accept_rate(threshold));
        fars.push(test.false_accept_rate(threshold));
    }
    ValAtFar { val: mean(&vals), val_std: population_std(&vals), far: mean(&fars) }
}

fn threshold_at(train: &SortedDistances, thresholds: &[f64], far: f64) -> f64 {
    let rate = |i: usize| train.false_accept_rate(thresholds[i]);
    let first = thresholds.partition_point(|&t| train.false_accept_rate(t) < far);
    if first == thresholds.len() {
        return 0.0;
    }
    if first == 0 {
        return thresholds[0];
    }
    let (low, high) = (rate(first - 1), rate(first));
    let (below, above) = (thresholds[first - 1], thresholds[first]);
    below + (above - below) * (far - low) / (high - low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpolates_and_gives_up() {
        let distances: Vec<f64> = (1..=4).map(f64::from).collect();
        let train = SortedDistances::new(distances.iter().map(|&d| (d, false)));
        let grid: Vec<f64> = (0..6).map(f64::from).collect();
        // Rates on the grid: 0, 0, 0.25, 0.5, 0.75, 1.
        assert_eq!(threshold_at(&train, &grid, 0.5), 3.0);
        assert_eq!(threshold_at(&train, &grid, 0.375), 2.5);
        assert_eq!(threshold_at(&train, &grid[..3], 0.5), 0.0);
        assert_eq!(threshold_at(&train, &grid, 0.0), 0.0);
    }
}
