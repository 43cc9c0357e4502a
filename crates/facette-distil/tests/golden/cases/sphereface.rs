//! `sphereface_asoftmax`, `sphereface_opensphere`: the heads `asoftmax` and `sphereface`.

use facette_nets::Knowledge;

use super::Found;
use crate::case::Case;
use crate::through::Through;

pub(crate) fn asoftmax(case: &Case, output: &str) -> Option<Found> {
    let margin = format!("margin = {}", case.hyper("m"));
    let settings = match output {
        "loss" => margin,
        "pml" => format!("{margin}\nlambda_start = 0.0\nlambda_min = 0.0"),
        _ => return None,
    };
    let mut term = head(case, "asoftmax", &settings);
    // The reference counts its steps from one.
    term.batch.step = case.hyper("it") as u64 - 1;
    Some(Found::Loss(term.loss(&[("weight", "weight")])))
}

pub(crate) fn opensphere(case: &Case, output: &str) -> Option<Found> {
    let settings = format!("scale = {:?}\nmargin = {:?}", case.hyper("s"), case.hyper("m"));
    let loss = || head(case, "sphereface", &settings).loss(&[("weight", "weight")]);
    (output == "loss").then(|| Found::Loss(loss()))
}

fn head<'a>(case: &'a Case, id: &str, settings: &str) -> Through<'a> {
    let knowledge = Knowledge::from_embedding(case.input::<2>("embeddings"));
    let classes = case.shape("param/weight")[0];
    Through::new(case, id, settings, knowledge, None, Some(classes))
        .give(&[("weight", "param/weight")])
}
