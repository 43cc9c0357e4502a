//! `horkd`: the parts of the term `horkd`, and its totals.

use burn::tensor::Tensor;
use facette_distil::terms::horkd::{centres, instances, pairs, triples};
use facette_nets::Knowledge;

use super::Found;
use crate::case::Case;
use crate::through::Through;

/// Angles at coinciding pictures, and what contains them.
pub(crate) const KINKED: &[&str] =
    &["L2_sum_ordered", "L3_sum_ordered", "total_sum", "total_mean", "total_full"];

/// The reading with both sides over the teacher's mean distance (`muT`) is not offered.
pub(crate) fn run(case: &Case, output: &str) -> Option<Found> {
    let g = case.input::<2>("student");
    let f = case.constant::<2>("in/teacher");
    let [n, d] = g.dims();
    let classes = case.shape("in/centres")[0];
    let ordered = (n * (n - 1)) as f64;
    let of_triples = ordered * (n - 2) as f64;
    let present = || case.constant::<2>("out/class_centres");
    let given = || case.constant::<2>("in/centres");
    let over = |u: Tensor<2>| (n * u.dims()[0]) as f64;
    let loss = match output {
        "L1_sum" => instances(g, f),
        "L1_mean" => instances(g, f).div_scalar((n * d) as f64),
        "L1_batchmean" => instances(g, f).div_scalar(n as f64),
        "L2_sum_ordered" => pairs(g, f),
        "L2_sum_unordered" => pairs(g, f).div_scalar(2.0),
        "L2_mean" => pairs(g, f).div_scalar(ordered),
        "L2_mean_full" => pairs(g, f).div_scalar((n * n) as f64),
        "L3_sum_ordered" => triples(g, f, true),
        "L3_sum_unordered" => triples(g, f, true).div_scalar(2.0),
        "L3_mean" => triples(g, f, true).div_scalar(of_triples),
        "L3_mean_full" => triples(g, f, false).div_scalar((n * n * n) as f64),
        "LC_sum" => centres(g, f, present()),
        "LC_mean" => centres(g, f, present()).div_scalar(over(present())),
        "LC_givenU_sum" => centres(g, f, given()),
        "LC_givenU_mean" => centres(g, f, given()).div_scalar(over(given())),
        "total_sum" | "total_mean" | "total_full" => {
            let weight = |key: &str| format!("{key} = {:?}\n", case.hyper(key));
            let settings = format!(
                "{}{}{}centres = 'batch'\nreduction = '{}'",
                weight("alpha"),
                weight("beta"),
                weight("gamma"),
                output.trim_start_matches("total_")
            );
            let student = Knowledge::from_embedding(g);
            let target = Some(Knowledge::from_embedding(f));
            Through::new(case, "horkd", &settings, student, target, Some(classes)).loss(&[])
        }
        _ => return None,
    };
    Some(Found::Loss(loss))
}
