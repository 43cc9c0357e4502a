//! Angle between embeddings on facenet's grid.

use std::f64::consts::PI;

use super::{Convention, first_best_per_fold};
use crate::metrics::distance::cosine;
use crate::metrics::grid::arange;
use crate::verification::{FoldedAccuracy, VerificationSet};

/// Source: davidsandberg/facenet `calculate_roc` with `distance_metric=1`: `arccos(cos) / pi` on the
/// same grid 0 to 4, of which only 0 to 1 can be reached: the grid is four times coarser here.
pub(super) struct FacenetCosine;

impl Convention for FacenetCosine {
    fn name(&self) -> &'static str {
        "facenet-cosine"
    }

    fn about(&self) -> &'static str {
        "angle between embeddings as a share of a half turn, thresholds 0 to 4 in steps of 0.01 \
         (facenet with --distance_metric 1)"
    }

    fn threshold_unit(&self) -> &'static str {
        "angle / pi, same below"
    }

    fn judge(&self, pairs: &VerificationSet) -> FoldedAccuracy {
        let rows = pairs.first().rows().zip(pairs.second().rows());
        let distances: Vec<f64> = rows.map(|(a, b)| cosine(a, b).acos() / PI).collect();
        let grid: Vec<f64> = arange(0.0, 4.0, 0.01).collect();
        first_best_per_fold(pairs, |_| distances.clone(), |_| grid.clone())
    }
}
