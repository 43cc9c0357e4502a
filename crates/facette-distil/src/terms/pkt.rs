//! Probabilistic knowledge transfer: who is near whom, as conditional probabilities.
//!
//! ```text
//! P_ij = ((cos_ij + 1) / 2) / sum_k ((cos_ik + 1) / 2)
//! L    = mean_ij P^t_ij log( (P^t_ij + eps) / (P^s_ij + eps) )
//! ```
//!
//! Source: Passalis and Tefas 2018 (arXiv 1803.10837), in the form of RepDistiller `PKT` (eps 1e-7,
//! weight 30000 there because of the mean; torchdistill is identical, KD-Zoo takes eps 1e-6). The
//! diagonal counts. Deviation: lengths are not enlarged by eps before dividing, 1e-7 of a difference.

use burn::tensor::Tensor;
use facette_nets::Knowledge;
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::error::DistilError;
use crate::knowledge::target;
use crate::normalise::cosines;
use crate::settings::{self, positive};
use crate::term::{Context, Needs, Term, TermSpec};

/// Divergence of the neighbourhoods in `student` `[n, d_s]` from those in `target` `[n, d_t]`; `[1]`.
pub fn pkt(student: Tensor<2>, target: Tensor<2>, eps: f64) -> Tensor<1> {
    let (s, t) = (neighbours(student), neighbours(target));
    let ratio = t.clone().add_scalar(eps) / s.add_scalar(eps);
    (t * ratio.log()).mean()
}

fn neighbours(x: Tensor<2>) -> Tensor<2> {
    let likeness = cosines(x.clone(), x).add_scalar(1.0).mul_scalar(0.5);
    let sum = likeness.clone().sum_dim(1);
    likeness / sum
}

/// Settings of the term.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Added to probabilities within the logarithm.
    eps: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { eps: 1e-7 }
    }
}

/// The entry `pkt`.
pub struct PktSpec;

struct Pkt {
    settings: Settings,
}

impl TermSpec for PktSpec {
    fn id(&self) -> &'static str {
        "pkt"
    }

    fn about(&self) -> &'static str {
        "who is near whom in the batch, as conditional probabilities"
    }

    fn source(&self) -> &'static str {
        "arXiv 1803.10837; HobbitLong/RepDistiller distiller_zoo/PKT.py"
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
        positive(self.id(), "eps", settings.eps)?;
        context.target(self.id())?;
        Ok(Box::new(Pkt { settings }))
    }
}

impl Term for Pkt {
    fn name(&self) -> &str {
        PktSpec.id()
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        teacher: Option<&Knowledge>,
        _batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        let t = target(self.name(), teacher)?.embedding.clone();
        Ok(pkt(student.embedding.clone(), t, self.settings.eps))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{device, scalar};

    #[test]
    fn two_pictures_by_hand() {
        let s = Tensor::<2>::from_floats([[1.0, 0.0], [0.0, 1.0]], &device());
        let t = Tensor::<2>::from_floats([[1.0, 0.0], [-1.0, 0.0]], &device());
        // Rows (2/3, 1/3) and (1, 0).
        let found = scalar(&pkt(s, t, 1e-7));
        assert!((found - 2.0 * 1.5f64.ln() / 4.0).abs() < 1e-6, "{found}");
    }
}
