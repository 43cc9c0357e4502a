//! AdaFace: a margin that follows the quality of the picture, read off the embedding's length.
//!
//! ```text
//! q_n = clip( h (|x_n| - mu) / (sigma + 1e-3), -1, 1 )      mu, sigma: moving averages over batches
//! z_y = s ( cos( clip(theta_y - m q, 1e-3, pi - 1e-3) ) - m - m q )      z_j = s cos_j
//! ```
//!
//! Lengths are clipped to 0.001..100 and carry no gradient; the deviation is the unbiased one; the batch's own
//! statistics enter the averages before they are used. Source: Kim et al. 2022 (arXiv 2204.00964), in
//! the form of mk-minchul/AdaFace: m = 0.4, h = 0.333, s = 64, averages from mean 20 and deviation 100 with rate
//! 0.01, its training configuration (the class itself defaults to 1).

use burn::tensor::{Int, Tensor};
use facette_graph::{TensorKind, TensorSpec};
use facette_nets::{Knowledge, Parameters};
use serde::{Deserialize, Serialize};

use super::angular::{ClassWeights, add_at_labels, at_labels, sine};
use crate::batch::Batch;
use crate::error::DistilError;
use crate::normalise::cosines;
use crate::settings::{self, positive, within};
use crate::term::{Context, Needs, Term, TermSpec};
use crate::terms::cross_entropy::cross_entropy;

/// Keeps angles off the poles, and deviations off zero.
const EPS: f64 = 1e-3;

/// Class scores of embeddings `x` `[n, d]` of the classes `labels` `[n]` against class weights
/// `[k, d]` for pictures of quality `quality` `[n, 1]`, -1 to 1; `[n, k]`.
pub fn adaface(
    x: Tensor<2>,
    weight: Tensor<2>,
    labels: Tensor<1, Int>,
    quality: Tensor<2>,
    scale: f64,
    margin: f64,
) -> Tensor<2> {
    use std::f64::consts::PI;
    let cosines = cosines(x, weight).clamp(-1.0 + EPS, 1.0 - EPS);
    let c = at_labels(cosines.clone(), labels.clone());
    let turn = quality.clone().mul_scalar(-margin);
    let turned = c.clone() * turn.clone().cos() - sine(c.clone()) * turn.clone().sin();
    let angle = c.clone().detach().acos() + turn;
    let turned = turned
        .mask_fill(angle.clone().lower_elem(EPS), EPS.cos())
        .mask_fill(angle.greater_elem(PI - EPS), (PI - EPS).cos());
    let delta = turned - c - quality.mul_scalar(margin) - margin;
    add_at_labels(cosines, labels, delta).mul_scalar(scale)
}

/// Lengths of embeddings `[n, d]` within 0.001 to 100, without gradient; `[n, 1]`.
fn lengths(x: Tensor<2>) -> Tensor<2> {
    x.detach().square().sum_dim(1).sqrt().clamp(0.001, 100.0)
}

/// Moving mean and deviation `[2]` after a batch of these lengths `[n, 1]`.
fn averaged(old: Tensor<1>, lengths: Tensor<2>, rate: f64) -> Tensor<1> {
    let n = lengths.dims()[0];
    let mean = lengths.clone().mean();
    let spread = (lengths - mean.clone().reshape([1, 1])).square().sum();
    // The deviation of a single picture is taken as 0.
    let deviation = spread.div_scalar(n.saturating_sub(1).max(1) as f64).sqrt();
    let batch = Tensor::cat(vec![mean, deviation], 0);
    batch.mul_scalar(rate) + old.mul_scalar(1.0 - rate)
}

/// Settings of the term.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    scale: f64,
    margin: f64,
    /// How fast quality grows with the length, in deviations.
    concentration: f64,
    /// Weight of the newest batch in the moving averages.
    rate: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { scale: 64.0, margin: 0.4, concentration: 0.333, rate: 0.01 }
    }
}

/// The entry `adaface`.
pub struct AdaFaceSpec;

struct AdaFace {
    settings: Settings,
    weights: ClassWeights,
    averages: Parameters,
}

