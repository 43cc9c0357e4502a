//! Metric distillation: distances in the student's space against the teacher's.
//!
//! ```text
//! relative  L = | D^s - D^t |_F          D_ij = |x_i - x_j|, over the whole batch
//! absolute  L = mean_n | P s_n - t_n |
//! ```
//!
//! Source: Yu et al. 2019 (CVPR, "Learning Metrics from Teachers"), in the form of
//! yulu0724/EmbeddingDistillation `train_distillation.py`, which adds it to a triplet loss. Lengths may differ in the
//! relative form; in the absolute one a learned linear map leads from student to teacher where they do. The
//! reference takes the distances it mines its triplets from; here they are those of the embeddings as they are
//! (`normalise` divides them by their lengths first).

use burn::tensor::Tensor;
use facette_nets::{Knowledge, Parameters};
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::error::DistilError;
use crate::knowledge::target;
use crate::normalise::{EPS, rows};
use crate::pairs::distances;
use crate::projection::{Project, Projection};
use crate::settings;
use crate::term::{Context, Needs, Term, TermSpec};

/// What of the teacher's space is imitated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Form {
    Relative,
    Absolute,
}

/// Length of the rows of `x` `[n, d]`, `[n, 1]`, with a finite gradient at zero.
fn lengths(x: Tensor<2>) -> Tensor<2> {
    x.square().sum_dim(1).clamp_min(1e-12).sqrt()
}

/// Length of the difference of all distances in `student` `[n, d_s]` and `target` `[n, d_t]`; `[1]`.
pub fn relative(student: Tensor<2>, target: Tensor<2>) -> Tensor<1> {
    let n = student.dims()[0];
    lengths((distances(student) - distances(target)).reshape([1, n * n])).reshape([1])
}

/// Mean distance of the rows of `student` and `target`, both `[n, d]`; `[1]`.
pub fn absolute(student: Tensor<2>, target: Tensor<2>) -> Tensor<1> {
    lengths(student - target).mean()
}

/// Settings of the term.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    form: Form,
    /// Whether both embeddings are divided by their lengths first.
    normalise: bool,
    /// The absolute form's map.
    project: Project,
}

impl Default for Settings {
    fn default() -> Self {
        Self { form: Form::Relative, normalise: false, project: Project::Auto }
    }
}

/// The entry `mkd`.
pub struct MkdSpec;

struct Mkd {
    settings: Settings,
    projection: Option<Projection>,
}

impl TermSpec for MkdSpec {
    fn id(&self) -> &'static str {
        "mkd"
    }

    fn about(&self) -> &'static str {
        "distances of the batch against the teacher's, relative or absolute"
    }

    fn source(&self) -> &'static str {
        "Yu et al., CVPR 2019; yulu0724/EmbeddingDistillation train_distillation.py"
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
        context.target(self.id())?;
        let projection = match settings.form {
            Form::Relative => None,
            Form::Absolute => Some(Projection::new(self.id(), settings.project, context)?),
        };
        Ok(Box::new(Mkd { settings, projection }))
    }
}

impl Term for Mkd {
    fn name(&self) -> &str {
        MkdSpec.id()
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        teacher: Option<&Knowledge>,
        _batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        let unit = |x: Tensor<2>| if self.settings.normalise { rows(x, EPS) } else { x };
        let t = unit(target(self.name(), teacher)?.embedding.clone());
        let s = student.embedding.clone();
        Ok(match &self.projection {
            None => relative(unit(s), t),
            Some(projection) => absolute(unit(projection.apply(s)), t),
        })
    }

    fn parameters_mut(&mut self) -> Vec<&mut Parameters> {
        self.projection.iter_mut().flat_map(Projection::parameters_mut).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{device, scalar};

    #[test]
    fn both_forms_by_hand() {
        let s = Tensor::<2>::from_floats([[0.0, 0.0], [3.0, 4.0]], &device());
        let t = Tensor::<2>::from_floats([[0.0, 3.0], [3.0, 4.0]], &device());
        // Distances 5 and sqrt 10, each twice.
        let expected = 2f64.sqrt() * (5.0 - 10f64.sqrt());
        assert!((scalar(&relative(s.clone(), t.clone())) - expected).abs() < 1e-5);
        assert!((scalar(&absolute(s, t)) - 1.5).abs() < 1e-5);
    }
}
