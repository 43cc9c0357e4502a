//! AdaDistill: a margin softmax whose class centres are not learned but follow the teacher's embeddings.
//!
//! ```text
//! a_i = clamp( cos(e_i, t_i) max(cos(w_y, t_i), 1e-6), 1e-6, 1 )       e, t: unit embeddings of student and teacher
//! w_y <- a_i w_y + (1 - a_i) t_i                                       before the loss of every step
//! L   = cross-entropy of scaled cosines of e_i and w, with the margin at y
//! ```
//!
//! While the student is far from the teacher, a centre is the teacher's last embedding of that class; the nearer it comes, the
//! more a centre is a mean of many. There is no other loss and no weight between losses. Source: Boutros et al. 2024 (ECCV, arXiv
//! 2407.01332), in the form of fdbtrs/AdaDistill `utils/losses.py` and `config/config.py`: scale 64, margin 0.45, `adaptive`. Of several
//! pictures of a class in a batch the last one moves the centre, as there. Deviations: ArcFace is linear beyond `pi - m`;
//! centres start at drawn directions, uniform in each value; `project` is a learned linear map where lengths differ.

use burn::tensor::{IndexingUpdateOp, Int, Tensor, TensorData};
use facette_graph::{TensorKind, TensorSpec};
use facette_nets::{Knowledge, Parameters};
use facette_random::stream;
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::arcface::{ArcFaceForm, arcface};
use super::cosface::cosface;
use crate::batch::Batch;
use crate::error::DistilError;
use crate::knowledge;
use crate::normalise::{EPS, rows};
use crate::projection::{Project, Projection};
use crate::settings::{self, positive, within};
use crate::term::{Context, Needs, Term, TermSpec};
use crate::terms::cross_entropy::cross_entropy;

/// Bounds of the share of the old centre.
const SHARE: [f64; 2] = [1e-6, 1.0];

/// The centres `[k, d]` after a step that showed pictures of the classes `labels`, all below `k`, of
/// which student and teacher made `student` and `teacher` `[n, d]`. Carries no gradient.
pub fn moved(
    centres: Tensor<2>,
    student: Tensor<2>,
    teacher: Tensor<2>,
    labels: &[usize],
) -> Tensor<2> {
    let last: Vec<i64> = (0..labels.len())
        .filter(|&i| !labels[i + 1..].contains(&labels[i]))
        .map(|i| i as i64)
        .collect();
    let classes: Vec<i64> = last.iter().map(|&i| labels[i as usize] as i64).collect();
    let device = centres.device();
    let index = |values: Vec<i64>| {
        let count = values.len();
        Tensor::<1, Int>::from_data(TensorData::new(values, [count]), &device)
    };
    let (last, classes) = (index(last), index(classes));
    let pick = |x: Tensor<2>| rows(x.detach().select(0, last.clone()), EPS);
    let (e, t) = (pick(student), pick(teacher));
    let old = centres.clone().detach().select(0, classes.clone());
    let cosine = |a: Tensor<2>, b: Tensor<2>| (a * b).sum_dim(1);
    let near = cosine(rows(old.clone(), EPS), t.clone()).clamp_min(SHARE[0]);
    let share = (cosine(e, t.clone()) * near).clamp(SHARE[0], SHARE[1]);
    let change = (t - old) * share.neg().add_scalar(1.0);
    centres.detach().select_assign(0, classes, change, IndexingUpdateOp::Add)
}

/// Where the margin stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Margin {
    /// On the angle.
    ArcFace,
    /// On the cosine.
    CosFace,
}

/// Settings of the term.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    scale: f64,
    /// Radians, or a cosine; 0 to 1.5.
    margin: f64,
    form: Margin,
    project: Project,
}

impl Default for Settings {
    fn default() -> Self {
        Self { scale: 64.0, margin: 0.45, form: Margin::ArcFace, project: Project::Auto }
    }
}

/// The entry `adadistill`.
pub struct AdaDistillSpec;

struct AdaDistill {
    settings: Settings,
    projection: Projection,
    /// `[k, d]`.
    centres: Parameters,
}

