//! Relational distillation, distances.
//!
//! ```text
//! D_ij = |x_i - x_j| / mu      mu = mean of |x_i - x_j| over i != j, each side its own
//! L    = mean_ij huber( D^s_ij - D^t_ij )                              over all n^2 entries
//! ```
//!
//! Lengths of student and target may differ; gradient flows through the student's `mu`. Source: Park
//! et al. 2019 (arXiv 1904.05068), in the form of lenscloth/RKD `RkdDistance` (identical: RepDistiller,
//! which weighs it 25, and torchdistill). Distances come from differences, not from the
//! expanded square; of coinciding pictures they are 1e-6, as the reference clamps them.

use burn::tensor::Tensor;
use facette_nets::Knowledge;
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::error::DistilError;
use crate::huber::smooth_l1;
use crate::knowledge::target;
use crate::pairs::distances;
use crate::settings;
use crate::term::{Context, Needs, Term, TermSpec};

/// Huber difference of the relative distances in `student` `[n, d_s]` and `target` `[n, d_t]`; `[1]`.
pub fn rkd_distance(student: Tensor<2>, target: Tensor<2>) -> Tensor<1> {
    smooth_l1(relative(student) - relative(target)).mean()
}

/// Distances over their mean off the diagonal, `[n, n]`.
fn relative(x: Tensor<2>) -> Tensor<2> {
    let n = x.dims()[0];
    let distances = distances(x);
    let pairs = (n * n.saturating_sub(1)).max(1) as f64;
    let mean = distances.clone().sum().div_scalar(pairs).clamp_min(1e-12);
    distances / mean.reshape([1, 1])
}

/// Settings of the term.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {}

/// The entry `rkd_distance`.
pub struct RkdDistanceSpec;

struct RkdDistance;

impl TermSpec for RkdDistanceSpec {
    fn id(&self) -> &'static str {
        "rkd_distance"
    }

    fn about(&self) -> &'static str {
        "relative distances between the pictures of the batch"
    }

    fn source(&self) -> &'static str {
        "arXiv 1904.05068; lenscloth/RKD metric/loss.py RkdDistance"
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
        Ok(Box::new(RkdDistance))
    }
}

impl Term for RkdDistance {
    fn name(&self) -> &str {
        RkdDistanceSpec.id()
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        teacher: Option<&Knowledge>,
        _batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        let t = target(self.name(), teacher)?.embedding.clone();
        Ok(rkd_distance(student.embedding.clone(), t))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{device, scalar};

    #[test]
    fn scale_and_length_do_not_matter() {
        let s = Tensor::<2>::from_floats([[0.0, 0.0], [3.0, 4.0], [0.0, 8.0]], &device());
        let t = Tensor::<2>::from_floats([[0.0], [1.0], [2.0]], &device());
        let same = rkd_distance(s.clone() * 7.0 + 1.0, s.clone());
        assert!(scalar(&same).abs() < 1e-10);
        // Relative distances 5/6, 8/6, 5/6 and 3/4, 6/4, 3/4: differences 1/12, 1/6, 1/12.
        let expected = 2.0 * 0.5 * (2.0 / 144.0 + 1.0 / 36.0) / 9.0;
        assert!((scalar(&rkd_distance(s.clone(), t)) - expected).abs() < 1e-7);
        let one = s.narrow(0, 0, 1);
        assert_eq!(scalar(&rkd_distance(one.clone(), one)), 0.0);
    }
}
