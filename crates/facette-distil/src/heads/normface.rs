//! Normalised softmax: class scores are scaled cosines, without a margin.
//!
//! ```text
//! z_j = s cos(x, W_j)      L = cross-entropy(z, y)
//! ```
//!
//! Source: Wang et al. 2017, NormFace (arXiv 1704.06369). Default: s = 64, as for the margin heads
//! (the paper learns or derives it).

use burn::tensor::{Int, Tensor};
use facette_nets::{Knowledge, Parameters};
use serde::{Deserialize, Serialize};

use super::angular::ClassWeights;
use crate::batch::Batch;
use crate::error::DistilError;
use crate::normalise::cosines;
use crate::settings::{self, positive};
use crate::term::{Context, Needs, Term, TermSpec};
use crate::terms::cross_entropy::cross_entropy;

/// Class scores of embeddings `x` `[n, d]` against class weights `[k, d]`; `[n, k]`.
pub fn normface(x: Tensor<2>, weight: Tensor<2>, scale: f64) -> Tensor<2> {
    cosines(x, weight).mul_scalar(scale)
}

/// Settings of the term.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    scale: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { scale: 64.0 }
    }
}

/// The entry `normface`.
pub struct NormFaceSpec;

struct NormFace {
    settings: Settings,
    weights: ClassWeights,
}

impl TermSpec for NormFaceSpec {
    fn id(&self) -> &'static str {
        "normface"
    }

    fn about(&self) -> &'static str {
        "softmax over scaled cosines of embedding and class weights, without a margin"
    }

    fn source(&self) -> &'static str {
        "arXiv 1704.06369"
    }

    fn needs(&self) -> Needs {
        Needs { embedding: true, labels: true, ..Needs::default() }
    }

    fn defaults(&self) -> toml::Table {
        settings::defaults::<Settings>()
    }

    fn is_head(&self) -> bool {
        true
    }

    fn build(
        &self,
        settings: &toml::Table,
        context: &Context<'_>,
    ) -> Result<Box<dyn Term>, DistilError> {
        let settings: Settings = settings::read(self.id(), settings)?;
        positive(self.id(), "scale", settings.scale)?;
        Ok(Box::new(NormFace { settings, weights: ClassWeights::new(self.id(), context)? }))
    }
}

impl Term for NormFace {
    fn name(&self) -> &str {
        NormFaceSpec.id()
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        _target: Option<&Knowledge>,
        batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        let (x, labels): (_, Tensor<1, Int>) = self.weights.inputs(self.name(), student, batch)?;
        let scores = normface(x, self.weights.weight(), self.settings.scale);
        Ok(cross_entropy(scores, labels, 0.0))
    }

    fn parameters_mut(&mut self) -> Vec<&mut Parameters> {
        vec![&mut self.weights.parameters]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{device, values};

    #[test]
    fn scores_are_cosines_whatever_the_lengths() {
        let x = Tensor::<2>::from_floats([[0.0, 7.0]], &device());
        let w = Tensor::<2>::from_floats([[3.0, 4.0], [-0.5, 0.0]], &device());
        let found = values(&normface(x, w, 10.0));
        assert!((found[0] - 8.0).abs() < 1e-5 && found[1].abs() < 1e-5, "{found:?}");
    }
}
