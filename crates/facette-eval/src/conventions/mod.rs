//! How a threshold is chosen and a pair judged. The published scripts differ; each is one file here.

mod exact;
mod facenet_cosine;
mod facenet_mean;
mod insightface;
mod mean_centred;

use crate::EvalError;
use crate::metrics::sorted_distances::SortedDistances;
use crate::registry::{Named, find};
use crate::verification::{FoldedAccuracy, VerificationSet};

/// One convention of k-fold verification.
pub trait Convention: Sync {
    /// Its name in recipes, flags and results.
    fn name(&self) -> &'static str;
    /// What it does and whose script it follows, in a sentence or two.
    fn about(&self) -> &'static str;
    /// What its thresholds measure, and on which side of them a pair is taken for one person.
    fn threshold_unit(&self) -> &'static str;
    /// For every fold: chooses a threshold on the other folds and applies it.
    ///
    /// Never fails on a [`VerificationSet`]; an undefined cosine (a zero embedding) counts as 0.
    fn judge(&self, pairs: &VerificationSet) -> FoldedAccuracy;
}

/// All conventions; the first is the default.
pub const CONVENTIONS: &[&dyn Convention] = &[
    &insightface::InsightFace,
    &exact::Exact,
    &facenet_cosine::FacenetCosine,
    &facenet_mean::FacenetMean,
    &mean_centred::MeanCentred,
];

impl Named for dyn Convention {
    fn name(&self) -> &'static str {
        Convention::name(self)
    }
}

/// The convention called `name`; fails with the known names and the nearest of them.
pub fn convention(name: &str) -> Result<&'static dyn Convention, EvalError> {
    find("verification convention", CONVENTIONS, name)
}

/// Chooses, for every fold, the first of `thresholds` that is best on the other folds.
fn first_best_per_fold(
    pairs: &VerificationSet,
    distances: impl Fn(usize) -> Vec<f64>,
    thresholds: impl Fn(&SortedDistances) -> Vec<f64>,
) -> FoldedAccuracy {
    let (folds, same) = (pairs.folds(), pairs.same());
    let (thresholds, accuracies) = (0..folds.count())
        .map(|k| {
            let distances = distances(k);
            let train = SortedDistances::new(folds.train(k).map(|i| (distances[i], same[i])));
            let test = SortedDistances::new(folds.test(k).map(|i| (distances[i], same[i])));
            let threshold = train.first_best(thresholds(&train)).unwrap_or(0.0);
            (threshold, test.accuracy(threshold))
        })
        .unzip();
    FoldedAccuracy { accuracies, thresholds }
}
