//! SphereFace's A-softmax: a multiplicative margin on the target's angle, eased in.
//!
//! ```text
//! z_j = |x| cos_j      z_y = |x| ( cos_y + (psi(theta_y) - cos_y) / (1 + lambda) )
//! psi = (-1)^k cos(m theta) - 2 k            k = floor(m theta / pi), theta: angle of x and W_y
//! lambda = max(lambda_min, lambda_start / (1 + decay * i))                 i: step, from 1
//! ```
//!
//! Embeddings keep their length; class weights are normalised; the gradient is the true one but for `k`, which
//! is constant between its jumps (where psi is continuous). Source: Liu et al. 2017 (arXiv 1704.08063), in the form of
//! clcarwin/sphereface_pytorch: m = 4, lambda from 1500 to 5, decay 0.1, no focal term.
//! pytorch-metric-learning's `SphereFaceLoss` is lambda 0.

use burn::tensor::{Int, Tensor};
use facette_nets::{Knowledge, Parameters};
use serde::{Deserialize, Serialize};

use super::angular::{ClassWeights, add_at_labels, at_labels};
use crate::batch::Batch;
use crate::error::DistilError;
use crate::normalise::cosines;
use crate::settings::{self, check, within};
use crate::term::{Context, Needs, Term, TermSpec};
use crate::terms::cross_entropy::cross_entropy;

/// Class scores of embeddings `x` `[n, d]` of the classes `labels` `[n]` against class weights
/// `[k, d]`, margin 1 to 5; `[n, k]`.
pub fn asoftmax(
    x: Tensor<2>,
    weight: Tensor<2>,
    labels: Tensor<1, Int>,
    margin: usize,
    lambda: f64,
) -> Tensor<2> {
    let length = x.clone().square().sum_dim(1).clamp_min(1e-24).sqrt();
    let cosines = cosines(x, weight).clamp(-1.0, 1.0);
    let c = at_labels(cosines.clone(), labels.clone());
    let delta = (psi(c.clone(), margin) - c).div_scalar(1.0 + lambda);
    add_at_labels(cosines, labels, delta) * length
}

/// `(-1)^k cos(m theta) - 2 k` for the cosine `c` of theta, by Chebyshev polynomials.
fn psi(c: Tensor<2>, margin: usize) -> Tensor<2> {
    let angle = c.clone().detach().acos().mul_scalar(margin as f64 / std::f64::consts::PI);
    let k = angle.floor().clamp(0.0, margin as f64 - 1.0);
    let sign = k.clone().div_scalar(2.0);
    let sign = (sign.clone() - sign.floor()).mul_scalar(-4.0).add_scalar(1.0);
    let (mut before, mut multiple) = (c.ones_like(), c.clone());
    for _ in 1..margin {
        let next = c.clone() * multiple.clone() * 2.0 - before;
        (before, multiple) = (multiple, next);
    }
    sign * multiple - k * 2.0
}

/// Settings of the term.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Whole number, 1 to 5.
    margin: usize,
    lambda_start: f64,
    lambda_min: f64,
    decay: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { margin: 4, lambda_start: 1500.0, lambda_min: 5.0, decay: 0.1 }
    }
}

/// The entry `asoftmax`.
pub struct ASoftmaxSpec;

struct ASoftmax {
    settings: Settings,
    weights: ClassWeights,
}

impl TermSpec for ASoftmaxSpec {
    fn id(&self) -> &'static str {
        "asoftmax"
    }

    fn about(&self) -> &'static str {
        "SphereFace's softmax with a multiplicative margin on the target's angle"
    }

    fn source(&self) -> &'static str {
        "arXiv 1704.08063; clcarwin/sphereface_pytorch net_sphere.py"
    }

    fn needs(&self) -> Needs {
        Needs { embedding: true, labels: true, ..Needs::default() }
    }

    fn defaults(&self) -> toml::Table {
        settings::defaults::<Settings>()
    }

    fn is_head(&self) -> bool {
        true
    }

    fn build(
        &self,
        settings: &toml::Table,
        context: &Context<'_>,
    ) -> Result<Box<dyn Term>, DistilError> {
        let settings: Settings = settings::read(self.id(), settings)?;
        check(self.id(), "margin", (1..=5).contains(&settings.margin), || {
            format!("expected 1 to 5, found {}", settings.margin)
        })?;
        within(self.id(), "lambda_start", settings.lambda_start, 0.0, f64::INFINITY)?;
        within(self.id(), "lambda_min", settings.lambda_min, 0.0, f64::INFINITY)?;
        within(self.id(), "decay", settings.decay, 0.0, f64::INFINITY)?;
        Ok(Box::new(ASoftmax { settings, weights: ClassWeights::new(self.id(), context)? }))
    }
}

impl Term for ASoftmax {
    fn name(&self) -> &str {
        ASoftmaxSpec.id()
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        _target: Option<&Knowledge>,
        batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        let (x, labels) = self.weights.inputs(self.name(), student, batch)?;
        let Settings { margin, lambda_start, lambda_min, decay } = self.settings;
        let lambda = (lambda_start / (1.0 + decay * (batch.step + 1) as f64)).max(lambda_min);
        let scores = asoftmax(x, self.weights.weight(), labels.clone(), margin, lambda);
        Ok(cross_entropy(scores, labels, 0.0))
    }

    fn parameters_mut(&mut self) -> Vec<&mut Parameters> {
        vec![&mut self.weights.parameters]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{device, values};

    #[test]
    fn psi_is_the_cosine_of_the_multiple_and_falls_all_the_way() {
        let mut before = 2.0;
        for degrees in [1, 20, 44, 46, 80, 91, 130, 136, 170, 179] {
            let theta = f64::from(degrees).to_radians();
            let c = Tensor::<2>::from_floats([[theta.cos() as f32]], &device());
            let found = values(&psi(c, 4))[0];
            let k = (4.0 * theta / std::f64::consts::PI).floor();
            let expected = (-1f64).powi(k as i32) * (4.0 * theta).cos() - 2.0 * k;
            assert!((found - expected).abs() < 2e-5, "{degrees}: {found} {expected}");
            assert!(found < before, "{degrees}");
            before = found;
        }
    }

    #[test]
    fn scores_keep_the_length_of_the_embedding() {
        let x = Tensor::<2>::from_floats([[0.0, 7.0]], &device());
        let w = Tensor::<2>::from_floats([[0.0, 2.0], [3.0, 4.0]], &device());
        let labels = Tensor::<1, Int>::from_ints([0], &device());
        let found = values(&asoftmax(x, w, labels, 1, 0.0));
        assert!((found[0] - 7.0).abs() < 1e-5 && (found[1] - 5.6).abs() < 1e-5, "{found:?}");
    }
}
