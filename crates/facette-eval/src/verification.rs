//! Pairs of embeddings to be judged as the same person or not.

use crate::metrics::distance::squared_euclidean;
use crate::metrics::folds::Folds;
use crate::{EvalError, Outputs};

/// The embeddings of both pictures of every pair, whether they show one person, and the folds.
/// Embeddings are as the model gave them (or summed with their mirror image's), not normalised.
#[derive(Debug, Clone)]
pub struct VerificationSet {
    first: Outputs,
    second: Outputs,
    same: Vec<bool>,
    folds: Folds,
}

impl VerificationSet {
    /// Row `i` of `first` and of `second` is pair `i`.
    ///
    /// Fails where numbers of pairs or widths disagree.
    pub fn new(
        first: Outputs,
        second: Outputs,
        same: Vec<bool>,
        folds: Folds,
    ) -> Result<Self, EvalError> {
        let pairs = same.len();
        first.expect_rows("first pictures of pairs", pairs)?;
        second.expect_rows("second pictures of pairs", pairs)?;
        if first.width() != second.width() {
            return Err(EvalError::Shape {
                what: "second pictures of pairs".into(),
                expected: format!("embeddings of {} dimensions", first.width()),
                found: second.width().to_string(),
            });
        }
        if folds.items() != pairs {
            return Err(EvalError::Shape {
                what: "folds".into(),
                expected: format!("{pairs} pairs in all folds together"),
                found: folds.items().to_string(),
            });
        }
        Ok(Self { first, second, same, folds })
    }

    /// The common layout of the InsightFace scripts: rows `2i` and `2i + 1` are pair `i`.
    ///
    /// Fails where there are not two rows per label, or as [`VerificationSet::new`].
    pub fn from_interleaved(
        embeddings: &Outputs,
        same: Vec<bool>,
        folds: Folds,
    ) -> Result<Self, EvalError> {
        if embeddings.len() != 2 * same.len() {
            return Err(EvalError::Shape {
                what: "interleaved pairs".into(),
                expected: format!("two rows for each of {} pairs", same.len()),
                found: embeddings.len().to_string(),
            });
        }
        let first = embeddings.select((0..same.len()).map(|i| 2 * i));
        let second = embeddings.select((0..same.len()).map(|i| 2 * i + 1));
        Self::new(first, second, same, folds)
    }

    /// Embeddings of the first pictures.
    pub fn first(&self) -> &Outputs {
        &self.first
    }

    /// Embeddings of the second pictures.
    pub fn second(&self) -> &Outputs {
        &self.second
    }

    /// Whether pair `i` shows one person.
    pub fn same(&self) -> &[bool] {
        &self.same
    }

    /// The folds.
    pub fn folds(&self) -> &Folds {
        &self.folds
    }

    /// Squared Euclidean distance of the two **normalised** embeddings of every pair, 0..4.
    pub fn squared_distances(&self) -> Vec<f64> {
        let (first, second) = (self.first.normalised(), self.second.normalised());
        first.rows().zip(second.rows()).map(|(a, b)| squared_euclidean(a, b)).collect()
    }
}

/// Accuracy of every fold at the threshold chosen for it.
#[derive(Debug, Clone, PartialEq)]
pub struct FoldedAccuracy {
    /// Share of the fold's pairs judged rightly, 0..1.
    pub accuracies: Vec<f64>,
    /// The threshold applied to the fold, in the convention's unit.
    pub thresholds: Vec<f64>,
}
