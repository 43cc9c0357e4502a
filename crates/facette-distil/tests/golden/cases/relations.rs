//! `rkd_distance`, `rkd_angle`, `pkt`, `cckd_gaussian`, `cc`, `darkrank`: relations of embeddings.

use facette_distil::terms::cc::cc;
use facette_distil::terms::cckd::{Congruence, Kernel, Measure, cckd};
use facette_nets::Knowledge;

use super::Found;
use crate::case::Case;
use crate::through::Through;

fn through(case: &Case, id: &str, settings: &str) -> Found {
    let student = Knowledge::from_embedding(case.input::<2>("student"));
    let target = Knowledge::from_embedding(case.constant::<2>("in/teacher"));
    Found::Loss(Through::new(case, id, settings, student, Some(target), None).loss(&[]))
}

/// The weights of `rep_combined` are RepDistiller's.
pub(crate) fn rkd_distance(case: &Case, output: &str) -> Option<Found> {
    match output {
        "loss" | "td" => Some(through(case, "rkd_distance", "")),
        "rep_combined" => {
            let student = Knowledge::from_embedding(case.input::<2>("student"));
            let part = |id: &str| {
                let target = Knowledge::from_embedding(case.constant::<2>("in/teacher"));
                Through::new(case, id, "", student.clone(), Some(target), None).loss(&[])
            };
            Some(Found::Loss(part("rkd_distance") * 25.0 + part("rkd_angle") * 50.0))
        }
        _ => None,
    }
}

pub(crate) fn rkd_angle(case: &Case, output: &str) -> Option<Found> {
    matches!(output, "loss" | "td").then(|| through(case, "rkd_angle", ""))
}

pub(crate) fn pkt(case: &Case, output: &str) -> Option<Found> {
    match output {
        "loss" | "td" => Some(through(case, "pkt", "")),
        "kdzoo_eps1e6" => Some(through(case, "pkt", "eps = 1e-6")),
        _ => None,
    }
}

pub(crate) fn darkrank(case: &Case, output: &str) -> Option<Found> {
    let settings = format!(
        "alpha = {:?}\nbeta = {:?}\nnearest = {}",
        case.hyper("alpha"),
        case.hyper("beta"),
        case.hyper("permute_len")
    );
    (output == "loss").then(|| through(case, "darkrank", &settings))
}

pub(crate) fn cckd_gaussian(case: &Case, output: &str) -> Option<Found> {
    let form = match output {
        "loss" => "",
        "td" => "measure = 'frobenius'\nnormalise = false",
        "td_norm" => "measure = 'frobenius'",
        _ => return None,
    };
    let (gamma, order) = (case.hyper("gamma"), case.hyper("P"));
    Some(through(case, "cckd", &format!("gamma = {gamma:?}\norder = {order}\n{form}")))
}

pub(crate) fn correlation(case: &Case, output: &str) -> Option<Found> {
    const EMBED: [&str; 4] = ["embed_s.weight", "embed_s.bias", "embed_t.weight", "embed_t.bias"];
    match output {
        "loss" => Some(Found::Loss(cc(case.input("student"), case.constant("in/teacher")))),
        "td_bilinear" => {
            let form = Congruence {
                kernel: Kernel::Bilinear,
                normalise: false,
                measure: Measure::Frobenius,
                ..Congruence::default()
            };
            Some(Found::Loss(cckd(case.input("student"), case.constant("in/teacher"), &form)))
        }
        "embed_loss" => {
            let student = Knowledge::from_embedding(case.input::<2>("student_raw"));
            let target = Knowledge::from_embedding(case.constant::<2>("in/teacher_raw"));
            let settings = format!("dim = {}", case.shape("param/embed_s.bias")[0]);
            let given: Vec<String> = EMBED.iter().map(|name| format!("param/{name}")).collect();
            let given: Vec<(&str, &str)> =
                EMBED.iter().zip(&given).map(|(own, given)| (*own, given.as_str())).collect();
            let mut term = Through::new(case, "cc", &settings, student, Some(target), None);
            term = term.give(&given);
            Some(Found::Loss(term.loss(&EMBED.map(|name| (name, name)))))
        }
        _ => None,
    }
}
