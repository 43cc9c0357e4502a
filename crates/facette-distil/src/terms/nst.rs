//! Neuron selectivity transfer: the distribution of channels, by maximum mean discrepancy.
//!
//! ```text
//! k(a, b) = <a, b>^2                                   a, b: channel maps over space, normalised
//! L = sum_stages mean_n ( mean_ij k(t_i, t_j) + mean_ij k(s_i, s_j) - 2 mean_ij k(s_i, t_j) )
//! ```
//!
//! Stages are paired from the deepest; the larger map is averaged down. Source: Huang and Wang 2017
//! (arXiv 1707.01219), in the form of RepDistiller `NSTLoss` (weight 50), the teacher's constant part
//! included.

use burn::tensor::Tensor;
use facette_nets::{Knowledge, Wanted};
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::error::DistilError;
use crate::knowledge::{stage, target};
use crate::normalise::{EPS, rows};
use crate::pairing;
use crate::pooling::to_smaller;
use crate::settings;
use crate::term::{Context, Needs, Term, TermSpec};

/// Discrepancy of the channels of `student` `[n, c_s, h, w]` and `target` `[n, c_t, h, w]`; `[1]`.
pub fn nst(student: Tensor<4>, target: Tensor<4>) -> Tensor<1> {
    let (student, target) = to_smaller(student, target);
    let (s, t) = (channels(student), channels(target));
    let alike =
        |a: &Tensor<3>, b: &Tensor<3>| a.clone().matmul(b.clone().swap_dims(1, 2)).square().mean();
    alike(&t, &t) + alike(&s, &s) - alike(&s, &t).mul_scalar(2.0)
}

/// Channel maps of unit length, `[n, c, h w]`.
fn channels(map: Tensor<4>) -> Tensor<3> {
    let [n, c, h, w] = map.dims();
    rows(map.reshape([n * c, h * w]), EPS).reshape([n, c, h * w])
}

/// Settings of the term.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {}

/// The entry `nst`.
pub struct NstSpec;

struct Nst {
    stages: Vec<(usize, usize)>,
}

impl TermSpec for NstSpec {
    fn id(&self) -> &'static str {
        "nst"
    }

    fn about(&self) -> &'static str {
        "what channels respond to, as a distribution, stage by stage"
    }

    fn source(&self) -> &'static str {
        "arXiv 1707.01219; HobbitLong/RepDistiller distiller_zoo/NST.py"
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
        let Settings {} = settings;
        Ok(Box::new(Nst { stages: pairing::stages(self.id(), context)? }))
    }
}

impl Term for Nst {
    fn name(&self) -> &str {
        NstSpec.id()
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
        let mut total = Tensor::zeros([1], &student.embedding.device());
        for &(s, t) in &self.stages {
            let s = stage(self.name(), &student.stages, s)?.clone();
            let t = stage(self.name(), &teacher.stages, t)?.clone();
            total = total + nst(s, t);
        }
        Ok(total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{device, scalar};

    #[test]
    fn order_and_scale_of_channels_do_not_matter() {
        let s = Tensor::<1>::from_floats([1.0, 0.0, 0.0, 5.0], &device()).reshape([1, 2, 1, 2]);
        let t = Tensor::<1>::from_floats([0.0, 2.0, 3.0, 0.0], &device()).reshape([1, 2, 1, 2]);
        assert!(scalar(&nst(s.clone(), t)).abs() < 1e-6);
        let same = Tensor::<1>::from_floats([1.0, 0.0], &device()).reshape([1, 1, 1, 2]);
        // 1 + 1/2 - 2 * 1/2.
        assert!((scalar(&nst(s, same)) - 0.5).abs() < 1e-6);
    }
}
