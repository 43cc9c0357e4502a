//! `arcface_*`: the forms of the head `arcface`.

use facette_distil::heads::arcface::{ArcFaceForm, arcface};
use facette_nets::Knowledge;

use super::Found;
use crate::case::Case;
use crate::through::Through;

/// `easy_margin` has no linear fallback; pytorch-metric-learning's angles come out the same.
pub(crate) fn fallback(case: &Case, output: &str) -> Option<Found> {
    match output {
        "loss" | "pml" => Some(loss(case, "fallback")),
        "easy_margin" => Some(loss(case, "easy_margin")),
        "logits" => Some(logits(case, ArcFaceForm::Fallback)),
        _ => None,
    }
}

pub(crate) fn saturated(case: &Case, output: &str) -> Option<Found> {
    match output {
        "loss" => Some(loss(case, "saturated")),
        "logits" => Some(logits(case, ArcFaceForm::Saturated)),
        _ => None,
    }
}

/// The saturating value of `dist_ce` is not offered: its gradient is that of `loss`.
pub(crate) fn straight_through(case: &Case, output: &str) -> Option<Found> {
    match output {
        "loss" | "combined" => Some(loss(case, "straight_through")),
        "logits" => Some(logits(case, ArcFaceForm::StraightThrough)),
        _ => None,
    }
}

pub(crate) fn straight_through_unit(case: &Case, output: &str) -> Option<Found> {
    match output {
        "loss" => Some(loss(case, "straight_through_unit")),
        _ => None,
    }
}

fn loss(case: &Case, form: &str) -> Found {
    let knowledge = Knowledge::from_embedding(case.input::<2>("embeddings"));
    let classes = case.shape("param/weight")[0];
    let settings =
        format!("scale = {:?}\nmargin = {:?}\nform = {form:?}", case.hyper("s"), case.hyper("m"));
    let term = Through::new(case, "arcface", &settings, knowledge, None, Some(classes));
    Found::Loss(term.give(&[("weight", "param/weight")]).loss(&[("weight", "weight")]))
}

fn logits(case: &Case, form: ArcFaceForm) -> Found {
    let labels = case.labels_tensor("in/labels");
    let (x, weight) = (case.constant("in/embeddings"), case.constant("param/weight"));
    let scores = arcface(x, weight, labels, case.hyper("s"), case.hyper("m"), form);
    Found::Values(scores.flatten(0, 1))
}
