//! Pairwise relations of a batch: how alike any two of its pictures are.
//!
//! ```text
//! cosine    L = mean_{i != j} ( cos(s_i, s_j) - cos(t_i, t_j) )^2
//! distance  L = mean_{i != j} ( |s_i - s_j| - |t_i - t_j| )^2          of unit vectors
//! ```
//!
//! Lengths of student and target may differ. Source: `cosine` is the first-order congruence of
//! CCKD (arXiv 1904.01802) on normalised embeddings; `distance` is the relative teacher of
//! yulu0724/EmbeddingDistillation as a mean, on normalised embeddings. The diagonal, which
//! says nothing, is left out of both.

use burn::tensor::Tensor;
use facette_nets::Knowledge;
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::error::DistilError;
use crate::knowledge::target;
use crate::normalise::{EPS, rows};
use crate::pairs;
use crate::settings;
use crate::term::{Context, Needs, Term, TermSpec};

/// What relates two pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// Cosine of their embeddings.
    Cosine,
    /// Euclidean distance of their normalised embeddings.
    Distance,
}

/// Mean squared difference of the relations in `student` `[n, d_s]` and `target` `[n, d_t]` over
/// all pairs of different pictures; `[1]`. 0 for a single picture.
pub fn relation(student: Tensor<2>, target: Tensor<2>, relation: Relation) -> Tensor<1> {
    let n = student.dims()[0];
    let matrix = |x: Tensor<2>| {
        let unit = rows(x, EPS);
        match relation {
            Relation::Cosine => unit.clone().matmul(unit.transpose()),
            Relation::Distance => pairs::distances(unit),
        }
    };
    let squares = (matrix(student) - matrix(target)).square();
    pairs::without_diagonal(squares).sum().div_scalar((n * n.saturating_sub(1)).max(1) as f64)
}

/// Settings of the term.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    relation: Relation,
}

impl Default for Settings {
    fn default() -> Self {
        Self { relation: Relation::Cosine }
    }
}

/// The entry `relation`.
pub struct RelationSpec;

struct RelationTerm {
    settings: Settings,
}

impl TermSpec for RelationSpec {
    fn id(&self) -> &'static str {
        "relation"
    }

    fn about(&self) -> &'static str {
        "how alike any two pictures of the batch are, by cosine or distance"
    }

    fn source(&self) -> &'static str {
        "arXiv 1904.01802, first order; yulu0724/EmbeddingDistillation"
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
        Ok(Box::new(RelationTerm { settings }))
    }
}

impl Term for RelationTerm {
    fn name(&self) -> &str {
        RelationSpec.id()
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        teacher: Option<&Knowledge>,
        _batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        let t = target(self.name(), teacher)?.embedding.clone();
        Ok(relation(student.embedding.clone(), t, self.settings.relation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{device, scalar};

    #[test]
    fn two_pictures_by_hand() {
        let s = Tensor::<2>::from_floats([[2.0, 0.0], [0.0, 5.0]], &device());
        let t = Tensor::<2>::from_floats([[1.0, 0.0, 0.0], [-3.0, 0.0, 0.0]], &device());
        // Cosines 0 and -1, distances sqrt 2 and 2.
        let cosine = scalar(&relation(s.clone(), t.clone(), Relation::Cosine));
        assert!((cosine - 1.0).abs() < 1e-6, "{cosine}");
        let distance = scalar(&relation(s.clone(), t.clone(), Relation::Distance));
        assert!((distance - (2.0 - 2f64.sqrt()).powi(2)).abs() < 1e-6, "{distance}");
        let one = relation(s.narrow(0, 0, 1), t.narrow(0, 0, 1), Relation::Cosine);
        assert_eq!(scalar(&one), 0.0);
    }
}
