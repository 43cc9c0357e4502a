//! Decoupled distillation: how sure the teacher is of the label, and how it ranks the rest.
//!
//! ```text
//! TCKD = T^2 KL( b_t || b_s )      b = (p_y, 1 - p_y)                    p = softmax(z / T)
//! NCKD = T^2 KL( q_t || q_s )      q = softmax of z / T without class y
//! L    = w (alpha TCKD + beta NCKD)                                    both means over the batch
//! ```
//!
//! Source: Zhao et al. 2022 (arXiv 2203.08679), in the form of megvii-research/mdistiller `dkd_loss`:
//! T = 4, alpha 1, beta 8. `w = min(epoch / warmup, 1)` with epochs from 1 (mdistiller: warmup 20; 0 turns it
//! off). Numerics: both parts stay in log space, where the reference takes the logarithm of a sum
//! of probabilities.

use burn::tensor::{Bool, Int, Tensor, activation};
use facette_nets::Knowledge;
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::error::DistilError;
use crate::knowledge::{logits, target};
use crate::settings::{self, positive, within};
use crate::term::{Context, Needs, Term, TermSpec};

/// Stands for minus infinity where its exponential is taken (the reference subtracts 1000, which
/// scores of that size undo).
const NEVER: f64 = -1e30;

/// The parts TCKD and NCKD for scores `[n, k]` of the classes `labels` `[n]`; `[1]` each.
pub fn dkd(
    student: Tensor<2>,
    teacher: Tensor<2>,
    labels: Tensor<1, Int>,
    temperature: f64,
) -> (Tensor<1>, Tensor<1>) {
    let [n, k] = student.dims();
    let hit: Tensor<2, Bool> = labels.clone().one_hot::<2>(k).equal_elem(1);
    let scale = temperature * temperature / n as f64;
    let parts = |z: Tensor<2>| {
        let z = z.div_scalar(temperature);
        let log_p = activation::log_softmax(z.clone(), 1);
        let of_label = log_p.clone().gather(1, labels.clone().reshape([n, 1]));
        let rest = log_p.mask_fill(hit.clone(), NEVER);
        let largest = rest.clone().detach().max_dim(1);
        let of_rest = (rest - largest.clone()).exp().sum_dim(1).log() + largest;
        let others = activation::log_softmax(z.mask_fill(hit.clone(), NEVER), 1);
        (Tensor::cat(vec![of_label, of_rest], 1), others)
    };
    let ((pair_s, others_s), (pair_t, others_t)) = (parts(student), parts(teacher));
    let divergence = |t: Tensor<2>, s: Tensor<2>| (t.clone().exp() * (t - s)).sum() * scale;
    (divergence(pair_t, pair_s), divergence(others_t, others_s))
}

/// Settings of the term.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    temperature: f64,
    /// Weight of the label's probability.
    alpha: f64,
    /// Weight of the other classes' ranking.
    beta: f64,
    /// Epochs over which the loss grows to full weight.
    warmup: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { temperature: 4.0, alpha: 1.0, beta: 8.0, warmup: 20 }
    }
}

/// The entry `dkd`.
pub struct DkdSpec;

struct Dkd {
    settings: Settings,
}

impl TermSpec for DkdSpec {
    fn id(&self) -> &'static str {
        "dkd"
    }

    fn about(&self) -> &'static str {
        "how sure the teacher is of the label and how it ranks the rest, apart"
    }

    fn source(&self) -> &'static str {
        "arXiv 2203.08679; megvii-research/mdistiller distillers/DKD.py"
    }

    fn needs(&self) -> Needs {
        Needs { logits: true, labels: true, teacher: true, ..Needs::default() }
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
        positive(self.id(), "temperature", settings.temperature)?;
        within(self.id(), "alpha", settings.alpha, 0.0, f64::INFINITY)?;
        within(self.id(), "beta", settings.beta, 0.0, f64::INFINITY)?;
        let scored = context.equal_classes(self.id())?;
        let classes = context.classes(self.id())?;
        settings::check(self.id(), "alpha", scored >= classes.max(2), || {
            format!("needs scores of the {} classes in the data, found {scored}", classes.max(2))
        })?;
        Ok(Box::new(Dkd { settings }))
    }
}

impl Term for Dkd {
    fn name(&self) -> &str {
        DkdSpec.id()
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        teacher: Option<&Knowledge>,
        batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        let s = logits(self.name(), student)?.clone();
        let t = logits(self.name(), target(self.name(), teacher)?)?.clone();
        let [n, classes] = s.dims();
        let labels = batch.labels(self.name(), n, classes)?;
        let Settings { temperature, alpha, beta, warmup } = self.settings;
        let weight = match warmup {
            0 => 1.0,
            epochs => ((batch.epoch + 1) as f64 / epochs as f64).min(1.0),
        };
        let (tckd, nckd) = dkd(s, t, labels, temperature);
        Ok(tckd.mul_scalar(weight * alpha) + nckd.mul_scalar(weight * beta))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{device, scalar};

    #[test]
    fn three_classes_by_hand() {
        let s = Tensor::<2>::from_floats([[0.0, 0.0, 0.0]], &device());
        let t = Tensor::<2>::from_floats([[4f32.ln(), 3f32.ln(), 0.0]], &device());
        let labels = Tensor::<1, Int>::from_ints([0], &device());
        let (tckd, nckd) = dkd(s, t, labels, 1.0);
        // Teacher (4, 3, 1) / 8, student thirds.
        let expected = 0.5 * 1.5f64.ln() + 0.5 * 0.75f64.ln();
        assert!((scalar(&tckd) - expected).abs() < 1e-6);
        let expected = 0.75 * 1.5f64.ln() + 0.25 * 0.5f64.ln();
        assert!((scalar(&nckd) - expected).abs() < 1e-6);
    }

    #[test]
    fn extreme_scores_stay_finite() {
        let s = Tensor::<2>::from_floats([[3e3, -3e3, 0.0]], &device()).require_grad();
        let t = Tensor::<2>::from_floats([[-3e3, 3e3, 0.0]], &device());
        let labels = Tensor::<1, Int>::from_ints([1], &device());
        let (tckd, nckd) = dkd(s.clone(), t, labels, 1.0);
        let loss = tckd + nckd;
        assert!(scalar(&loss).is_finite());
        let grad = crate::testing::values(&s.grad(&loss.backward()).unwrap());
        assert!(grad.iter().all(|g| g.is_finite()), "{grad:?}");
    }
}
