//! From knowledge to losses: every tie of a method, named.

use burn::tensor::Tensor;
use facette_distil::{Batch, Stream, Tie};
use facette_nets::{Knowledge, read};

use crate::error::TrainError;

/// The losses of one step.
pub(crate) struct Losses {
    /// Weighted sum over all ties, `[1]`. One backward pass serves all streams: each reads the
    /// gradients of its own weights, and a detached target passes none on.
    pub(crate) total: Tensor<1>,
    /// Its value.
    pub(crate) sum: f64,
    /// Every tie's loss, unweighted, in the order of the names.
    pub(crate) values: Vec<f64>,
}

/// Names of ties in logs: that of the term, with the learner before it where several streams
/// learn, and numbered where two are alike.
pub(crate) fn names(streams: &[Stream], ties: &[Tie]) -> Vec<String> {
    let several = streams.iter().filter(|stream| stream.learns).count() > 1;
    let mut names: Vec<String> = Vec::with_capacity(ties.len());
    for tie in ties {
        let term = tie.term.name();
        let base = match several {
            true => format!("{}/{term}", streams[tie.learner].name),
            false => term.to_owned(),
        };
        let alike = |names: &[String], name: &str| names.iter().any(|other| other == name);
        let mut name = base.clone();
        let mut number = 2;
        while alike(&names, &name) {
            name = format!("{base}-{number}");
            number += 1;
        }
        names.push(name);
    }
    names
}

/// Evaluates every tie on what the streams yielded.
///
/// # Errors
/// If a term fails or the device cannot be read.
pub(crate) fn losses(
    ties: &mut [Tie],
    knowledge: &[Knowledge],
    batch: &Batch,
) -> Result<Losses, TrainError> {
    let mut total: Option<Tensor<1>> = None;
    let mut sum = 0.0;
    let mut values = Vec::with_capacity(ties.len());
    for tie in ties {
        let target = target(tie, knowledge);
        let loss = tie.term.loss(&knowledge[tie.learner], target.as_ref(), batch)?;
        let value = f64::from(read(tie.term.name(), &loss)?.iter().sum::<f32>());
        values.push(value);
        sum += tie.weight * value;
        let weighted = loss.mul_scalar(tie.weight);
        total = Some(match total {
            Some(total) => total + weighted,
            None => weighted,
        });
    }
    let total = total.expect("a method without a term is refused before the first step");
    Ok(Losses { total, sum, values })
}

/// Lets every term move what it keeps beyond its gradient, e.g. a memory bank.
///
/// # Errors
/// If the device cannot be read.
pub(crate) fn after_step(
    ties: &mut [Tie],
    knowledge: &[Knowledge],
    batch: &Batch,
) -> Result<(), TrainError> {
    for tie in ties {
        let target = target(tie, knowledge);
        tie.term.after_step(&knowledge[tie.learner], target.as_ref(), batch)?;
    }
    Ok(())
}

fn target(tie: &Tie, knowledge: &[Knowledge]) -> Option<Knowledge> {
    let target = knowledge[tie.target?].clone();
    Some(if tie.detach_target { target.detach() } else { target })
}
