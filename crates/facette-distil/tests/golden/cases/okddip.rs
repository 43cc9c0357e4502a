//! `okddip`: the functions the term `okddip` is made of, over peers and a leader given by their features.

use burn::tensor::Tensor;
use facette_distil::branches::{agreement, hard_labels};
use facette_distil::heads::softmax::linear;
use facette_distil::terms::okddip::{attention, targets};

use super::Found;
use crate::case::Case;

pub(crate) fn run(case: &Case, output: &str) -> Option<Found> {
    let peers = case.hyper("peers") as usize;
    let features: Vec<Tensor<2>> =
        (0..=peers).map(|branch| case.rows(&format!("feat_{branch}"))).collect();
    let matrix = |name: &str| {
        let [rows, columns] = [0, 1].map(|at| case.shape(&format!("param/{name}"))[at]);
        case.learned(name).reshape([rows, columns])
    };
    let score = |(branch, x): (usize, &Tensor<2>)| {
        let weight = matrix(&format!("classifier3_{branch}.weight"));
        linear(x.clone(), weight, case.learned(&format!("classifier3_{branch}.bias")))
    };
    let scores: Vec<Tensor<2>> = features.iter().enumerate().map(score).collect();
    let (leader, own) = scores.split_last()?;
    let heard =
        attention(&features[..peers], matrix("query_weight.weight"), matrix("key_weight.weight"));
    let taught = targets(own, heard);
    let labels = case.labels_tensor("in/labels");
    let temperature = case.hyper("T");
    let group = || agreement(own, &taught, temperature);
    let mean = own.iter().cloned().reduce(|a, b| a + b)?.div_scalar(peers as f64);
    let lead = || agreement(std::slice::from_ref(leader), std::slice::from_ref(&mean), temperature);
    // Stored as [n, k, peers].
    let stacked = |list: &[Tensor<2>]| {
        let [n, k] = list[0].dims();
        let columns = list.iter().map(|z| z.clone().reshape([n, k, 1])).collect();
        let all: Tensor<3> = Tensor::cat(columns, 2);
        Found::Values(all.flatten(0, 2))
    };
    Some(match output {
        "peer_logits" => stacked(own),
        "target_logits" => stacked(&taught),
        "leader_logits" => Found::Values(leader.clone().flatten(0, 1)),
        "peers_ce" => Found::Loss(hard_labels(own, &labels)),
        "leader_ce" => Found::Loss(hard_labels(std::slice::from_ref(leader), &labels)),
        "group_kl" => Found::Loss(group()),
        "leader_kl" => Found::Loss(lead()),
        "loss" => {
            let soft = (group() + lead()).mul_scalar(case.hyper("alpha") * case.hyper("weight"));
            Found::Loss(hard_labels(&scores, &labels) + soft)
        }
        _ => return None,
    })
}
