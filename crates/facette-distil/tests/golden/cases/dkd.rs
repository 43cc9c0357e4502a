//! `dkd`: the term `dkd` without warm-up, and its parts.

use facette_distil::terms::dkd::dkd;

use super::Found;
use crate::case::Case;
use crate::through::{Through, scores};

pub(crate) fn run(case: &Case, output: &str) -> Option<Found> {
    let (student, teacher) = (case.input::<2>("student"), case.constant::<2>("in/teacher"));
    let classes = student.dims()[1];
    let (temperature, alpha, beta) = (case.hyper("T"), case.hyper("alpha"), case.hyper("beta"));
    let parts = |s, t| dkd(s, t, case.labels_tensor("in/labels"), temperature);
    let loss = match output {
        "loss" => {
            let settings = format!(
                "temperature = {temperature:?}\nalpha = {alpha:?}\nbeta = {beta:?}\nwarmup = 0"
            );
            let target = Some(scores(teacher));
            Through::new(case, "dkd", &settings, scores(student), target, Some(classes)).loss(&[])
        }
        "tckd" => parts(student, teacher).0,
        "nckd" => parts(student, teacher).1,
        _ => return None,
    };
    Some(Found::Loss(loss))
}
