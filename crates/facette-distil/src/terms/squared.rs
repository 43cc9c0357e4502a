//! Squared regression of the student's embedding to the target's.
//!
//! ```text
//! mean        L = mean_n mean_d (P s - t)^2
//! batch_mean  L = mean_n sum_d  (P s - t)^2
//! sum         L = sum_n  sum_d  (P s - t)^2
//! ```
//!
//! `P` is a learned linear map where the lengths differ. `normalise` divides both sides by their
//! lengths first (PocketNet's template distillation, fdbtrs/PocketNet, weight 100).
//! Source: Bridge distillation (arXiv 2409.11786) step 2, reconstructed with the mean; its
//! third-party form "RAD" takes the sum.

use burn::tensor::Tensor;
use facette_nets::{Knowledge, Parameters};
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::error::DistilError;
use crate::knowledge::target;
use crate::normalise::{EPS, rows};
use crate::projection::{Project, Projection};
use crate::settings;
use crate::term::{Context, Needs, Term, TermSpec};

/// What squares are added up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reduction {
    /// Mean over the batch and the dimensions.
    Mean,
    /// Sum over the dimensions, mean over the batch.
    BatchMean,
    /// Sum over everything.
    Sum,
}

/// Squared difference of `student` and `target`, both `[n, d]`; `[1]`.
pub fn squared(student: Tensor<2>, target: Tensor<2>, reduction: Reduction) -> Tensor<1> {
    let n = student.dims()[0] as f64;
    let squares = (student - target).square();
    match reduction {
        Reduction::Mean => squares.mean(),
        Reduction::BatchMean => squares.sum().div_scalar(n),
        Reduction::Sum => squares.sum(),
    }
}

/// Settings of the term.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    reduction: Reduction,
    /// Whether both embeddings are divided by their lengths first.
    normalise: bool,
    project: Project,
}

impl Default for Settings {
    fn default() -> Self {
        Self { reduction: Reduction::Mean, normalise: false, project: Project::Auto }
    }
}

/// The entry `squared`.
pub struct SquaredSpec;

struct Squared {
    settings: Settings,
    projection: Projection,
}

impl TermSpec for SquaredSpec {
    fn id(&self) -> &'static str {
        "squared"
    }

    fn about(&self) -> &'static str {
        "squared difference of the student's embedding and the target's"
    }

    fn source(&self) -> &'static str {
        "arXiv 2409.11786, step 2 (reconstructed); fdbtrs/PocketNet with normalise"
    }

    fn needs(&self) -> Needs {
        Needs { embedding: true, teacher: true, ..Needs::default() }
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
        let projection = Projection::new(self.id(), settings.project, context)?;
        Ok(Box::new(Squared { settings, projection }))
    }
}

impl Term for Squared {
    fn name(&self) -> &str {
        SquaredSpec.id()
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        teacher: Option<&Knowledge>,
        _batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        let mut s = self.projection.apply(student.embedding.clone());
        let mut t = target(self.name(), teacher)?.embedding.clone();
        if self.settings.normalise {
            (s, t) = (rows(s, EPS), rows(t, EPS));
        }
        Ok(squared(s, t, self.settings.reduction))
    }

    fn parameters_mut(&mut self) -> Vec<&mut Parameters> {
        self.projection.parameters_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shapes::StreamShapes;
    use crate::testing::{context, device, scalar, shapes};

    #[test]
    fn reductions_by_hand() {
        let s = Tensor::<2>::from_floats([[1.0, 2.0], [0.0, 0.0]], &device());
        let t = Tensor::<2>::from_floats([[0.0, 0.0], [0.0, 1.0]], &device());
        let by = |reduction| scalar(&squared(s.clone(), t.clone(), reduction));
        assert_eq!(by(Reduction::Sum), 6.0);
        assert_eq!(by(Reduction::BatchMean), 3.0);
        assert_eq!(by(Reduction::Mean), 1.5);
    }

    #[test]
    fn lengths_that_differ_are_mapped_or_refused() {
        let teacher = StreamShapes::embedding_only(shapes().embedding + 3);
        let mut built =
            SquaredSpec.build(&toml::Table::new(), &context(&shapes(), Some(&teacher))).unwrap();
        let owned = built.parameters_mut();
        assert_eq!(owned[0].at(0).spec.shape, [teacher.embedding, shapes().embedding]);
        let strict = "project = 'none'".parse().unwrap();
        let refused = SquaredSpec.build(&strict, &context(&shapes(), Some(&teacher)));
        assert!(refused.err().unwrap().to_string().contains("equal length"));
    }
}
