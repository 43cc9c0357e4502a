//! `dml`: the method `dml` over as many peers as the case has.

use burn::tensor::Tensor;
use facette_distil::{Batch, Context, StreamShapes, find_method};

use super::Found;
use crate::case::Case;
use crate::through::{Through, scores, shapes};

/// OKDDip's variants (1e-7 added to the targets, which carry gradient) are not offered.
pub(crate) fn run(case: &Case, output: &str) -> Option<Found> {
    if output == "kl_01" {
        let student = scores(case.input("logits_0"));
        let target = Some(scores(case.constant("in/logits_1")));
        let mut term = Through::new(case, "kd", "temperature = 1.0", student, target, None);
        return Some(Found::Loss(term.loss(&[])));
    }
    let learner: usize = output.strip_prefix("loss_")?.parse().ok()?;
    let peers = case.hyper("peers") as usize;
    let streams: Vec<_> = (0..peers)
        .map(|peer| {
            let logits: Tensor<2> = case.input(&format!("logits_{peer}"));
            scores(logits)
        })
        .collect();
    let described: Vec<StreamShapes> = streams.iter().map(shapes).collect();
    let classes = described[0].classes;
    let spec = find_method("dml").expect("the method is registered");
    let settings = format!("networks = {peers}").parse().expect("settings are TOML");
    let names = spec.streams(&settings).expect("the settings are fine");
    let contexts: Vec<Context<'_>> = (0..peers)
        .map(|peer| Context {
            student: &described[peer],
            target: None,
            left: None,
            network: None,
            classes,
            domains: &[],
            pictures: 1000,
            device: &case.device,
            stream: &names[peer].name,
            seed: 0,
        })
        .collect();
    let mut method = spec.build(&settings, &contexts).expect("it fits");
    let batch = Batch::first(case.labels("in/labels"), Vec::new(), &case.device);
    let ties = method.ties.iter_mut().filter(|tie| tie.learner == learner);
    let losses = ties.map(|tie| {
        let target = tie.target.map(|index| streams[index].clone().detach());
        let loss = tie.term.loss(&streams[learner], target.as_ref(), &batch).expect("it fits");
        loss.mul_scalar(tie.weight)
    });
    losses.reduce(|a, b| a + b).map(Found::Loss)
}
