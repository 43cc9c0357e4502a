//! DIST: class scores that correlate with the teacher's, picture by picture and class by class.
//!
//! ```text
//! p = softmax(z / T)                        r: Pearson correlation
//! L = T^2 ( inter (1 - mean_n r(p^s_n, p^t_n)) + intra (1 - mean_k r(p^s_:k, p^t_:k)) )
//! ```
//!
//! Source: Huang et al. 2022 (NeurIPS, arXiv 2205.10536), in the form of hunto/image_classification_sota
//! `dist_kd.py`: eps 1e-8 added to the product of lengths; on CIFAR-100 inter = intra = 2 and T = 4, on ImageNet 1 and
//! T = 1. A constant row or column counts as uncorrelated.

use burn::tensor::{Tensor, activation};
use facette_nets::Knowledge;
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::error::DistilError;
use crate::knowledge::{logits, target};
use crate::settings::{self, positive, within};
use crate::term::{Context, Needs, Term, TermSpec};

/// Added to products of lengths.
const EPS: f64 = 1e-8;

/// One minus the mean correlation of the rows of `a` and `b`, both `[n, k]`; `[1]`.
pub fn uncorrelated(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
    let centred = |x: Tensor<2>| x.clone() - x.mean_dim(1);
    // At a constant row the length's slope is infinite; nothing flows there.
    let length = |x: &Tensor<2>| {
        let squares = x.clone().square().sum_dim(1);
        let zero = squares.clone().lower_equal_elem(1e-24);
        squares.clamp_min(1e-24).sqrt().mask_fill(zero, 0.0)
    };
    let (a, b) = (centred(a), centred(b));
    let lengths = length(&a) * length(&b) + EPS;
    let correlation = (a * b).sum_dim(1) / lengths;
    correlation.mean().neg().add_scalar(1.0)
}

/// The loss of scores `student` against `teacher`, both `[n, k]`; `[1]`.
pub fn dist(
    student: Tensor<2>,
    teacher: Tensor<2>,
    temperature: f64,
    inter: f64,
    intra: f64,
) -> Tensor<1> {
    let soft = |z: Tensor<2>| activation::softmax(z.div_scalar(temperature), 1);
    let (s, t) = (soft(student), soft(teacher));
    let rows = uncorrelated(s.clone(), t.clone()).mul_scalar(inter);
    let columns = uncorrelated(s.transpose(), t.transpose()).mul_scalar(intra);
    (rows + columns).mul_scalar(temperature * temperature)
}

/// Settings of the term.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    temperature: f64,
    /// Weight of the correlation within pictures, across classes.
    inter: f64,
    /// Weight of the correlation within classes, across pictures.
    intra: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { temperature: 4.0, inter: 2.0, intra: 2.0 }
    }
}

/// The entry `dist`.
pub struct DistSpec;

struct Dist {
    settings: Settings,
}

impl TermSpec for DistSpec {
    fn id(&self) -> &'static str {
        "dist"
    }

    fn about(&self) -> &'static str {
        "class scores that correlate with the teacher's within pictures and within classes"
    }

    fn source(&self) -> &'static str {
        "arXiv 2205.10536; hunto/DIST_KD"
    }

    fn needs(&self) -> Needs {
        Needs { logits: true, teacher: true, ..Needs::default() }
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
        within(self.id(), "inter", settings.inter, 0.0, f64::INFINITY)?;
        within(self.id(), "intra", settings.intra, 0.0, f64::INFINITY)?;
        context.equal_classes(self.id())?;
        Ok(Box::new(Dist { settings }))
    }
}

impl Term for Dist {
    fn name(&self) -> &str {
        DistSpec.id()
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        teacher: Option<&Knowledge>,
        _batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        let t = logits(self.name(), target(self.name(), teacher)?)?.clone();
        let s = logits(self.name(), student)?.clone();
        let Settings { temperature, inter, intra } = self.settings;
        Ok(dist(s, t, temperature, inter, intra))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{device, scalar, values};

    #[test]
    fn correlations_by_hand() {
        let a = Tensor::<2>::from_floats([[1.0, 2.0, 3.0], [1.0, 0.0, 1.0]], &device());
        let b = Tensor::<2>::from_floats([[2.0, 4.0, 6.0], [0.0, 1.0, 0.0]], &device());
        // Rows rise together and against each other.
        assert!((scalar(&uncorrelated(a, b)) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn constant_scores_stay_finite() {
        let s = Tensor::<2>::zeros([3, 4], &device()).require_grad();
        let loss = dist(s.clone(), Tensor::zeros([3, 4], &device()), 4.0, 2.0, 2.0);
        assert!((scalar(&loss) - 64.0).abs() < 1e-4);
        let grad = values(&s.grad(&loss.backward()).unwrap());
        assert!(grad.iter().all(|g| g.is_finite()), "{grad:?}");
    }
}
