//! `softmax_linear`: the head `softmax` with a layer of its own.

use facette_distil::heads::softmax::linear;
use facette_nets::Knowledge;

use super::Found;
use crate::case::Case;
use crate::through::Through;

const TENSORS: [(&str, &str); 2] = [("weight", "param/weight"), ("bias", "param/bias")];
const LEAVES: [(&str, &str); 2] = [("weight", "weight"), ("bias", "bias")];

pub(crate) fn run(case: &Case, output: &str) -> Option<Found> {
    let x = case.input::<2>("embeddings");
    let classes = case.shape("param/weight")[0];
    match output {
        "loss" => {
            let knowledge = Knowledge::from_embedding(x);
            let mut term =
                Through::new(case, "softmax", "", knowledge, None, Some(classes)).give(&TENSORS);
            Some(Found::Loss(term.loss(&LEAVES)))
        }
        "logits" => {
            let scores = linear(x, case.constant("param/weight"), case.constant("param/bias"));
            Some(Found::Values(scores.flatten(0, 1)))
        }
        _ => None,
    }
}
