//! Similarity transfer: student and teacher agree on virtual pictures, and on the mixture of what both halves are.
//!
//! ```text
//! x~ = l x + (1 - l) x_pi            l ~ U(0, 1), one a batch; pi: a permutation of the batch
//! L  = l CE(z_s(x~), y) + (1 - l) CE(z_s(x~), y_pi)
//!      + T^2 KL( p(z_t(x~)) || p(z_s(x~)) ) + T^2 KL( l p(z_t(x)) + (1 - l) p(z_t(x_pi)) || p(z_s(x~)) )        all at T
//! ```
//!
//! The student is shown `x~` alone, the teacher `x` and then `x~`, twice as many. Source: Zhao et al. 2021 (arXiv
//! 2103.10047), of which the abstract was at hand; T = 4 and unit weights are reconstructed.

use burn::tensor::{Tensor, activation};
use facette_nets::Knowledge;
use serde::{Deserialize, Serialize};

use super::cross_entropy::cross_entropy;
use super::kd::soft_logits;
use crate::batch::Batch;
use crate::error::DistilError;
use crate::knowledge::{logits, target};
use crate::settings::{self, check, positive, within};
use crate::term::{Context, Needs, Term, TermSpec};

/// `T^2 mean_n sum_k q (log q - log p_s)` of probabilities `q` and scores `student`, both `[n, k]`; `[1]`.
pub fn against(student: Tensor<2>, q: Tensor<2>, temperature: f64) -> Tensor<1> {
    let n = student.dims()[0] as f64;
    let log_s = activation::log_softmax(student.div_scalar(temperature), 1);
    let log_q = q.clone().clamp_min(1e-30).log();
    (q * (log_q - log_s)).sum().mul_scalar(temperature * temperature / n)
}

/// Settings of the term.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    temperature: f64,
    /// Weight of the mixed labels.
    hard: f64,
    /// Weight of the teacher's view of the virtual pictures.
    virtual_pictures: f64,
    /// Weight of the mixture of the teacher's views of their halves.
    mixture: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { temperature: 4.0, hard: 1.0, virtual_pictures: 1.0, mixture: 1.0 }
    }
}

/// The entry `stkd`.
pub struct StkdSpec;

struct Stkd {
    settings: Settings,
    classes: usize,
}

impl TermSpec for StkdSpec {
    fn id(&self) -> &'static str {
        "stkd"
    }

    fn about(&self) -> &'static str {
        "agreement with the teacher on virtual pictures; of the method stkd, which shows them"
    }

    fn source(&self) -> &'static str {
        "arXiv 2103.10047 (weights reconstructed)"
    }

    fn needs(&self) -> Needs {
        Needs { logits: true, labels: true, teacher: true, ..Needs::default() }
    }

    fn defaults(&self) -> toml::Table {
        settings::defaults::<Settings>()
    }

    fn build(
        &self,
        given: &toml::Table,
        context: &Context<'_>,
    ) -> Result<Box<dyn Term>, DistilError> {
        let settings: Settings = settings::read(self.id(), given)?;
        positive(self.id(), "temperature", settings.temperature)?;
        let weights = [
            ("hard", settings.hard),
            ("virtual_pictures", settings.virtual_pictures),
            ("mixture", settings.mixture),
        ];
        for (name, weight) in weights {
            within(self.id(), name, weight, 0.0, f64::INFINITY)?;
        }
        check(self.id(), "hard", weights.iter().any(|(_, weight)| *weight > 0.0), || {
            "nothing would be learned with all weights 0".into()
        })?;
        context.equal_classes(self.id())?;
        Ok(Box::new(Stkd { settings, classes: context.classes(self.id())? }))
    }
}

impl Term for Stkd {
    fn name(&self) -> &str {
        StkdSpec.id()
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        teacher: Option<&Knowledge>,
        batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        let need = |need: &str, found: String| DistilError::Need {
            owner: StkdSpec.id().into(),
            need: need.into(),
            found,
            remedy: "choose the method stkd, which shows them to both".into(),
        };
        let s = logits(self.name(), student)?.clone();
        let t = logits(self.name(), target(self.name(), teacher)?)?.clone();
        let ([n, k], twice) = (s.dims(), t.dims()[0]);
        let mix = batch.mix.as_ref().filter(|mix| mix.order.len() == n);
        let mix = mix.ok_or_else(|| need("virtual pictures", "pictures as they are".into()))?;
        if twice != 2 * n {
            let found = format!("{twice} rows beside the student's {n}");
            return Err(need("the teacher's view of pictures and virtual pictures", found));
        }
        let labels = batch.labels(self.name(), n, self.classes.min(k))?;
        let partners = mix.partners(&s);
        let Settings { temperature, hard, virtual_pictures, mixture } = self.settings;
        let other = labels.clone().select(0, partners.clone());
        let of_labels = cross_entropy(s.clone(), labels, 0.0).mul_scalar(mix.share)
            + cross_entropy(s.clone(), other, 0.0).mul_scalar(1.0 - mix.share);
        let plain = activation::softmax(t.clone().narrow(0, 0, n).div_scalar(temperature), 1);
        let q = plain.clone().mul_scalar(mix.share)
            + plain.select(0, partners).mul_scalar(1.0 - mix.share);
        let of_virtual = soft_logits(s.clone(), t.narrow(0, n, n), temperature);
        Ok(of_labels.mul_scalar(hard)
            + of_virtual.mul_scalar(virtual_pictures)
            + against(s, q, temperature).mul_scalar(mixture))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{context, device, scalar, shapes};

    #[test]
    fn probabilities_by_hand() {
        let s = Tensor::<2>::from_floats([[0.0, 0.0]], &device());
        let q = Tensor::<2>::from_floats([[0.25, 0.75]], &device());
        let expected = 0.25 * 0.5f64.ln() + 0.75 * 1.5f64.ln();
        assert!((scalar(&against(s.clone(), q, 1.0)) - expected).abs() < 1e-6);
        let sure = Tensor::<2>::from_floats([[0.0, 1.0]], &device());
        assert!((scalar(&against(s, sure, 1.0)) - 2f64.ln()).abs() < 1e-6);
    }

    #[test]
    fn pictures_as_they_are_are_refused() {
        let own = shapes();
        let mut term = StkdSpec.build(&toml::Table::new(), &context(&own, Some(&own))).unwrap();
        let logits = Some(Tensor::<2>::zeros([2, 5], &device()));
        let embedding = Tensor::zeros([2, 6], &device());
        let seen = Knowledge { logits, ..Knowledge::from_embedding(embedding) };
        let batch = Batch::first(vec![0, 1], vec![0, 1], &device());
        let message = term.loss(&seen, Some(&seen), &batch).err().unwrap().to_string();
        assert!(message.contains("virtual pictures") && message.contains("stkd"), "{message}");
    }
}
