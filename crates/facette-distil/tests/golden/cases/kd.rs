//! `kd`: the term `kd`, and the method `kd` for the weighted total of RepDistiller.

use burn::tensor::Tensor;
use facette_distil::{Batch, Context, StreamShapes, find_method};

use super::Found;
use crate::case::Case;
use crate::through::{Through, scores, shapes};

pub(crate) fn run(case: &Case, output: &str) -> Option<Found> {
    let student = case.input::<2>("student");
    let teacher = case.constant::<2>("in/teacher");
    let classes = student.dims()[1];
    let temperature = case.hyper("T");
    let term = |id: &str, settings: &str| {
        let target = (id == "kd").then(|| scores(teacher.clone()));
        Through::new(case, id, settings, scores(student.clone()), target, Some(classes)).loss(&[])
    };
    let soft = || term("kd", &format!("temperature = {temperature:?}"));
    let loss = match output {
        "loss" | "mdistiller" | "kdzoo" => soft(),
        "td_soft_noT2" => {
            term("kd", &format!("temperature = {temperature:?}\nsquared_temperature = false"))
        }
        "ce" => term("ce", ""),
        "td_kd_alpha" => {
            let alpha = case.hyper("alpha");
            term("ce", "").mul_scalar(alpha) + soft().mul_scalar(1.0 - alpha)
        }
        "rep_train_total" => total(case, student, teacher, temperature),
        _ => return None,
    };
    Some(Found::Loss(loss))
}

/// The method's own weights (0.1 and 0.9) are the reference's.
fn total(case: &Case, student: Tensor<2>, teacher: Tensor<2>, temperature: f64) -> Tensor<1> {
    let classes = student.dims()[1];
    let streams = [scores(teacher), scores(student)];
    let described: Vec<StreamShapes> = streams.iter().map(shapes).collect();
    let context = |index: usize| Context {
        student: &described[index],
        target: (index == 1).then(|| &described[0]),
        left: None,
        network: None,
        classes: Some(classes),
        domains: &[],
        pictures: 1000,
        device: &case.device,
        stream: "student",
        seed: 0,
    };
    let settings = format!("temperature = {temperature:?}").parse().expect("settings are TOML");
    let spec = find_method("kd").expect("the method is registered");
    let mut method = spec.build(&settings, &[context(0), context(1)]).expect("it fits");
    let batch = Batch::first(case.labels("in/labels"), Vec::new(), &case.device);
    let losses = method.ties.iter_mut().map(|tie| {
        let target = tie.target.map(|index| &streams[index]);
        let loss = tie.term.loss(&streams[tie.learner], target, &batch).expect("it fits");
        loss.mul_scalar(tie.weight)
    });
    losses.reduce(|a, b| a + b).expect("the method has ties")
}
