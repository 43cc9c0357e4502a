//! Branches: copies of a network's last stage that learn beside it, on the map they share.
//!
//! The network itself is one branch; it alone is kept after training. Copies have the network's
//! layers and classifier, and weights of their own. Source: the multi-branch networks of
//! DefangChen/OKDDip-AAAI2020 and Lan1991Xu/ONE_NeurIPS2018, whose branches part before the last
//! stage. There a branch may be narrower than the network; here all are alike.

use burn::tensor::{Int, Tensor};
use facette_nets::{Init, Knowledge, Mode, NetsError, Network, Parameters, find};
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::divergence::kl_floored;
use crate::error::DistilError;
use crate::knowledge;
use crate::settings::{check, positive, within};
use crate::term::Context;
use crate::terms::cross_entropy::cross_entropy;

/// How branches learn from each other, with the defaults of OKDDip's code.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Together {
    /// Branches, the network's own included.
    pub(crate) branches: usize,
    pub(crate) temperature: f64,
    /// Weight of what branches learn from each other.
    pub(crate) weight: f64,
    /// Epochs in which that weight rises, `exp(-5 (1 - epoch / ramp)^2)`; 0 for none.
    pub(crate) ramp: usize,
}

impl Together {
    /// # Errors
    /// If a setting is impossible.
    pub(crate) fn check(&self, owner: &str) -> Result<(), DistilError> {
        check(owner, "branches", (2..=16).contains(&self.branches), || {
            format!("expected 2 to 16, found {}", self.branches)
        })?;
        positive(owner, "temperature", self.temperature)?;
        within(owner, "weight", self.weight, 0.0, f64::INFINITY)
    }

    /// The weight in an epoch.
    pub(crate) fn weight_at(&self, epoch: usize) -> f64 {
        let left = match self.ramp {
            0 => 0.0,
            ramp => 1.0 - epoch.min(ramp) as f64 / ramp as f64,
        };
        self.weight * (-5.0 * left * left).exp()
    }
}

/// The copies.
pub(crate) struct Branches {
    copies: Vec<Network>,
    /// Place of the stage whose map they read.
    pub(crate) trunk: usize,
    /// Classes in the data.
    classes: usize,
}

impl Branches {
    /// `count` copies of the last stage of the learner of `context`.
    ///
    /// # Errors
    /// If the learner is no network, has fewer than two stages or no classifier, its last stage
    /// reads more than the map before it, or the data has no labels.
    pub(crate) fn new(
        owner: &str,
        count: usize,
        context: &Context<'_>,
    ) -> Result<Self, DistilError> {
        let classes = context.classes(owner)?;
        let need = |need: &str, found: String, remedy: &str| DistilError::Need {
            owner: owner.to_owned(),
            need: need.to_owned(),
            found,
            remedy: remedy.to_owned(),
        };
        let Some(graph) = context.network else {
            let found = format!("{:?} is none", context.stream);
            return Err(need("a network to branch", found, "let a network of the registry learn"));
        };
        let stages = &graph.taps.stages;
        let Some(trunk) = stages.len().checked_sub(2) else {
            let found = format!("{} of {:?}", stages.len(), graph.architecture);
            return Err(need("two stages or more", found, "choose a network that marks them"));
        };
        if context.student.classes.is_none_or(|scored| scored < classes) {
            let found = format!("{:?} scores {:?}", context.stream, context.student.classes);
            let needed = format!("a classifier of the {classes} classes in the data");
            return Err(need(&needed, found, "give the network a classifier of that size"));
        }
        let tail = graph.starting_at(stages[trunk]).map_err(|error| {
            let remedy = "choose a network whose last stage reads only the stage before it";
            need("a network that can part before its last stage", error.to_string(), remedy)
        })?;
        let init = find(&graph.architecture).map_or(Init::Torch, |net| net.init());
        let copy = |number: usize| {
            let mut tail = tail.clone();
            for node in tail.nodes.iter_mut().filter(|node| !node.path.is_empty()) {
                node.path = format!("branch{number}.{}", node.path);
            }
            let name = format!("term/{}/{owner}", context.stream);
            Network::new(tail, init, context.seed, &name, context.device)
        };
        let copies = (1..=count).map(copy).collect::<Result<_, NetsError>>()?;
        Ok(Self { copies, trunk, classes })
    }

    /// What every copy makes of the shared map, in order.
    ///
    /// # Errors
    /// If the map was not kept.
    pub(crate) fn forward(
        &mut self,
        owner: &str,
        student: &Knowledge,
    ) -> Result<Vec<Knowledge>, DistilError> {
        let map = knowledge::stage(owner, &student.stages, self.trunk)?;
        Ok(self.copies.iter_mut().map(|copy| copy.forward(map.clone(), Mode::Train)).collect())
    }

    /// Labels of the batch.
    ///
    /// # Errors
    /// If they are missing or too large.
    pub(crate) fn labels(
        &self,
        owner: &str,
        student: &Knowledge,
        batch: &Batch,
    ) -> Result<Tensor<1, Int>, DistilError> {
        batch.labels(owner, student.embedding.dims()[0], self.classes)
    }

    pub(crate) fn parameters_mut(&mut self) -> Vec<&mut Parameters> {
        self.copies.iter_mut().map(Network::parameters_mut).collect()
    }
}

/// Class scores of the copies and, last, of the network itself.
///
/// # Errors
/// If one scores no classes.
pub(crate) fn scores(
    owner: &str,
    copies: &[Knowledge],
    student: &Knowledge,
) -> Result<Vec<Tensor<2>>, DistilError> {
    copies.iter().chain([student]).map(|k| Ok(knowledge::logits(owner, k)?.clone())).collect()
}

/// Sum of the cross-entropies of all `scores` `[n, k]` with the labels `[n]`; `[1]`.
pub fn hard_labels(scores: &[Tensor<2>], labels: &Tensor<1, Int>) -> Tensor<1> {
    let one = |z: &Tensor<2>| cross_entropy(z.clone(), labels.clone(), 0.0);
    scores.iter().map(one).reduce(|a, b| a + b).expect("there are branches")
}

/// `T^2` times the divergences of all `scores` from their `targets`, both `[n, k]`, summed; `[1]`.
/// Gradient flows to both sides.
pub fn agreement(scores: &[Tensor<2>], targets: &[Tensor<2>], temperature: f64) -> Tensor<1> {
    let one = |(z, t): (&Tensor<2>, &Tensor<2>)| kl_floored(z.clone(), t.clone(), temperature);
    let sum = scores.iter().zip(targets).map(one).reduce(|a, b| a + b);
    sum.expect("there are branches").mul_scalar(temperature * temperature)
}

/// Mean of several tensors `[n, k]`.
pub(crate) fn mean(list: &[Tensor<2>]) -> Tensor<2> {
    let sum = list.iter().cloned().reduce(|a, b| a + b).expect("there are branches");
    sum.div_scalar(list.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weight_rises_to_its_full_size() {
        let together = Together { branches: 3, temperature: 3.0, weight: 2.0, ramp: 80 };
        assert!((together.weight_at(0) - 2.0 * (-5f64).exp()).abs() < 1e-12);
        assert!((together.weight_at(40) - 2.0 * (-1.25f64).exp()).abs() < 1e-12);
        assert_eq!(together.weight_at(80), 2.0);
        assert_eq!(together.weight_at(300), 2.0);
        assert_eq!(Together { ramp: 0, ..together }.weight_at(0), 2.0);
    }
}
