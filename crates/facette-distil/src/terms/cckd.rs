//! Correlation congruence: kernel matrices of the batch agree.
//!
//! ```text
//! gaussian   K_ij = exp(-2 g) sum_{p = 0..P} (2 g)^p / p! <x_i, x_j>^p    (Taylor, on the unit sphere)
//! bilinear   K_ij = <x_i, x_j>
//! mean       L = mean_ij ( K^s_ij - K^t_ij )^2
//! frobenius  L = | K^s - K^t |_F / n^2
//! ```
//!
//! Source: Peng et al. 2019 (arXiv 1904.01802), in the form of AberHu/Knowledge-Distillation-Zoo `CC`:
//! gaussian, g = 0.4, P = 2, normalised, mean. torchdistill's `CCKDLoss` is `frobenius` without
//! `normalise`. It wants several pictures of a class in the batch. RepDistiller's "Correlation" is another
//! loss: the term `cc`.

use burn::tensor::Tensor;
use facette_nets::Knowledge;
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::error::DistilError;
use crate::knowledge::target;
use crate::normalise::{EPS, rows};
use crate::settings::{self, check, positive};
use crate::term::{Context, Needs, Term, TermSpec};

/// What relates two pictures.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kernel {
    /// Taylor series of the Gaussian kernel on the unit sphere.
    Gaussian,
    /// Inner product.
    Bilinear,
}

/// How the difference of two kernel matrices becomes a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Mean of the squares.
    Mean,
    /// Root of the sum of squares, over the number of entries.
    Frobenius,
}

/// Settings of the term.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Congruence {
    /// Kernel.
    pub kernel: Kernel,
    /// Width of the Gaussian kernel.
    pub gamma: f64,
    /// Highest power of its series, 1 to 10.
    pub order: u32,
    /// Whether embeddings are divided by their lengths first.
    pub normalise: bool,
    /// Measure of the difference.
    pub measure: Measure,
}

impl Default for Congruence {
    fn default() -> Self {
        Self {
            kernel: Kernel::Gaussian,
            gamma: 0.4,
            order: 2,
            normalise: true,
            measure: Measure::Mean,
        }
    }
}

type Settings = Congruence;

/// Difference of the kernel matrices of `student` `[n, d_s]` and `target` `[n, d_t]`; `[1]`.
pub fn cckd(student: Tensor<2>, target: Tensor<2>, form: &Congruence) -> Tensor<1> {
    let entries = student.dims()[0].pow(2) as f64;
    let squares = (kernel(student, form) - kernel(target, form)).square();
    match form.measure {
        Measure::Mean => squares.mean(),
        Measure::Frobenius => squares.sum().clamp_min(1e-24).sqrt().div_scalar(entries),
    }
}

fn kernel(x: Tensor<2>, form: &Congruence) -> Tensor<2> {
    let x = if form.normalise { rows(x, EPS) } else { x };
    let products = x.clone().matmul(x.transpose());
    if form.kernel == Kernel::Bilinear {
        return products;
    }
    // Horner's rule: 1 + a (p + a p (p ...) / 2).
    let mut series = products.ones_like();
    for power in (1..=form.order).rev() {
        let next = 2.0 * form.gamma / f64::from(power);
        series = (series * products.clone()).mul_scalar(next).add_scalar(1.0);
    }
    series.mul_scalar((-2.0 * form.gamma).exp())
}

/// The entry `cckd`.
pub struct CckdSpec;

struct Cckd {
    settings: Settings,
}

impl TermSpec for CckdSpec {
    fn id(&self) -> &'static str {
        "cckd"
    }

    fn about(&self) -> &'static str {
        "kernel matrices of the batch, Gaussian by its Taylor series"
    }

    fn source(&self) -> &'static str {
        "arXiv 1904.01802; AberHu/Knowledge-Distillation-Zoo kd_losses/cc.py"
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
        positive(self.id(), "gamma", settings.gamma)?;
        check(self.id(), "order", (1..=10).contains(&settings.order), || {
            format!("expected 1 to 10, found {}", settings.order)
        })?;
        context.target(self.id())?;
        Ok(Box::new(Cckd { settings }))
    }
}

impl Term for Cckd {
    fn name(&self) -> &str {
        CckdSpec.id()
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        teacher: Option<&Knowledge>,
        _batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        let t = target(self.name(), teacher)?.embedding.clone();
        Ok(cckd(student.embedding.clone(), t, &self.settings))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{device, scalar, values};

    #[test]
    fn a_long_series_is_the_gaussian_kernel() {
        let x = Tensor::<2>::from_floats([[1.0, 0.0], [0.6, 0.8]], &device());
        let form = Congruence { order: 10, ..Congruence::default() };
        let found = values(&kernel(x, &form));
        let expected = (-0.4f64 * (0.4f64.powi(2) + 0.8f64.powi(2))).exp();
        assert!((found[0] - 1.0).abs() < 1e-6 && (found[1] - expected).abs() < 1e-6, "{found:?}");
    }

    #[test]
    fn equal_sides_cost_nothing_and_have_a_gradient() {
        for measure in [Measure::Mean, Measure::Frobenius] {
            let x = Tensor::<2>::from_floats([[1.0, 2.0], [0.6, 0.8]], &device()).require_grad();
            let form = Congruence { measure, ..Congruence::default() };
            let loss = cckd(x.clone(), x.clone().detach(), &form);
            assert!(scalar(&loss) < 1e-10);
            let grad = values(&x.grad(&loss.backward()).unwrap());
            assert!(grad.iter().all(|g| g.abs() < 1e-6), "{grad:?}");
        }
    }
}
