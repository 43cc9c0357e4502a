//! `one_gate`: the functions the term `one` is made of, over branches given by their features.

use burn::tensor::Tensor;
use facette_distil::branches::{agreement, hard_labels};
use facette_distil::heads::softmax::linear;
use facette_distil::terms::one::{ensemble, gate};

use super::Found;
use crate::case::Case;

pub(crate) fn run(case: &Case, output: &str) -> Option<Found> {
    let branches = (1..).take_while(|branch| case.has(&format!("in/branch_{branch}"))).count();
    let score = |branch: usize| {
        let name = |leaf: &str| format!("classfier3_{branch}.{leaf}");
        let [k, d] = [0, 1].map(|at| case.shape(&format!("param/{}", name("weight")))[at]);
        let weight = case.learned(&name("weight")).reshape([k, d]);
        linear(case.rows(&format!("branch_{branch}")), weight, case.learned(&name("bias")))
    };
    let scores: Vec<Tensor<2>> = (1..=branches).map(score).collect();
    let gate_tensors = ["control_v1.weight", "control_v1.bias", "bn_v1.weight", "bn_v1.bias"];
    let shares = gate(case.input("trunk"), gate_tensors.map(|name| case.learned(name)));
    let whole = ensemble(&scores, shares);
    let labels = case.labels_tensor("in/labels");
    let cross =
        || hard_labels(&scores, &labels) + hard_labels(std::slice::from_ref(&whole), &labels);
    let taught = vec![whole.clone().detach(); branches];
    let soft = || agreement(&scores, &taught, case.hyper("T"));
    Some(match output {
        "ensemble_logits" => Found::Values(whole.flatten(0, 1)),
        "cross" => Found::Loss(cross()),
        "kl" => Found::Loss(soft()),
        "loss" => Found::Loss(cross() + soft().mul_scalar(case.hyper("weight"))),
        _ => return None,
    })
}
