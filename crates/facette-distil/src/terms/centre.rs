//! Centre loss: embeddings of one identity are drawn to its moving centre.
//!
//! ```text
//! L   = 1/2 mean_n | x_n - c_{y_n} |^2
//! c_j = c_j - alpha * sum_{n: y_n = j} (c_j - x_n) / (1 + #{n: y_n = j})       after every step
//! ```
//!
//! Source: Wen et al. 2016 (ECCV, "A Discriminative Feature Learning Approach"), Eq. 2 to 4, with
//! the batch mean of its Caffe layer; alpha 0.5, used there with weight 0.003. Centres start at
//! zero (the Caffe layer's filler is left to the user).

use burn::tensor::{IndexingUpdateOp, Int, Tensor};
use facette_graph::{TensorKind, TensorSpec};
use facette_nets::{Init, Knowledge, Parameters};
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::error::DistilError;
use crate::settings::{self, within};
use crate::term::{Context, Needs, Term, TermSpec};

/// Half the squared distance of `x` `[n, d]` to the centres `[k, d]` of the classes `labels`
/// `[n]`, mean over the batch; `[1]`.
pub fn centre(x: Tensor<2>, centres: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<1> {
    let n = x.dims()[0] as f64;
    (x - centres.select(0, labels)).square().sum().div_scalar(2.0 * n)
}

/// The centres `[k, d]` after a step with embeddings `x` `[n, d]` of the classes `labels` `[n]`.
pub fn moved(centres: Tensor<2>, x: Tensor<2>, labels: Tensor<1, Int>, alpha: f64) -> Tensor<2> {
    let [n, _] = x.dims();
    let [k, d] = centres.dims();
    let device = x.device();
    let add = IndexingUpdateOp::Add;
    let pull = x - centres.clone().select(0, labels.clone());
    let sums = Tensor::zeros([k, d], &device).select_assign(0, labels.clone(), pull, add);
    let counts = Tensor::<2>::zeros([k, 1], &device).select_assign(
        0,
        labels,
        Tensor::ones([n, 1], &device),
        add,
    );
    centres + sums / counts.add_scalar(1.0) * alpha
}

/// Settings of the term.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Rate at which centres move, 0 to 1.
    alpha: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { alpha: 0.5 }
    }
}

/// The entry `centre`.
pub struct CentreSpec;

struct Centre {
    settings: Settings,
    centres: Parameters,
}

impl TermSpec for CentreSpec {
    fn id(&self) -> &'static str {
        "centre"
    }

    fn about(&self) -> &'static str {
        "squared distance of embeddings to the moving centre of their identity"
    }

    fn source(&self) -> &'static str {
        "Wen et al., ECCV 2016, Eq. 2 to 4"
    }

    fn needs(&self) -> Needs {
        Needs { embedding: true, labels: true, ..Needs::default() }
    }

    fn defaults(&self) -> toml::Table {
        settings::defaults::<Settings>()
    }

    fn build(
        &self,
        settings: &toml::Table,
        context: &Context<'_>,
    ) -> Result<Box<dyn Term>, DistilError> {
        let settings: Settings = settings::read(self.id(), settings)?;
        within(self.id(), "alpha", settings.alpha, 0.0, 1.0)?;
        let shape = vec![context.classes(self.id())?, context.student.embedding];
        let spec =
            TensorSpec { name: "centre.centres".into(), shape, kind: TensorKind::RunningMean };
        let centres = context.parameters(self.id(), vec![spec], Init::Torch);
        Ok(Box::new(Centre { settings, centres }))
    }
}

impl Centre {
    fn labels(&self, x: &Tensor<2>, batch: &Batch) -> Result<Tensor<1, Int>, DistilError> {
        batch.labels(self.name(), x.dims()[0], self.centres.at(0).spec.shape[0])
    }
}

impl Term for Centre {
    fn name(&self) -> &str {
        CentreSpec.id()
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        _target: Option<&Knowledge>,
        batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        let x = student.embedding.clone();
        let labels = self.labels(&x, batch)?;
        Ok(centre(x, self.centres.at(0).shaped::<2>(), labels))
    }

    fn after_step(
        &mut self,
        student: &Knowledge,
        _target: Option<&Knowledge>,
        batch: &Batch,
    ) -> Result<(), DistilError> {
        let x = student.embedding.clone().detach();
        let labels = self.labels(&x, batch)?;
        let centres = self.centres.at_mut(0);
        let new = moved(centres.shaped::<2>(), x, labels, self.settings.alpha);
        centres.set(new.reshape([centres.spec.len()]));
        Ok(())
    }

    fn parameters_mut(&mut self) -> Vec<&mut Parameters> {
        vec![&mut self.centres]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{device, scalar, values};

    #[test]
    fn loss_and_step_by_hand() {
        let x = Tensor::<2>::from_floats([[1.0, 0.0], [3.0, 0.0], [0.0, 2.0]], &device());
        let labels = Tensor::<1, Int>::from_ints([0, 0, 2], &device());
        let centres = Tensor::<2>::from_floats([[1.0, 0.0], [7.0, 7.0], [0.0, 0.0]], &device());
        let loss = scalar(&centre(x.clone(), centres.clone(), labels.clone()));
        assert!((loss - 8.0 / 6.0).abs() < 1e-6, "{loss}");
        // Class 0: pulls 0 and 2 over 1 + 2; class 2: pull 2 over 1 + 1; class 1 stays.
        let found = values(&moved(centres, x, labels, 0.5));
        for (found, expected) in found.iter().zip([1.0 + 1.0 / 3.0, 0.0, 7.0, 7.0, 0.0, 0.5]) {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
    }
}
