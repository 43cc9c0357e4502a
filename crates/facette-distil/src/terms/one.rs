//! On-the-fly native ensemble: branches on a shared trunk learn from their gated sum.
//!
//! ```text
//! g   = softmax( ReLU( BN( W mean_p(trunk) + b ) ) )        z_e = sum_i g_i z_i      z_i: scores of branch i of M
//! L   = sum_i CE(z_i, y) + CE(z_e, y) + w(e) T^2 sum_i KL( p(z_e; T) || p(z_i; T) )
//! ```
//!
//! Source: Lan et al. 2018 (NeurIPS, arXiv 1806.04606), in the form of Lan1991Xu/ONE_NeurIPS2018: M = 3, T = 3, w
//! ramped up over 80 epochs, no gradient to the ensemble inside the divergence (`detach = false` lets it
//! through, as OKDDip's copy of the code does). The branches are the network and copies of its last stage; the
//! network is what is kept, not the ensemble.

use burn::tensor::{Tensor, activation};
use facette_graph::{TensorKind, TensorSpec};
use facette_nets::{Init, Knowledge, Parameters, Wanted};
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::branches::{Branches, Together, agreement, hard_labels, scores};
use crate::error::DistilError;
use crate::heads::softmax::linear;
use crate::knowledge::stage;
use crate::normalise::batch_norm;
use crate::settings;
use crate::term::{Context, Needs, Term, TermSpec};

/// Shares of the branches, `[n, m]`, read off the trunk's map `[n, c, h, w]`. `tensors` are the gate's weight
/// `[m, c]` and bias, and its normalisation's scale and shift, all flat.
pub fn gate(trunk: Tensor<4>, tensors: [Tensor<1>; 4]) -> Tensor<2> {
    let [n, c, h, w] = trunk.dims();
    let [weight, bias, scale, shift] = tensors;
    let pooled = trunk.reshape([n, c, h * w]).mean_dim(2).reshape([n, c]);
    let branches = bias.dims()[0];
    let control = linear(pooled, weight.reshape([branches, c]), bias);
    activation::softmax(activation::relu(batch_norm(control, scale, shift)), 1)
}

/// Sum of the branches' scores `[n, k]` by their shares `[n, m]`; `[n, k]`.
pub fn ensemble(scores: &[Tensor<2>], shares: Tensor<2>) -> Tensor<2> {
    let gated = |(branch, z): (usize, &Tensor<2>)| z.clone() * shares.clone().narrow(1, branch, 1);
    let sum = scores.iter().enumerate().map(gated).reduce(|a, b| a + b);
    sum.expect("there are branches")
}

/// Settings of the term.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
struct Settings {
    #[serde(flatten)]
    together: Together,
    /// Whether gradient is stopped at the ensemble inside the divergence.
    detach: bool,
}

impl Default for Settings {
    fn default() -> Self {
        let together = Together { branches: 3, temperature: 3.0, weight: 1.0, ramp: 80 };
        Self { together, detach: true }
    }
}

impl Settings {
    /// # Errors
    /// If a setting is unknown or impossible.
    fn read(given: &toml::Table) -> Result<Self, DistilError> {
        let id = OneSpec.id();
        let settings: Self = settings::read(id, given)?;
        settings.together.check(id)?;
        Ok(settings)
    }
}

/// The entry `one`.
pub struct OneSpec;

struct One {
    settings: Settings,
    branches: Branches,
    gate: Parameters,
}

impl TermSpec for OneSpec {
    fn id(&self) -> &'static str {
        "one"
    }

    fn about(&self) -> &'static str {
        "branches on a shared trunk learn from labels and from their gated sum"
    }

    fn source(&self) -> &'static str {
        "arXiv 1806.04606; Lan1991Xu/ONE_NeurIPS2018 cifar_one.py"
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
        let count = settings.together.branches;
        let branches = Branches::new(self.id(), count - 1, context)?;
        let channels = context.student.stages[branches.trunk].channels;
        let spec = |name: &str, shape, kind| TensorSpec { name: name.into(), shape, kind };
        let specs = vec![
            spec("gate.weight", vec![count, channels], TensorKind::Weight),
            spec("gate.bias", vec![count], TensorKind::Bias),
            spec("gate.bn.weight", vec![count], TensorKind::NormScale),
            spec("gate.bn.bias", vec![count], TensorKind::NormShift),
        ];
        let gate = context.parameters(self.id(), specs, Init::Torch);
        Ok(Box::new(One { settings, branches, gate }))
    }
}

impl Term for One {
    fn name(&self) -> &str {
        OneSpec.id()
    }

    fn wanted(&self) -> Wanted {
        Wanted { stages: true, ..Wanted::default() }
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        _target: Option<&Knowledge>,
        batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        let copies = self.branches.forward(OneSpec.id(), student)?;
        let scores = scores(self.name(), &copies, student)?;
        let labels = self.branches.labels(self.name(), student, batch)?;
        let trunk = stage(self.name(), &student.stages, self.branches.trunk)?.clone();
        let shares = gate(trunk, std::array::from_fn(|index| self.gate.at(index).value.clone()));
        let whole = ensemble(&scores, shares);
        let target = match self.settings.detach {
            true => whole.clone().detach(),
            false => whole.clone(),
        };
        let together = &self.settings.together;
        let soft = agreement(&scores, &vec![target; scores.len()], together.temperature);
        Ok(hard_labels(&scores, &labels)
            + hard_labels(&[whole], &labels)
            + soft.mul_scalar(together.weight_at(batch.epoch)))
    }

    fn parameters_mut(&mut self) -> Vec<&mut Parameters> {
        self.branches.parameters_mut().into_iter().chain([&mut self.gate]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{device, values};

    #[test]
    fn shares_weigh_the_scores() {
        let row = |a: f32, b: f32| Tensor::<2>::from_floats([[a, b]], &device());
        let whole = ensemble(&[row(1.0, 0.0), row(3.0, 8.0)], row(0.75, 0.25));
        assert_eq!(values(&whole), [1.5, 2.0]);
    }
}
