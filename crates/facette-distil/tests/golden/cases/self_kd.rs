//! `selfkd_byot`: the parts of the term `self_kd` with the weights of its preset `selfkd`.

use burn::tensor::{Tensor, activation};
use facette_distil::terms::cross_entropy::soft_cross_entropy;
use facette_distil::terms::self_kd::{FeatureMeasure, features, hard_labels, lessons};

use super::Found;
use crate::case::Case;

/// How many classifiers there are before the final one.
fn middle(case: &Case) -> usize {
    (1..).take_while(|place| case.has(&format!("in/logits_{place}"))).count()
}

/// The reference's cross-entropy form of the soft labels is composed here; the term takes the
/// divergence, whose gradient is the same.
pub(crate) fn run(case: &Case, output: &str) -> Option<Found> {
    let all = |kind: &str| -> Vec<Tensor<2>> {
        let middle = (1..=middle(case)).map(|place| case.rows(&format!("{kind}_{place}")));
        middle.chain([case.rows(&format!("{kind}_final"))]).collect()
    };
    let (scores, vectors) = (all("logits"), all("feat"));
    let temperature = case.hyper("T");
    let hard = || hard_labels(&scores, &case.labels_tensor("in/labels"));
    let soft = || {
        let (last, earlier) = scores.split_last()?;
        let target = activation::softmax(last.clone().detach().div_scalar(temperature), 1);
        let one = |z: &Tensor<2>| {
            soft_cross_entropy(z.clone().div_scalar(temperature), target.clone())
                .mul_scalar(temperature * temperature)
        };
        earlier.iter().map(one).reduce(|a, b| a + b)
    };
    let feature = || {
        let lessons = lessons(vectors.len(), false);
        features(&vectors, &lessons, FeatureMeasure::PositiveSum, true)
    };
    let loss = match output {
        "ce_sum" => hard(),
        "kd_sum" => soft()?,
        "feature_sum" => feature(),
        "loss" => {
            let (alpha, beta) = (case.hyper("alpha"), case.hyper("beta"));
            hard() * (1.0 - alpha) + soft()? * alpha + feature() * beta
        }
        _ => return None,
    };
    Some(Found::Loss(loss))
}
