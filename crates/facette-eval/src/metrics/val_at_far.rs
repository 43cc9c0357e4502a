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
/// interpolated between the grid's thresholds, applied to the fold. Where several thresholds have
/// exactly that rate the last of them is taken; where `far` is never reached the threshold is 0
/// and nothing is accepted. `thresholds` must ascend.
///
/// Source: davidsandberg/facenet and InsightFace `calculate_val`, whose grid is
/// `arange(0, 4, 0.001)` and whose interpolation is `scipy.interpolate.interp1d`. On a plateau its
/// answer depends on the kind: `linear` (which recent releases need, and followed here) is
/// `numpy.interp` and gives the plateau's end.
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
    let above = thresholds.partition_point(|&t| train.false_accept_rate(t) <= far);
    let Some(below) = above.checked_sub(1) else {
        return 0.0;
    };
    let low = rate(below);
    if low == far {
        return thresholds[below];
    }
    if above == thresholds.len() {
        return 0.0;
    }
    let step = thresholds[above] - thresholds[below];
    thresholds[below] + step * (far - low) / (rate(above) - low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpolates_and_gives_up() {
        let distances: Vec<f64> = (1..=4).map(f64::from).collect();
        let train = SortedDistances::new(distances.iter().map(|&d| (d, false)));
        let grid: Vec<f64> = (0..6).map(f64::from).collect();
        // Rates on the grid: 0, 0 (strictly below), 0.25, 0.5, 0.75, 1.
        assert_eq!(threshold_at(&train, &grid, 0.5), 3.0);
        assert_eq!(threshold_at(&train, &grid, 0.375), 2.5);
        assert_eq!(threshold_at(&train, &grid[..3], 0.5), 0.0);
        assert_eq!(threshold_at(&train, &grid, 0.0), 1.0);
        assert_eq!(threshold_at(&train, &grid, 1.0), 5.0);
    }
}
