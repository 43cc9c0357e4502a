//! Relational distillation, angles.
//!
//! ```text
//! e_ij  = (x_j - x_i) / |x_j - x_i|                                     zero where they coincide
//! L     = mean_ijk huber( <e^s_ij, e^s_ik> - <e^t_ij, e^t_ik> )          over all n^3 entries
//! ```
//!
//! Source: Park et al. 2019 (arXiv 1904.05068), in the form of lenscloth/RKD `RKdAngle` (identical:
//! RepDistiller, which weighs it 50, and torchdistill). Needs `n^2 (d + n)` values of memory a side.

use burn::tensor::Tensor;
use facette_nets::Knowledge;
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::error::DistilError;
use crate::huber::smooth_l1;
use crate::knowledge::target;
use crate::normalise::{EPS, rows};
use crate::pairs::differences;
use crate::settings;
use crate::term::{Context, Needs, Term, TermSpec};

/// Huber difference of the angles at every picture in `student` `[n, d_s]` and `target` `[n, d_t]`;
/// `[1]`.
pub fn rkd_angle(student: Tensor<2>, target: Tensor<2>) -> Tensor<1> {
    smooth_l1(cosines_at(student) - cosines_at(target)).mean()
}

/// Cosine of the angle at row `i` between rows `j` and `k`; `[n, n, n]`.
pub fn cosines_at(x: Tensor<2>) -> Tensor<3> {
    let [n, d] = x.dims();
    let unit = rows(differences(x).reshape([n * n, d]), EPS).reshape([n, n, d]);
    unit.clone().matmul(unit.swap_dims(1, 2))
}

/// Settings of the term.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {}

/// The entry `rkd_angle`.
pub struct RkdAngleSpec;

struct RkdAngle;

impl TermSpec for RkdAngleSpec {
    fn id(&self) -> &'static str {
        "rkd_angle"
    }

    fn about(&self) -> &'static str {
        "angles between the pictures of the batch, three at a time"
    }

    fn source(&self) -> &'static str {
        "arXiv 1904.05068; lenscloth/RKD metric/loss.py RKdAngle"
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
        let Settings {} = settings;
        context.target(self.id())?;
        Ok(Box::new(RkdAngle))
    }
}

impl Term for RkdAngle {
    fn name(&self) -> &str {
        RkdAngleSpec.id()
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        teacher: Option<&Knowledge>,
        _batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        let t = target(self.name(), teacher)?.embedding.clone();
        Ok(rkd_angle(student.embedding.clone(), t))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{device, scalar, values};

    #[test]
    fn a_right_angle_by_hand() {
        let x = Tensor::<2>::from_floats([[0.0, 0.0], [2.0, 0.0], [0.0, 5.0]], &device());
        let found = values(&cosines_at(x.clone()).narrow(0, 0, 1));
        for (found, expected) in found.iter().zip([0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]) {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
        assert_eq!(scalar(&rkd_angle(x.clone(), x)), 0.0);
    }
}
