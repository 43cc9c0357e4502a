//! `triplet`: the term `triplet` and its ways of mining.

use facette_nets::Knowledge;

use super::Found;
use crate::case::Case;
use crate::through::Through;

/// Of farthest positives at equal distance the reference takes all in equal parts, the term the first.
pub(crate) const KINKED: &[&str] = &["loss"];

pub(crate) fn run(case: &Case, output: &str) -> Option<Found> {
    let (margin, form) = match output {
        "loss" => ("margin", "mining = 'batch_hard'"),
        "pml_hard" => {
            ("pml_margin", "mining = 'batch_hard_pairs'\nnormalise = true\nviolating_only = true")
        }
        "rkd_hardneg" => ("rkd_margin", "mining = 'hard_negative'"),
        "rkd_allpairs" => ("rkd_margin", "mining = 'all'"),
        "rkd_semihard" => ("rkd_margin", "mining = 'semi_hard'"),
        _ => return None,
    };
    let settings = format!("{form}\nmargin = {:?}", case.hyper(margin));
    let classes = case.labels("in/labels").into_iter().max().unwrap_or(0) + 1;
    let knowledge = Knowledge::from_embedding(case.input::<2>("embeddings"));
    let mut term = Through::new(case, "triplet", &settings, knowledge, None, Some(classes));
    Some(Found::Loss(term.loss(&[])))
}
