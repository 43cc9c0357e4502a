//! Collaborative learning: branches on a shared trunk learn from labels and from the mean of the others.
//!
//! ```text
//! t_i = 1 / (M - 1) sum_{j != i} z_j                                     z_i: scores of branch i of M
//! L   = sum_i CE(z_i, y) + w(e) T^2 sum_i KL( p(t_i; T) || p(z_i; T) )
//! ```
//!
//! Gradient into the trunk is divided by M (intermediate-level representation sharing with rescaled
//! back-propagation). Source: Song & Chai 2018 (NeurIPS, arXiv 1805.11761), in the form of
//! DefangChen/OKDDip-AAAI2020 `train_one.py --avg --bpscale`: M = 4, T = 3, w ramped up over 80 epochs, gradient to
//! both sides (`detach` stops it at the targets). The branches are the network and copies of its last stage.

use burn::tensor::Tensor;
use facette_nets::{Knowledge, Parameters, Shared, Wanted};
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::branches::{Branches, Together, agreement, hard_labels, mean, scores};
use crate::error::DistilError;
use crate::settings;
use crate::term::{Context, Needs, Term, TermSpec};

/// Mean of the others' scores for every branch, all `[n, k]`.
pub fn targets(scores: &[Tensor<2>]) -> Vec<Tensor<2>> {
    let others = |own: usize| {
        let others = scores.iter().enumerate().filter(|(at, _)| *at != own);
        mean(&others.map(|(_, z)| z.clone()).collect::<Vec<_>>())
    };
    (0..scores.len()).map(others).collect()
}

/// Settings of the term.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
struct Settings {
    #[serde(flatten)]
    together: Together,
    /// Whether gradient into the trunk is divided by the branches.
    rescale: bool,
    /// Whether gradient is stopped at the targets.
    detach: bool,
}

impl Default for Settings {
    fn default() -> Self {
        let together = Together { branches: 4, temperature: 3.0, weight: 1.0, ramp: 80 };
        Self { together, rescale: true, detach: false }
    }
}

impl Settings {
    /// # Errors
    /// If a setting is unknown or impossible.
    fn read(given: &toml::Table) -> Result<Self, DistilError> {
        let id = ClIlrSpec.id();
        let settings: Self = settings::read(id, given)?;
        settings.together.check(id)?;
        Ok(settings)
    }
}

/// The entry `cl_ilr`.
pub struct ClIlrSpec;

struct ClIlr {
    settings: Settings,
    branches: Branches,
}

impl TermSpec for ClIlrSpec {
    fn id(&self) -> &'static str {
        "cl_ilr"
    }

    fn about(&self) -> &'static str {
        "branches on a shared trunk learn from labels and from the mean of the others"
    }

    fn source(&self) -> &'static str {
        "arXiv 1805.11761; DefangChen/OKDDip-AAAI2020 train_one.py --avg --bpscale"
    }

    fn needs(&self) -> Needs {
        Needs { logits: true, stages: true, labels: true, ..Needs::default() }
    }

    fn defaults(&self) -> toml::Table {
        settings::defaults::<Settings>()
    }

    fn effective(&self, given: &toml::Table) -> Result<toml::Table, DistilError> {
        Ok(settings::table(&Settings::read(given)?))
    }

    fn build(
        &self,
        given: &toml::Table,
        context: &Context<'_>,
    ) -> Result<Box<dyn Term>, DistilError> {
        let settings = Settings::read(given)?;
        let branches = Branches::new(self.id(), settings.together.branches - 1, context)?;
        Ok(Box::new(ClIlr { settings, branches }))
    }
}

impl Term for ClIlr {
    fn name(&self) -> &str {
        ClIlrSpec.id()
    }

    fn wanted(&self) -> Wanted {
        let Settings { together, rescale, .. } = &self.settings;
        let shared = Shared { stage: self.branches.trunk, branches: together.branches };
        Wanted { stages: true, shared: rescale.then_some(shared), ..Wanted::default() }
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        _target: Option<&Knowledge>,
        batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        let copies = self.branches.forward(ClIlrSpec.id(), student)?;
        let scores = scores(self.name(), &copies, student)?;
        let labels = self.branches.labels(self.name(), student, batch)?;
        let mut targets = targets(&scores);
        if self.settings.detach {
            targets = targets.into_iter().map(Tensor::detach).collect();
        }
        let together = &self.settings.together;
        let soft = agreement(&scores, &targets, together.temperature);
        Ok(hard_labels(&scores, &labels) + soft.mul_scalar(together.weight_at(batch.epoch)))
    }

    fn parameters_mut(&mut self) -> Vec<&mut Parameters> {
        self.branches.parameters_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{device, values};

    #[test]
    fn every_branch_is_taught_by_the_others() {
        let row = |a: f32, b: f32| Tensor::<2>::from_floats([[a, b]], &device());
        let targets = targets(&[row(1.0, 0.0), row(3.0, 2.0), row(5.0, 4.0)]);
        assert_eq!(
            targets.iter().map(values).collect::<Vec<_>>(),
            [vec![4.0, 3.0], vec![3.0, 2.0], vec![2.0, 1.0]]
        );
    }
}
