//! ArcFace: an additive margin on the target's angle.
//!
//! ```text
//! z_j = s cos_j      z_y = s psi(theta_y)      cos_j = cos(x, W_j)      L = cross-entropy(z, y)
//! ```
//!
//! `psi` is `cos(theta + m)`; the forms in use differ where `theta + m` passes pi and in the
//! gradient they give:
//!
//! | `form` | beyond `pi - m` | gradient | source |
//! |---|---|---|---|
//! | `fallback` | `cos - m sin(pi - m)` | true | fdbtrs/PocketNet; pytorch-metric-learning is equal |
//! | `easy_margin` | margin only where `cos > 0` | true | fdbtrs/PocketNet |
//! | `saturated` | `cos(pi - 1e-4)` | true, 0 there | mk-minchul/AdaFace |
//! | `straight_through` | `cos(theta + m)`, rising again | `d psi / d cos = 1` | deepinsight/insightface |
//! | `straight_through_unit` | `cos 3.14159` | `d psi / d cos = 1`, weights put on the sphere before every step | ydwen/opensphere |
//!
//! Source of the idea: Deng et al. 2019 (arXiv 1801.07698). Defaults: s = 64, m = 0.5, `fallback`.
//!
//! Numerics: `cos(theta + m) = cos cos m - sin sin m`, so no arc cosine is taken, whose slope is
//! infinite at the poles. Cosines are clamped to 1 - 1e-5 in absolute value (PocketNet's code clamps
//! at 1 + 1e-5 on one side, a slip).

use burn::tensor::{Int, Tensor};
use facette_nets::{Knowledge, Parameters};
use serde::{Deserialize, Serialize};

use super::angular::{ClassWeights, add_at_labels, at_labels, sine};
use crate::batch::Batch;
use crate::error::DistilError;
use crate::normalise::{EPS, cosines, rows};
use crate::settings::{self, positive, within};
use crate::term::{Context, Needs, Term, TermSpec};
use crate::terms::cross_entropy::cross_entropy;

/// The largest angle opensphere lets the margin reach: its 3.14159.
const OPENSPHERE_LAST: f64 = std::f64::consts::PI - 2.653_59e-6;

/// Which of the forms in use is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArcFaceForm {
    /// Linear beyond `pi - m`.
    Fallback,
    /// Margin only within 90 degrees.
    EasyMargin,
    /// Constant beyond `pi - m`.
    Saturated,
    /// No fallback; the margin changes the value, not the gradient.
    StraightThrough,
    /// As `StraightThrough`, constant beyond `pi - m`, class weights of unit length.
    StraightThroughUnit,
}

/// Class scores of embeddings `x` `[n, d]` of the classes `labels` `[n]` against class weights
/// `[k, d]`; `[n, k]`. The weights of [`ArcFaceForm::StraightThroughUnit`] must be of unit length.
pub fn arcface(
    x: Tensor<2>,
    weight: Tensor<2>,
    labels: Tensor<1, Int>,
    scale: f64,
    margin: f64,
    form: ArcFaceForm,
) -> Tensor<2> {
    let cosines = match form {
        ArcFaceForm::StraightThroughUnit => rows(x, EPS).matmul(weight.transpose()),
        _ => cosines(x, weight),
    };
    let limit = match form {
        ArcFaceForm::StraightThrough | ArcFaceForm::StraightThroughUnit => 1.0,
        ArcFaceForm::Saturated => 1.0 - 1e-4,
        _ => 1.0 - 1e-5,
    };
    let cosines = cosines.clamp(-limit, limit);
    let c = at_labels(cosines.clone(), labels.clone());
    let delta = psi(c.clone(), margin, form) - c;
    let delta = match form {
        ArcFaceForm::StraightThrough | ArcFaceForm::StraightThroughUnit => delta.detach(),
        _ => delta,
    };
    add_at_labels(cosines, labels, delta).mul_scalar(scale)
}

/// The target's score over the scale, for its clamped cosine `c` `[n, 1]`.
fn psi(c: Tensor<2>, margin: f64, form: ArcFaceForm) -> Tensor<2> {
    use std::f64::consts::PI;
    let c = match form {
        ArcFaceForm::StraightThroughUnit => c.clamp(-1.0 + 1e-5, 1.0 - 1e-5),
        _ => c,
    };
    let moved = c.clone() * margin.cos() - sine(c.clone()) * margin.sin();
    let constant = |last: f64| {
        let beyond = c.clone().lower_equal_elem((last - margin).cos());
        moved.clone().mask_fill(beyond, last.cos())
    };
    match form {
        ArcFaceForm::Fallback => {
            let beyond = c.clone().lower_equal_elem((PI - margin).cos());
            moved.mask_where(beyond, c - margin * (PI - margin).sin())
        }
        ArcFaceForm::EasyMargin => moved.mask_where(c.clone().lower_equal_elem(0.0), c),
        ArcFaceForm::Saturated => constant(PI - 1e-4),
        ArcFaceForm::StraightThrough => moved,
        ArcFaceForm::StraightThroughUnit => constant(OPENSPHERE_LAST),
    }
}

