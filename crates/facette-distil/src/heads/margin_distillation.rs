//! Margin distillation: a margin softmax by the teacher's frozen class weights, the margin from its certainty.
//!
//! ```text
//! m_i = (M_max - M_min) cos(f_t(x_i), W_y) / D_max + M_min           D_max: largest of these cosines in the batch
//! L   = ArcFace( P f_s, W_t, y ) with the margin m_i of each picture
//! ```
//!
//! Source: Svitov & Alyamkin 2020 (arXiv 2003.02586), in the form of david-svitov/margindistillation `train.py`:
//! M_max 0.5, M_min 0.2, scale 64. There `W_t` is the teacher's own; here it is made as `heads/inherited.rs` says. Cosines below
//! 0 count as 0, so that margins stay between the two. With M_max = M_min this is `proxyless`.

use burn::tensor::{Int, Tensor};
use facette_nets::{Knowledge, Parameters};
use serde::{Deserialize, Serialize};

use super::angular::{add_at_labels, at_labels, sine};
use super::inherited::{Fit, Inherited};
use crate::batch::Batch;
use crate::error::DistilError;
use crate::knowledge;
use crate::normalise::cosines;
use crate::settings::{self, check, within};
use crate::term::{Context, Needs, Term, TermSpec};
use crate::terms::cross_entropy::cross_entropy;

/// Margins `[n, 1]` of pictures whose teacher embeddings `[n, d]` are this near to the class weights `[k, d]` of
/// their labels `[n]`.
pub fn margins(
    teacher: Tensor<2>,
    weight: Tensor<2>,
    labels: Tensor<1, Int>,
    [least, most]: [f64; 2],
) -> Tensor<2> {
    let near = at_labels(cosines(teacher, weight), labels).clamp_min(0.0);
    let nearest = near.clone().max_dim(0).clamp_min(1e-12);
    (near / nearest).mul_scalar(most - least).add_scalar(least)
}

/// Class scores with a margin `[n, 1]` for each picture: `x` `[n, d]`, `weight` `[k, d]`; `[n, k]`. Beyond `pi - m` the margin
/// is linear, as in ArcFace's fallback.
pub fn scores(
    x: Tensor<2>,
    weight: Tensor<2>,
    labels: Tensor<1, Int>,
    margins: Tensor<2>,
    scale: f64,
) -> Tensor<2> {
    let cosines = cosines(x, weight).clamp(-1.0 + 1e-5, 1.0 - 1e-5);
    let c = at_labels(cosines.clone(), labels.clone());
    let (cos, sin) = (margins.clone().cos(), margins.clone().sin());
    let moved = c.clone() * cos.clone() - sine(c.clone()) * sin.clone();
    let beyond = c.clone().lower_equal(cos.neg());
    let moved = moved.mask_where(beyond, c.clone() - margins * sin);
    add_at_labels(cosines, labels, moved - c).mul_scalar(scale)
}

/// Settings of the term; `margin` is that of the fit.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
struct Settings {
    #[serde(flatten)]
    fit: Fit,
    /// Largest margin, radians.
    most: f64,
    /// Smallest margin, radians.
    least: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { fit: Fit::default(), most: 0.5, least: 0.2 }
    }
}

/// The entry `margin_distillation`.
pub struct MarginDistillationSpec;

struct MarginDistillation {
    settings: Settings,
    inherited: Inherited,
}

impl TermSpec for MarginDistillationSpec {
    fn id(&self) -> &'static str {
        "margin_distillation"
    }

    fn about(&self) -> &'static str {
        "a margin softmax by the teacher's class weights, the margin from the teacher's certainty"
    }

    fn source(&self) -> &'static str {
        "arXiv 2003.02586; david-svitov/margindistillation train.py"
    }

    fn needs(&self) -> Needs {
        Needs { embedding: true, labels: true, teacher: true, ..Needs::default() }
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
        settings.fit.check(self.id())?;
        within(self.id(), "least", settings.least, 0.0, std::f64::consts::FRAC_PI_2)?;
        within(self.id(), "most", settings.most, 0.0, std::f64::consts::FRAC_PI_2)?;
        check(self.id(), "most", settings.most >= settings.least, || {
            format!("expected at least {}, found {}", settings.least, settings.most)
        })?;
        let inherited = Inherited::new(self.id(), settings.fit.clone(), context)?;
        Ok(Box::new(MarginDistillation { settings, inherited }))
    }
}

impl Term for MarginDistillation {
    fn name(&self) -> &str {
        MarginDistillationSpec.id()
    }

    fn passes(&self) -> usize {
        self.inherited.passes()
    }

    fn observe(&mut self, target: &Knowledge, batch: &Batch) -> Result<(), DistilError> {
        self.inherited.observe(MarginDistillationSpec.id(), target, batch)
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        target: Option<&Knowledge>,
        batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        let teacher = knowledge::target(self.name(), target)?.embedding.clone();
        let (weight, x) = self.inherited.sides(MarginDistillationSpec.id(), student)?;
        let labels = batch.labels(self.name(), x.dims()[0], self.inherited.classes())?;
        let Settings { most, least, .. } = self.settings;
        let margins = margins(teacher, weight.clone(), labels.clone(), [least, most]);
        let scale = self.settings.fit.scale;
        Ok(cross_entropy(scores(x, weight, labels.clone(), margins, scale), labels, 0.0))
    }

    fn parameters_mut(&mut self) -> Vec<&mut Parameters> {
        self.inherited.parameters_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heads::arcface::{ArcFaceForm, arcface};
    use crate::testing::{device, values};

    fn tensor<const N: usize>(rows: [[f32; 2]; N]) -> Tensor<2> {
        Tensor::from_floats(rows, &device())
    }

    #[test]
    fn the_surest_picture_gets_the_largest_margin() {
        let weight = tensor([[1.0, 0.0], [0.0, 1.0]]);
        let teacher = tensor([[0.8, 0.6], [0.4, 0.917], [-1.0, 0.0]]);
        let labels = Tensor::<1, Int>::from_ints([0, 0, 0], &device());
        let found = values(&margins(teacher, weight, labels, [0.2, 0.5]));
        for (found, expected) in found.iter().zip([0.5, 0.35, 0.2]) {
            assert!((found - expected).abs() < 1e-3, "{found} {expected}");
        }
    }

    #[test]
    fn one_margin_for_all_is_arcface() {
        let weight = tensor([[1.0, 0.2], [0.0, 1.0]]);
        let x = tensor([[0.8, 0.6], [-0.9, 0.1], [-1.0, -0.19]]);
        let labels = Tensor::<1, Int>::from_ints([0, 1, 0], &device());
        let margins = Tensor::full([3, 1], 0.5, &device());
        let own = scores(x.clone(), weight.clone(), labels.clone(), margins, 64.0);
        let known = arcface(x, weight, labels, 64.0, 0.5, ArcFaceForm::Fallback);
        for (own, known) in values(&own).iter().zip(values(&known)) {
            assert!((own - known).abs() < 1e-4, "{own} {known}");
        }
    }
}
