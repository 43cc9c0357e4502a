//! Squared distance after the mean of the other folds is subtracted.

use super::{Convention, first_best_per_fold};
use crate::Outputs;
use crate::metrics::grid::arange;
use crate::verification::{FoldedAccuracy, VerificationSet};

/// Source: davidsandberg/facenet `calculate_roc` with `distance_metric=0, subtract_mean=True`. The
/// mean drops out of a difference, so that the result is [`InsightFace`](super::insightface)'s up to
/// rounding; it is kept because published numbers name it.
pub(super) struct FacenetMean;

impl Convention for FacenetMean {
    fn name(&self) -> &'static str {
        "facenet-mean"
    }

    fn about(&self) -> &'static str {
        "as insightface, after subtracting from the unit embeddings the mean of the other folds' \
         (facenet with --subtract_mean)"
    }

    fn threshold_unit(&self) -> &'static str {
        "squared L2 distance of unit vectors, same below"
    }

    fn judge(&self, pairs: &VerificationSet) -> FoldedAccuracy {
        let (first, second) = (pairs.first().normalised(), pairs.second().normalised());
        let grid: Vec<f64> = arange(0.0, 4.0, 0.01).collect();
        let distances = |k: usize| {
            let mean = mean_row(&first, &second, pairs.folds().train(k));
            let centred = |row: &[f32]| -> Vec<f64> {
                row.iter().zip(&mean).map(|(&v, m)| f64::from(v) - m).collect()
            };
            first
                .rows()
                .zip(second.rows())
                .map(|(a, b)| centred(a).iter().zip(centred(b)).map(|(x, y)| (x - y).powi(2)).sum())
                .collect()
        };
        first_best_per_fold(pairs, distances, |_| grid.clone())
    }
}

/// Mean of the rows of both outputs with these indices.
pub(super) fn mean_row(
    first: &Outputs,
    second: &Outputs,
    indices: impl Iterator<Item = usize>,
) -> Vec<f64> {
    let mut sums = vec![0.0; first.width()];
    let mut count = 0usize;
    for i in indices {
        for row in [first.row(i), second.row(i)] {
            sums.iter_mut().zip(row).for_each(|(sum, &v)| *sum += f64::from(v));
            count += 1;
        }
    }
    sums.iter_mut().for_each(|sum| *sum /= count as f64);
    sums
}
