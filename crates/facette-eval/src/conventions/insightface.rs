//! Squared distance of unit vectors on a grid of 400 thresholds.

use super::{Convention, first_best_per_fold};
use crate::metrics::grid::arange;
use crate::verification::{FoldedAccuracy, VerificationSet};

/// The convention of almost every published LFW number since 2018.
///
/// Source: deepinsight/insightface `eval/verification.py` `calculate_roc`, davidsandberg/facenet with
/// `distance_metric=0`, fdbtrs/PocketNet.
pub(super) struct InsightFace;

impl Convention for InsightFace {
    fn name(&self) -> &'static str {
        "insightface"
    }

    fn about(&self) -> &'static str {
        "squared L2 distance of unit embeddings, thresholds 0 to 4 in steps of 0.01, the first one \
         that is best on the other folds (InsightFace, facenet, PocketNet)"
    }

    fn threshold_unit(&self) -> &'static str {
        "squared L2 distance of unit vectors, same below"
    }

    fn judge(&self, pairs: &VerificationSet) -> FoldedAccuracy {
        let distances = pairs.squared_distances();
        let grid: Vec<f64> = arange(0.0, 4.0, 0.01).collect();
        first_best_per_fold(pairs, |_| distances.clone(), |_| grid.clone())
    }
}
