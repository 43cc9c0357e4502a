//! `cosface`: the head `cosface`. The saturating value of `dist_ce` is not offered.

use facette_distil::heads::cosface::cosface;
use facette_nets::Knowledge;

use super::Found;
use crate::case::Case;
use crate::through::Through;

pub(crate) fn run(case: &Case, output: &str) -> Option<Found> {
    let (scale, margin) = (case.hyper("s"), case.hyper("m"));
    match output {
        "loss" | "combined" | "adaface" => {
            let knowledge = Knowledge::from_embedding(case.input::<2>("embeddings"));
            let classes = case.shape("param/weight")[0];
            let settings = format!("scale = {scale:?}\nmargin = {margin:?}");
            let term = Through::new(case, "cosface", &settings, knowledge, None, Some(classes));
            let mut term = term.give(&[("weight", "param/weight")]);
            Some(Found::Loss(term.loss(&[("weight", "weight")])))
        }
        "logits" => {
            let labels = case.labels_tensor("in/labels");
            let (x, weight) = (case.constant("in/embeddings"), case.constant("param/weight"));
            Some(Found::Values(cosface(x, weight, labels, scale, margin).flatten(0, 1)))
        }
        _ => None,
    }
}
