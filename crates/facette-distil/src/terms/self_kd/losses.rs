//! The three losses of self-distillation, on what classifiers yield.

use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};

use crate::terms::cross_entropy::cross_entropy;
use crate::terms::kd::soft_logits;

/// How the difference of two features becomes a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeatureMeasure {
    /// Mean of squares.
    Mean,
    /// Sum over a picture, mean over pictures.
    BatchMean,
    /// Sum of squares.
    Sum,
    /// Sum over the entries where either side is positive.
    PositiveSum,
}

/// Squared difference of the features `taught` and `teaching`, both `[n, d]`; `[1]`.
pub fn feature(taught: Tensor<2>, teaching: Tensor<2>, measure: FeatureMeasure) -> Tensor<1> {
    let n = taught.dims()[0] as f64;
    let squares = (taught.clone() - teaching.clone()).square();
    match measure {
        FeatureMeasure::Mean => squares.mean(),
        FeatureMeasure::BatchMean => squares.sum().div_scalar(n),
        FeatureMeasure::Sum => squares.sum(),
        FeatureMeasure::PositiveSum => {
            let neither = taught.lower_equal_elem(0.0).bool_and(teaching.lower_equal_elem(0.0));
            squares.mask_fill(neither, 0.0).sum()
        }
    }
}

/// Who teaches whom: pairs `(taught, teaching)` of `count` classifiers, shallow to deep.
pub fn lessons(count: usize, all_deeper: bool) -> Vec<(usize, usize)> {
    let last = count.saturating_sub(1);
    (0..last)
        .flat_map(|b| (b + 1..count).map(move |c| (b, c)))
        .filter(|&(_, c)| all_deeper || c == last)
        .collect()
}

/// L_D: divergence of the scores `[n, k]` of the taught from those of the teaching classifiers; `[1]`.
pub fn soft_labels(
    scores: &[Tensor<2>],
    lessons: &[(usize, usize)],
    temperature: f64,
    detach: bool,
) -> Tensor<1> {
    let teach = |&(b, c): &(usize, usize)| {
        let teaching = scores[c].clone();
        let teaching = if detach { teaching.detach() } else { teaching };
        soft_logits(scores[b].clone(), teaching, temperature)
    };
    sum(scores, lessons.iter().map(teach))
}

/// L_F: difference of the features `[n, d]` of the taught from those of the teaching; `[1]`.
pub fn features(
    features: &[Tensor<2>],
    lessons: &[(usize, usize)],
    measure: FeatureMeasure,
    detach: bool,
) -> Tensor<1> {
    let teach = |&(b, c): &(usize, usize)| {
        let teaching = features[c].clone();
        let teaching = if detach { teaching.detach() } else { teaching };
        feature(features[b].clone(), teaching, measure)
    };
    sum(features, lessons.iter().map(teach))
}

/// L_L: cross-entropies of all classifiers' scores `[n, k]` with the labels `[n]`; `[1]`.
pub fn hard_labels(scores: &[Tensor<2>], labels: &Tensor<1, Int>) -> Tensor<1> {
    let one = |scores_of: &Tensor<2>| cross_entropy(scores_of.clone(), labels.clone(), 0.0);
    sum(scores, scores.iter().map(one))
}

fn sum(like: &[Tensor<2>], parts: impl Iterator<Item = Tensor<1>>) -> Tensor<1> {
    let none = || like.first().map(|first| Tensor::zeros([1], &first.device()));
    let total = parts.reduce(|a, b| a + b).or_else(none);
    total.expect("a stream has its own classifier at least")
}