/// Settings of the term.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    scale: f64,
    /// Radians, 0 to pi / 2.
    margin: f64,
    form: ArcFaceForm,
}

impl Default for Settings {
    fn default() -> Self {
        Self { scale: 64.0, margin: 0.5, form: ArcFaceForm::Fallback }
    }
}

/// The entry `arcface`.
pub struct ArcFaceSpec;

struct ArcFace {
    settings: Settings,
    weights: ClassWeights,
}

impl TermSpec for ArcFaceSpec {
    fn id(&self) -> &'static str {
        "arcface"
    }

    fn about(&self) -> &'static str {
        "softmax over scaled cosines with an additive margin on the target's angle"
    }

    fn source(&self) -> &'static str {
        "arXiv 1801.07698; fdbtrs/PocketNet utils/losses.py ArcFace"
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
        within(self.id(), "margin", settings.margin, 0.0, std::f64::consts::FRAC_PI_2)?;
        Ok(Box::new(ArcFace { settings, weights: ClassWeights::new(self.id(), context)? }))
    }
}

impl Term for ArcFace {
    fn name(&self) -> &str {
        ArcFaceSpec.id()
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        _target: Option<&Knowledge>,
        batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        let (x, labels) = self.weights.inputs(self.name(), student, batch)?;
        let Settings { scale, margin, form } = self.settings;
        if form == ArcFaceForm::StraightThroughUnit {
            self.weights.put_on_sphere();
        }
        let scores = arcface(x, self.weights.weight(), labels.clone(), scale, margin, form);
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

    const FORMS: [ArcFaceForm; 5] = [
        ArcFaceForm::Fallback,
        ArcFaceForm::EasyMargin,
        ArcFaceForm::Saturated,
        ArcFaceForm::StraightThrough,
        ArcFaceForm::StraightThroughUnit,
    ];

    /// Score of the target at the angle `theta`, and its slope along the angle.
    fn target(theta: f64, form: ArcFaceForm) -> (f64, f64) {
        let x = Tensor::<2>::from_floats([[theta.cos() as f32, theta.sin() as f32]], &device());
        let x = x.require_grad();
        let w = Tensor::<2>::from_floats([[1.0, 0.0], [0.0, 1.0]], &device());
        let labels = Tensor::<1, Int>::from_ints([0], &device());
        let scores = arcface(x.clone(), w, labels, 1.0, 0.5, form).narrow(1, 0, 1);
        let grad = values(&x.grad(&scores.clone().sum().backward()).unwrap());
        let slope = -theta.sin() * grad[0] + theta.cos() * grad[1];
        (values(&scores)[0], slope)
    }

    #[test]
    fn forms_agree_in_value_before_pi_minus_m_and_part_beyond() {
        for form in FORMS {
            let (value, slope) = target(1.0, form);
            assert!((value - 1.5f64.cos()).abs() < 1e-6, "{form:?} {value}");
            let straight =
                matches!(form, ArcFaceForm::StraightThrough | ArcFaceForm::StraightThroughUnit);
            let expected = if straight { -1f64.sin() } else { -1.5f64.sin() };
            assert!((slope - expected).abs() < 1e-5, "{form:?} {slope}");
        }
        let beyond = 2.9f64;
        let expected = [
            beyond.cos() - 0.5 * 0.5f64.sin(),
            beyond.cos(),
            (std::f64::consts::PI - 1e-4).cos(),
            3.4f64.cos(),
            OPENSPHERE_LAST.cos(),
        ];
        for (form, expected) in FORMS.into_iter().zip(expected) {
            let (value, slope) = target(beyond, form);
            assert!((value - expected).abs() < 1e-6, "{form:?} {value} {expected}");
            let flat = form == ArcFaceForm::Saturated;
            assert!((slope - if flat { 0.0 } else { -beyond.sin() }).abs() < 1e-5, "{form:?}");
        }
    }

    #[test]
    fn poles_keep_finite_gradients() {
        for form in FORMS {
            for theta in [0.0, std::f64::consts::PI] {
                let (value, slope) = target(theta, form);
                assert!(value.is_finite() && slope.is_finite(), "{form:?} at {theta}");
            }
        }
    }
}
