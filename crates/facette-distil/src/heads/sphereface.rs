//! SphereFace on the sphere: a multiplicative margin on the target's angle, of any size.
//!
//! ```text
//! z_j = s cos_j      z_y = s psi(theta_y)      psi = (-1)^k cos(m theta) - 2 k      k = floor(m theta / pi)
//! ```
//!
//! Embeddings and class weights are normalised, the weights in place before every step; the margin changes the
//! value, not the gradient (`d z_y / d cos = s`). Source: Liu et al. 2022, SphereFace revived
//! (arXiv 2109.05565), in the form of ydwen/opensphere `SphereFace`: s = 30, m = 1.7 there. The original form is
//! the term `asoftmax`.

use burn::tensor::{Int, Tensor};
use facette_nets::{Knowledge, Parameters};
use serde::{Deserialize, Serialize};

use super::angular::{ClassWeights, add_at_labels, at_labels};
use crate::batch::Batch;
use crate::error::DistilError;
use crate::normalise::{EPS, rows};
use crate::settings::{self, positive, within};
use crate::term::{Context, Needs, Term, TermSpec};
use crate::terms::cross_entropy::cross_entropy;

/// Class scores of embeddings `x` `[n, d]` of the classes `labels` `[n]` against class weights
/// `[k, d]` of unit length; `[n, k]`.
pub fn sphereface(
    x: Tensor<2>,
    weight: Tensor<2>,
    labels: Tensor<1, Int>,
    scale: f64,
    margin: f64,
) -> Tensor<2> {
    let cosines = rows(x, EPS).matmul(weight.transpose());
    let c = at_labels(cosines.clone(), labels.clone()).detach();
    let turned = c.clone().clamp(-1.0 + 1e-5, 1.0 - 1e-5).acos().mul_scalar(margin);
    let k = turned.clone().div_scalar(std::f64::consts::PI).floor();
    let half = k.clone().div_scalar(2.0);
    let sign = (half.clone() - half.floor()).mul_scalar(-4.0).add_scalar(1.0);
    let delta = sign * turned.cos() - k * 2.0 - c;
    add_at_labels(cosines, labels, delta).mul_scalar(scale)
}

/// Settings of the term.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    scale: f64,
    margin: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { scale: 30.0, margin: 1.7 }
    }
}

/// The entry `sphereface`.
pub struct SphereFaceSpec;

struct SphereFace {
    settings: Settings,
    weights: ClassWeights,
}

impl TermSpec for SphereFaceSpec {
    fn id(&self) -> &'static str {
        "sphereface"
    }

    fn about(&self) -> &'static str {
        "softmax over scaled cosines with a multiplicative margin on the target's angle"
    }

    fn source(&self) -> &'static str {
        "arXiv 2109.05565; ydwen/opensphere module/head/sphereface.py"
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
        positive(self.id(), "scale", settings.scale)?;
        within(self.id(), "margin", settings.margin, 1.0, 10.0)?;
        Ok(Box::new(SphereFace { settings, weights: ClassWeights::new(self.id(), context)? }))
    }
}

impl Term for SphereFace {
    fn name(&self) -> &str {
        SphereFaceSpec.id()
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        _target: Option<&Knowledge>,
        batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        let (x, labels) = self.weights.inputs(self.name(), student, batch)?;
        let Settings { scale, margin } = self.settings;
        self.weights.put_on_sphere();
        let scores = sphereface(x, self.weights.weight(), labels.clone(), scale, margin);
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
    fn the_margin_multiplies_the_angle_and_leaves_the_gradient() {
        let theta = 1.0f64;
        let x = Tensor::<2>::from_floats([[theta.cos() as f32, theta.sin() as f32]], &device());
        let x = x.require_grad();
        let w = Tensor::<2>::from_floats([[1.0, 0.0], [0.0, 1.0]], &device());
        let labels = Tensor::<1, Int>::from_ints([0], &device());
        let scores = sphereface(x.clone(), w.clone(), labels.clone(), 1.0, 1.5);
        assert!((values(&scores)[0] - 1.5f64.cos()).abs() < 1e-6);
        let grad = values(&x.grad(&scores.narrow(1, 0, 1).sum().backward()).unwrap());
        // The slope of the plain cosine along the angle, as if there were no margin.
        let slope = -theta.sin() * grad[0] + theta.cos() * grad[1];
        assert!((slope + theta.sin()).abs() < 1e-6, "{slope}");
        // Beyond pi / m the value goes on falling.
        let far = Tensor::<2>::from_floats([[-0.8, 0.6]], &device());
        let theta = (-0.8f64).acos();
        let found = values(&sphereface(far, w, labels, 1.0, 1.5))[0];
        assert!((found - (-(1.5 * theta).cos() - 2.0)).abs() < 1e-5, "{found}");
    }
}