impl TermSpec for AdaDistillSpec {
    fn id(&self) -> &'static str {
        "adadistill"
    }

    fn about(&self) -> &'static str {
        "a margin softmax whose class centres follow the teacher's embeddings"
    }

    fn source(&self) -> &'static str {
        "arXiv 2407.01332; fdbtrs/AdaDistill utils/losses.py"
    }

    fn needs(&self) -> Needs {
        Needs { embedding: true, labels: true, teacher: true, memory: true, ..Needs::default() }
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
        positive(self.id(), "scale", settings.scale)?;
        within(self.id(), "margin", settings.margin, 0.0, 1.5)?;
        let (classes, length) = (context.classes(self.id())?, context.target(self.id())?.embedding);
        let projection = Projection::new(self.id(), settings.project, context)?;
        let name = format!("term/{}/{}/centres", context.stream, self.id());
        let mut rng = stream(context.seed, &name, 0);
        let drawn = (0..classes * length).map(|_| rng.random_range(-0.01..0.01)).collect();
        let spec = TensorSpec {
            name: "centres".into(),
            shape: vec![classes, length],
            kind: TensorKind::RunningMean,
        };
        let mut centres = Parameters::default();
        centres.push(spec, drawn, context.device)?;
        Ok(Box::new(AdaDistill { settings, projection, centres }))
    }
}

impl AdaDistill {
    /// Where the centres are with this batch, and the student's side.
    fn sides(
        &self,
        student: &Knowledge,
        target: Option<&Knowledge>,
        batch: &Batch,
    ) -> Result<(Tensor<2>, Tensor<2>, Tensor<1, Int>), DistilError> {
        let teacher = knowledge::target(self.name(), target)?.embedding.clone();
        let x = self.projection.apply(student.embedding.clone());
        let centres = self.centres.at(0).shaped::<2>();
        let labels = batch.labels(self.name(), x.dims()[0], centres.dims()[0])?;
        Ok((moved(centres, x.clone(), teacher, &batch.labels), x, labels))
    }
}

impl Term for AdaDistill {
    fn name(&self) -> &str {
        AdaDistillSpec.id()
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        target: Option<&Knowledge>,
        batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        let (centres, x, labels) = self.sides(student, target, batch)?;
        let Settings { scale, margin, form, .. } = self.settings;
        let scores = match form {
            Margin::ArcFace => {
                arcface(x, centres, labels.clone(), scale, margin, ArcFaceForm::Fallback)
            }
            Margin::CosFace => cosface(x, centres, labels.clone(), scale, margin),
        };
        Ok(cross_entropy(scores, labels, 0.0))
    }

    fn after_step(
        &mut self,
        student: &Knowledge,
        target: Option<&Knowledge>,
        batch: &Batch,
    ) -> Result<(), DistilError> {
        let (centres, ..) = self.sides(student, target, batch)?;
        self.centres.at_mut(0).set(centres.reshape([-1]));
        Ok(())
    }

    fn parameters_mut(&mut self) -> Vec<&mut Parameters> {
        let mut all = self.projection.parameters_mut();
        all.push(&mut self.centres);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{device, values};

    fn tensor<const N: usize>(rows: [[f32; 2]; N]) -> Tensor<2> {
        Tensor::from_floats(rows, &device())
    }

    #[test]
    fn centres_follow_the_teacher_the_faster_the_farther_the_student_is() {
        let centres = tensor([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]]);
        let teacher = tensor([[0.6, 0.8], [3.0, 4.0], [0.0, 2.0]]);
        // The first picture of class 0 is overwritten by the second, whose student agrees; class 1's is opposite.
        let student = tensor([[-1.0, 0.0], [0.6, 0.8], [0.0, -1.0]]);
        let found = values(&moved(centres, student, teacher, &[0, 0, 1]));
        // Share of the old: 1 * 0.6 for class 0; 1e-6 for class 1.
        let expected = [0.6 + 0.4 * 0.6, 0.4 * 0.8, 0.0, 1.0, 0.5, 0.5];
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-5, "{found} {expected}");
        }
    }

    #[test]
    fn a_centre_that_is_met_stays() {
        let unit = tensor([[0.6, 0.8]]);
        let found = values(&moved(unit.clone(), unit.clone(), unit, &[0]));
        assert!((found[0] - 0.6).abs() < 1e-6 && (found[1] - 0.8).abs() < 1e-6, "{found:?}");
    }
}
