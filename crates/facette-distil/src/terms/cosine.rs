//! Cosine regression of the student's embedding to the target's.
//!
//! ```text
//! L = mean_n ( 1 - cos(P s, t) )
//! ```
//!
//! `P` is a learned linear map where the lengths differ; neither side need be normalised, and a
//! zero vector has cosine 0. Equal to half the squared distance of the normalised embeddings,
//! which is the "L2KD" baseline of ProxylessKD (arXiv 2011.00265) and the angular distillation of
//! david-svitov/margindistillation.

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

/// One minus the cosine of `student` and `target`, both `[n, d]`, mean over the batch; `[1]`.
pub fn cosine(student: Tensor<2>, target: Tensor<2>) -> Tensor<1> {
    let cosines = (rows(student, EPS) * rows(target, EPS)).sum_dim(1);
    cosines.neg().add_scalar(1.0).mean()
}

/// Settings of the term.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    project: Project,
}

impl Default for Settings {
    fn default() -> Self {
        Self { project: Project::Auto }
    }
}

/// The entry `cosine`.
pub struct CosineSpec;

struct Cosine {
    projection: Projection,
}

impl TermSpec for CosineSpec {
    fn id(&self) -> &'static str {
        "cosine"
    }

    fn about(&self) -> &'static str {
        "one minus the cosine of the student's embedding and the target's"
    }

    fn source(&self) -> &'static str {
        "arXiv 2011.00265, baseline L2KD; david-svitov/margindistillation"
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
        Ok(Box::new(Cosine { projection }))
    }
}

impl Term for Cosine {
    fn name(&self) -> &str {
        CosineSpec.id()
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        teacher: Option<&Knowledge>,
        _batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        let s = self.projection.apply(student.embedding.clone());
        Ok(cosine(s, target(self.name(), teacher)?.embedding.clone()))
    }

    fn parameters_mut(&mut self) -> Vec<&mut Parameters> {
        self.projection.parameters_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{device, scalar};

    #[test]
    fn by_hand_with_a_zero_row() {
        let s = Tensor::<2>::from_floats([[3.0, 4.0], [1.0, 0.0], [0.0, 0.0]], &device());
        let t = Tensor::<2>::from_floats([[30.0, 40.0], [-5.0, 0.0], [1.0, 1.0]], &device());
        // Cosines 1, -1 and 0.
        assert!((scalar(&cosine(s, t)) - 1.0).abs() < 1e-6);
    }
}