impl TermSpec for AdaFaceSpec {
    fn id(&self) -> &'static str {
        "adaface"
    }

    fn about(&self) -> &'static str {
        "a margin that follows the picture's quality, read off the embedding's length"
    }

    fn source(&self) -> &'static str {
        "arXiv 2204.00964; mk-minchul/AdaFace head.py AdaFace"
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
        within(self.id(), "margin", settings.margin, 0.0, 1.0)?;
        within(self.id(), "concentration", settings.concentration, 0.0, f64::INFINITY)?;
        within(self.id(), "rate", settings.rate, 0.0, 1.0)?;
        let mut averages = Parameters::default();
        let spec = TensorSpec {
            name: "mean_and_deviation".into(),
            shape: vec![2],
            kind: TensorKind::RunningMean,
        };
        averages.push(spec, vec![20.0, 100.0], context.device)?;
        let weights = ClassWeights::new(self.id(), context)?;
        Ok(Box::new(AdaFace { settings, weights, averages }))
    }
}

impl AdaFace {
    /// The averages with this batch, and the quality of its pictures.
    fn quality(&self, x: &Tensor<2>) -> (Tensor<1>, Tensor<2>) {
        let lengths = lengths(x.clone());
        let old = self.averages.at(0).value.clone();
        let averages = averaged(old, lengths.clone(), self.settings.rate);
        let part = |index: usize| averages.clone().narrow(0, index, 1).reshape([1, 1]);
        let deviations = (lengths - part(0)) / part(1).add_scalar(EPS);
        let quality = deviations.mul_scalar(self.settings.concentration).clamp(-1.0, 1.0);
        (averages, quality)
    }
}

impl Term for AdaFace {
    fn name(&self) -> &str {
        AdaFaceSpec.id()
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        _target: Option<&Knowledge>,
        batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        let (x, labels) = self.weights.inputs(self.name(), student, batch)?;
        let Settings { scale, margin, .. } = self.settings;
        let (_, quality) = self.quality(&x);
        let weight = self.weights.weight();
        let scores = adaface(x, weight, labels.clone(), quality, scale, margin);
        Ok(cross_entropy(scores, labels, 0.0))
    }

    fn after_step(
        &mut self,
        student: &Knowledge,
        _target: Option<&Knowledge>,
        _batch: &Batch,
    ) -> Result<(), DistilError> {
        let (averages, _) = self.quality(&student.embedding);
        self.averages.at_mut(0).set(averages);
        Ok(())
    }

    fn parameters_mut(&mut self) -> Vec<&mut Parameters> {
        vec![&mut self.weights.parameters, &mut self.averages]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{device, values};

    #[test]
    fn good_pictures_pay_on_the_cosine_and_poor_ones_on_the_angle() {
        let theta = 1.0f64;
        let target = |quality: f32| {
            let x = [[theta.cos() as f32, theta.sin() as f32]];
            let w = Tensor::<2>::from_floats([[1.0, 0.0], [0.0, 1.0]], &device());
            let labels = Tensor::<1, Int>::from_ints([0], &device());
            let quality = Tensor::from_floats([[quality]], &device());
            let x = Tensor::from_floats(x, &device());
            values(&adaface(x, w, labels, quality, 1.0, 0.4))[0]
        };
        assert!((target(0.0) - (theta.cos() - 0.4)).abs() < 1e-6);
        assert!((target(1.0) - ((theta - 0.4).cos() - 0.8)).abs() < 1e-6);
        assert!((target(-1.0) - (theta + 0.4).cos()).abs() < 1e-6);
    }

    #[test]
    fn averages_by_hand() {
        let old = Tensor::<1>::from_floats([20.0, 100.0], &device());
        let lengths = Tensor::<2>::from_floats([[1.0], [3.0]], &device());
        let found = values(&averaged(old, lengths, 0.25));
        let expected = [0.25 * 2.0 + 15.0, 0.25 * 2f64.sqrt() + 75.0];
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-5, "{found} {expected}");
        }
    }
}
