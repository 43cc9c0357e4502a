//! CosFace: an additive margin on the target's cosine.
//!
//! ```text
//! z_j = s (cos_j - m [j = y])      cos_j = cos(x, W_j)      L = cross-entropy(z, y)
//! ```
//!
//! Source: Wang et al. 2018 (arXiv 1801.09414), in the form of deepinsight/insightface `CosFace`
//! (identical: `CombinedMarginLoss(s, 1, 0, m)`, and AdaFace's but for its clamp at 1 - 1e-4, which
//! is out of reach of training). Defaults: s = 64, m = 0.4, insightface's; the paper has 0.35.

use burn::tensor::{Int, Tensor};
use facette_nets::{Knowledge, Parameters};
use serde::{Deserialize, Serialize};

use super::angular::{ClassWeights, add_at_labels};
use crate::batch::Batch;
use crate::error::DistilError;
use crate::normalise::cosines;
use crate::settings::{self, positive, within};
use crate::term::{Context, Needs, Term, TermSpec};
use crate::terms::cross_entropy::cross_entropy;

/// Class scores of embeddings `x` `[n, d]` of the classes `labels` `[n]` against class weights
/// `[k, d]`; `[n, k]`.
pub fn cosface(
    x: Tensor<2>,
    weight: Tensor<2>,
    labels: Tensor<1, Int>,
    scale: f64,
    margin: f64,
) -> Tensor<2> {
    let cosines = cosines(x, weight).clamp(-1.0, 1.0);
    let delta = Tensor::full([cosines.dims()[0], 1], -margin, &cosines.device());
    add_at_labels(cosines, labels, delta).mul_scalar(scale)
}

/// Settings of the term.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    scale: f64,
    margin: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { scale: 64.0, margin: 0.4 }
    }
}

/// The entry `cosface`.
pub struct CosFaceSpec;

struct CosFace {
    settings: Settings,
    weights: ClassWeights,
}

impl TermSpec for CosFaceSpec {
    fn id(&self) -> &'static str {
        "cosface"
    }

    fn about(&self) -> &'static str {
        "softmax over scaled cosines with an additive margin on the target's cosine"
    }

    fn source(&self) -> &'static str {
        "arXiv 1801.09414; deepinsight/insightface arcface_torch/losses.py CosFace"
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
        within(self.id(), "margin", settings.margin, 0.0, 1.0)?;
        Ok(Box::new(CosFace { settings, weights: ClassWeights::new(self.id(), context)? }))
    }
}

impl Term for CosFace {
    fn name(&self) -> &str {
        CosFaceSpec.id()
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        _target: Option<&Knowledge>,
        batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        let (x, labels) = self.weights.inputs(self.name(), student, batch)?;
        let Settings { scale, margin } = self.settings;
        let scores = cosface(x, self.weights.weight(), labels.clone(), scale, margin);
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
    fn only_the_target_pays_the_margin() {
        let x = Tensor::<2>::from_floats([[0.0, 7.0]], &device());
        let w = Tensor::<2>::from_floats([[3.0, 4.0], [0.5, 0.0]], &device());
        let labels = Tensor::<1, Int>::from_ints([1], &device());
        let found = values(&cosface(x, w, labels, 10.0, 0.4));
        assert!((found[0] - 8.0).abs() < 1e-5 && (found[1] + 4.0).abs() < 1e-5, "{found:?}");
    }
}
