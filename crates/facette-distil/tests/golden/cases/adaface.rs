//! `adaface`: the head `adaface`, and its moving averages after a step.

use burn::tensor::Tensor;
use facette_nets::Knowledge;

use super::Found;
use crate::case::Case;
use crate::through::Through;

pub(crate) fn run(case: &Case, output: &str) -> Option<Found> {
    let knowledge = Knowledge::from_embedding(case.input::<2>("embeddings"));
    let classes = case.shape("param/weight")[0];
    let settings = format!(
        "scale = {:?}\nmargin = {:?}\nconcentration = {:?}\nrate = {:?}",
        case.hyper("s"),
        case.hyper("m"),
        case.hyper("h"),
        case.hyper("t_alpha")
    );
    let mut through = Through::new(case, "adaface", &settings, knowledge, None, Some(classes))
        .give(&[("weight", "param/weight")]);
    let before = [case.values("state/batch_mean")[0], case.values("state/batch_std")[0]];
    through.set("mean_and_deviation", before.to_vec());
    let loss = through.loss(&[("weight", "weight")]);
    let place = match output {
        "loss" => return Some(Found::Loss(loss)),
        "batch_mean" => 0,
        "batch_std" => 1,
        _ => return None,
    };
    through.after_step();
    let averages: Tensor<1> = through.tensor("mean_and_deviation");
    Some(Found::Loss(averages.narrow(0, place, 1)))
}
