//! Squared distance of unit vectors at every threshold that makes a difference.

use super::{Convention, first_best_per_fold};
use crate::metrics::sorted_distances::SortedDistances;
use crate::verification::{FoldedAccuracy, VerificationSet};

/// The rule of Huang and Learned-Miller's View 2 without a grid: among all ways to split the other
/// folds, the first best; the threshold stands half-way between the two distances it separates.
pub(super) struct Exact;

impl Convention for Exact {
    fn name(&self) -> &'static str {
        "exact"
    }

    fn about(&self) -> &'static str {
        "squared L2 distance of unit embeddings, the best of all possible thresholds on the other \
         folds instead of a grid"
    }

    fn threshold_unit(&self) -> &'static str {
        "squared L2 distance of unit vectors, same below"
    }

    fn judge(&self, pairs: &VerificationSet) -> FoldedAccuracy {
        let distances = pairs.squared_distances();
        first_best_per_fold(pairs, |_| distances.clone(), SortedDistances::splits)
    }
}
