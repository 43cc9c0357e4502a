//! `ce_label_smoothing`: the term `ce`, and cross-entropy with soft targets.

use facette_distil::terms::cross_entropy::soft_cross_entropy;

use super::Found;
use crate::case::Case;
use crate::through::{Through, scores};

pub(crate) fn run(case: &Case, output: &str) -> Option<Found> {
    let logits = case.input::<2>("logits");
    let [n, classes] = logits.dims();
    let smoothed = |smoothing: f64| {
        let settings = format!("label_smoothing = {smoothing:?}");
        let knowledge = scores(logits.clone());
        Through::new(case, "ce", &settings, knowledge, None, Some(classes)).loss(&[])
    };
    let loss = match output {
        "loss" | "torchreid" => smoothed(case.hyper("eps")),
        "ce" => smoothed(0.0),
        "ce_sum" => smoothed(0.0).mul_scalar(n as f64),
        "soft_ce" => soft_cross_entropy(logits, case.constant::<2>("in/soft_target")),
        _ => return None,
    };
    Some(Found::Loss(loss))
}
