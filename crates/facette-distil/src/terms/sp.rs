//! Similarity preservation: which pictures of the batch excite the last stage alike.
//!
//! ```text
//! G = A A^T, rows divided by their lengths      A: last map, [n, c h w]
//! L = sum_ij ( G^s_ij - G^t_ij )^2 / n^2
//! ```
//!
//! Shapes of the maps may differ. Source: Tung and Mori 2019 (arXiv 1907.09682), in the form of RepDistiller
//! `Similarity` (weight 3000; identical: KD-Zoo). torchdistill's `SPKDLoss` divides rows by their sums of
//! absolute values: `rows = "l1"`. A zero row stays zero and gets no gradient.

use burn::tensor::Tensor;
use facette_nets::{Knowledge, Wanted};
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::error::DistilError;
use crate::knowledge::{stage, target};
use crate::normalise::{EPS, rows};
use crate::pairing;
use crate::settings;
use crate::term::{Context, Needs, Term, TermSpec};

/// What rows of the similarity matrix are divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowNorm {
    /// Sum of absolute values.
    L1,
    /// Euclidean length.
    L2,
}

/// Difference of the similarities of `student` and `target`, both `[n, ...]`; `[1]`.
pub fn sp(student: Tensor<4>, target: Tensor<4>, norm: RowNorm) -> Tensor<1> {
    (similarities(student, norm) - similarities(target, norm)).square().mean()
}

fn similarities(map: Tensor<4>, norm: RowNorm) -> Tensor<2> {
    let [n, c, h, w] = map.dims();
    let flat = map.reshape([n, c * h * w]);
    let gram = flat.clone().matmul(flat.transpose());
    match norm {
        RowNorm::L2 => rows(gram, EPS),
        RowNorm::L1 => {
            let sums = gram.clone().abs().sum_dim(1);
            let zero = sums.clone().lower_equal_elem(EPS);
            gram * sums.clamp_min(EPS).recip().mask_fill(zero, 0.0)
        }
    }
}

/// Settings of the term.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    rows: RowNorm,
}

impl Default for Settings {
    fn default() -> Self {
        Self { rows: RowNorm::L2 }
    }
}

/// The entry `sp`.
pub struct SpSpec;

struct Sp {
    settings: Settings,
    last: (usize, usize),
}

impl TermSpec for SpSpec {
    fn id(&self) -> &'static str {
        "sp"
    }

    fn about(&self) -> &'static str {
        "which pictures of the batch excite the last stage alike"
    }

    fn source(&self) -> &'static str {
        "arXiv 1907.09682; HobbitLong/RepDistiller distiller_zoo/SP.py"
    }

    fn needs(&self) -> Needs {
        Needs { stages: true, teacher: true, ..Needs::default() }
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
        let stages = pairing::stages(self.id(), context)?;
        Ok(Box::new(Sp { settings, last: stages[stages.len() - 1] }))
    }
}

impl Term for Sp {
    fn name(&self) -> &str {
        SpSpec.id()
    }

    fn wanted(&self) -> Wanted {
        Wanted { stages: true, ..Wanted::default() }
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        teacher: Option<&Knowledge>,
        _batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        let teacher = target(self.name(), teacher)?;
        let s = stage(self.name(), &student.stages, self.last.0)?.clone();
        let t = stage(self.name(), &teacher.stages, self.last.1)?.clone();
        Ok(sp(s, t, self.settings.rows))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{device, scalar, values};

    #[test]
    fn two_pictures_by_hand_and_a_zero_one() {
        let map =
            |values: [f32; 4]| Tensor::<1>::from_floats(values, &device()).reshape([2, 1, 1, 2]);
        let (s, t) = (map([1.0, 0.0, 0.0, 1.0]), map([1.0, 0.0, 1.0, 0.0]));
        // Rows (1, 0) and (0, 1) against (1, 1) / sqrt 2 twice.
        let half = 0.5f64.sqrt();
        let expected = 2.0 * ((1.0 - half).powi(2) + 0.5) / 4.0;
        let found = scalar(&sp(s, t.clone(), RowNorm::L2));
        assert!((found - expected).abs() < 1e-6, "{found}");
        let zero = map([1.0, 0.0, 0.0, 0.0]).require_grad();
        for norm in [RowNorm::L1, RowNorm::L2] {
            let grads = sp(zero.clone(), t.clone(), norm).backward();
            assert!(values(&zero.grad(&grads).unwrap()).iter().all(|g| g.is_finite()));
        }
    }
}
