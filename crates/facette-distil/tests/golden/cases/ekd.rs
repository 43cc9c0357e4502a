//! `ekd`: the parts of the term `self_kd`, and what the student learns from the teacher.

use burn::tensor::Tensor;
use facette_distil::terms::kd::soft_logits;
use facette_distil::terms::self_kd::{
    FeatureMeasure, feature, features, hard_labels, lessons, soft_labels,
};

use super::Found;
use crate::case::Case;

/// Scores and features of one stream, shallow to deep.
struct Stream {
    scores: Vec<Tensor<2>>,
    features: Vec<Tensor<2>>,
}

impl Stream {
    fn read(case: &Case, name: &str) -> Self {
        let count = case.hyper("C") as usize;
        let all = |kind: &str| -> Vec<Tensor<2>> {
            (1..=count).map(|place| case.rows(&format!("{kind}_{name}_{place}"))).collect()
        };
        Self { scores: all("logits"), features: all("feat") }
    }

    fn detached(&self) -> Self {
        let all = |list: &[Tensor<2>]| list.iter().cloned().map(Tensor::detach).collect();
        Self { scores: all(&self.scores), features: all(&self.features) }
    }

    fn lessons(&self, all: bool) -> Vec<(usize, usize)> {
        lessons(self.scores.len(), all)
    }
}

/// Names end in the reduction, and in `allpairs` or `nodetach` where it differs.
pub(crate) fn run(case: &Case, output: &str) -> Option<Found> {
    let temperature = case.hyper("T");
    let streams = [Stream::read(case, "s"), Stream::read(case, "t")];
    let [s, t] = &streams;
    let labels = case.labels_tensor("in/labels");
    let (student, teacher) = (s, t.detached());
    let all = output.contains("allpairs");
    let detach = !output.contains("nodetach");
    let soft =
        |stream: &Stream| soft_labels(&stream.scores, &stream.lessons(all), temperature, detach);
    let within = |stream: &Stream, measure| {
        features(&stream.features, &stream.lessons(all), measure, detach)
    };
    let hard = |stream: &Stream| hard_labels(&stream.scores, &labels);
    let across = |own: &Stream, other: &Stream| {
        let pairs = own.scores.iter().zip(&other.scores);
        pairs
            .map(|(own, other)| soft_logits(own.clone(), other.clone(), temperature))
            .reduce(|a, b| a + b)
    };
    let guided = |own: &Stream, other: &Stream, measure| {
        let guided = own.features.len() - 1;
        let pairs = own.features[..guided].iter().zip(&other.features);
        pairs.map(|(own, other)| feature(own.clone(), other.clone(), measure)).reduce(|a, b| a + b)
    };
    let measure = match output {
        _ if output.contains("mse") => FeatureMeasure::Mean,
        _ if output.contains("sum") => FeatureMeasure::Sum,
        _ => FeatureMeasure::BatchMean,
    };
    let own = |stream: &Stream| soft(stream) + within(stream, measure) + hard(stream);
    let unscaled = temperature * temperature;
    let loss = match output {
        "D_s_noT2" => soft(s).div_scalar(unscaled),
        "D_t_noT2" => soft(t).div_scalar(unscaled),
        "D_s" | "D_s_nodetach" | "D_s_allpairs" => soft(s),
        "D_t" | "D_t_nodetach" | "D_t_allpairs" => soft(t),
        "L_s" => hard(s),
        "L_t" => hard(t),
        "G1" => across(student, &teacher)?,
        "G1_noT2" => across(student, &teacher)?.div_scalar(unscaled),
        "loss_teacher" | "loss_teacher_mse" | "loss_teacher_allpairs" => own(t),
        "loss_student" | "loss_student_mse" | "loss_student_allpairs" => {
            own(s) + across(student, &teacher)? + guided(student, &teacher, measure)?
        }
        "loss_teacher_eq11_literal" => own(t) + across(s, t)? + guided(s, t, measure)?,
        _ if output.starts_with("F_s_") => within(s, measure),
        _ if output.starts_with("F_t_") => within(t, measure),
        _ if output.starts_with("G2_") => guided(student, &teacher, measure)?,
        _ => return None,
    };
    Some(Found::Loss(loss))
}
