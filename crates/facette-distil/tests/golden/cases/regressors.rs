//! `fitnet`, `vid`: maps regressed to the teacher's by layers of the term.

use facette_distil::terms::fitnet::hint;

use super::Found;
use crate::case::Case;
use crate::through::{Through, maps};

pub(crate) fn fitnet(case: &Case, output: &str) -> Option<Found> {
    const CONV_REG: [(&str, &str); 4] = [
        ("conv.weight", "param/conv.weight"),
        ("conv.bias", "param/conv.bias"),
        ("bn.weight", "param/bn.weight"),
        ("bn.bias", "param/bn.bias"),
    ];
    let through = |student: &str, settings: &str, given: &[(&str, &str)]| {
        let own = maps(vec![case.input(student)]);
        let target = maps(vec![case.constant("in/teacher")]);
        let settings = format!("stage = 1\n{settings}");
        let mut term = Through::new(case, "fitnet", &settings, own, Some(target), None).give(given);
        let named: Vec<(&str, &str)> =
            given.iter().map(|(own, from)| (*own, from.trim_start_matches("param/"))).collect();
        Found::Loss(term.loss(&named))
    };
    match output {
        "loss" => Some(through("student", "", &CONV_REG)),
        "hint_mse" => {
            Some(Found::Loss(hint(case.input("student_reg"), case.constant("in/teacher"))))
        }
        "rkd_conv1x1" => Some(through(
            "student_1x1",
            "connector = 'conv1x1'",
            &[("transform.weight", "param/transform.weight")],
        )),
        _ => None,
    }
}

pub(crate) fn vid(case: &Case, output: &str) -> Option<Found> {
    const TENSORS: [(&str, &str); 4] = [
        ("stage1.regressor.0.weight", "param/regressor.0.weight"),
        ("stage1.regressor.2.weight", "param/regressor.2.weight"),
        ("stage1.regressor.4.weight", "param/regressor.4.weight"),
        ("stage1.log_scale", "param/log_scale"),
    ];
    let eps = match output {
        "loss" => case.hyper("eps"),
        "kdzoo_eps1e-6" => 1e-6,
        _ => return None,
    };
    let own = maps(vec![case.input("student")]);
    let target = maps(vec![case.constant("in/teacher")]);
    let settings = format!("eps = {eps:?}\ninitial_variance = {:?}", case.hyper("init_pred_var"));
    let mut term = Through::new(case, "vid", &settings, own, Some(target), None).give(&TENSORS);
    let named = TENSORS.map(|(own, from)| (own, from.trim_start_matches("param/")));
    Some(Found::Loss(term.loss(&named)))
}
