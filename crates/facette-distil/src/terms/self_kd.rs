//! Self-distillation: classifiers on every stage learn from labels and from the deeper ones.
//!
//! ```text
//! L_D = T^2 sum_{b < C} KL( p(z_C) || p(z_b) )              z_C, F_C: the network's own scores and feature
//! L_F = sum_{b < C} d( A_b F_b, F_C )                        z_b, F_b: those of the guided modules
//! L_L = sum_{b <= C} CE(z_b, y)
//! L   = soft L_D + feature L_F + hard L_L
//! ```
//!
//! `all_deeper` takes every deeper classifier as a teacher, b < c <= C, in L_D and L_F. The teaching side carries no gradient
//! unless `detach` is false. `A_b` is a linear map where lengths differ. `d` (`measure`):
//!
//! | `mean` | `batch_mean` | `sum` | `positive_sum` |
//! |---|---|---|---|
//! | mean of squares | sum over a picture, mean over pictures | sum | sum over entries where either side is positive |
//!
//! Sources: EKD (arXiv 2103.13811), Eq. 3, 4 and 9, all weights 1, T = 4, squares averaged because a sum of
//! 512 of them swamps the rest; `preset = "selfkd"` is luanyunteng/pytorch-be-your-own-teacher (Zhang et al.
//! 2019, arXiv 1905.08094): T = 3, soft 0.1, hard 0.9, feature 1e-6 of `positive_sum`. (It writes
//! L_D as a cross-entropy, whose gradient is the same.)

mod losses;

use std::sync::{Arc, Mutex, PoisonError};

use burn::tensor::Tensor;
use facette_graph::{TensorKind, TensorSpec};
use facette_nets::{Init, Knowledge, Parameters, Wanted};
use serde::{Deserialize, Serialize};

pub use self::losses::{FeatureMeasure, feature, features, hard_labels, lessons, soft_labels};
use super::kd::soft_logits;
use crate::batch::Batch;
use crate::error::DistilError;
use crate::guided::GuidedModules;
use crate::knowledge::logits;
use crate::settings::{self, positive, within};
use crate::term::{Context, Needs, Term, TermSpec};

/// Whose weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Preset {
    Paper,
    Selfkd,
}

/// Settings of the term.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    preset: Preset,
    pub(crate) temperature: f64,
    /// Weight of L_D.
    soft: f64,
    /// Weight of L_F.
    feature: f64,
    /// Weight of L_L.
    hard: f64,
    pub(crate) measure: FeatureMeasure,
    all_deeper: bool,
    detach: bool,
    /// Length of the modules' features; 0 for the channels of the student's last stage.
    pub(crate) dim: usize,
    /// Most modules; those nearest to the output are kept.
    pub(crate) modules: usize,
}

impl Settings {
    fn preset(preset: Preset) -> Self {
        let paper = Self {
            preset,
            temperature: 4.0,
            soft: 1.0,
            feature: 1.0,
            hard: 1.0,
            measure: FeatureMeasure::Mean,
            all_deeper: false,
            detach: true,
            dim: 0,
            modules: 16,
        };
        match preset {
            Preset::Paper => paper,
            Preset::Selfkd => Self {
                temperature: 3.0,
                soft: 0.1,
                feature: 1e-6,
                hard: 0.9,
                measure: FeatureMeasure::PositiveSum,
                ..paper
            },
        }
    }

    /// # Errors
    /// If a setting is unknown or impossible.
    pub(crate) fn read(owner: &str, given: &toml::Table) -> Result<Self, DistilError> {
        let chosen = settings::read::<Self>(owner, given)?.preset;
        let settings = settings::read_over(owner, &Self::preset(chosen), given)?;
        positive(owner, "temperature", settings.temperature)?;
        for (name, weight) in
            [("soft", settings.soft), ("feature", settings.feature), ("hard", settings.hard)]
        {
            within(owner, name, weight, 0.0, f64::INFINITY)?;
        }
        Ok(settings)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::preset(Preset::Paper)
    }
}

/// What the guided modules of a stream yielded in this step, for another stream to learn from.
pub(crate) type Exchange = Arc<Mutex<Vec<Knowledge>>>;

/// The entry `self_kd`.
pub struct SelfKdSpec;

/// The guided modules of one stream and what they learn from.
pub(crate) struct SelfKd {
    name: &'static str,
    settings: Settings,
    modules: GuidedModules,
    /// Maps from the modules' features to the length of the network's own.
    maps: Option<Parameters>,
    classes: usize,
    /// Where the modules' outputs are left, detached.
    gives: Option<Exchange>,
    /// What is learned from the other stream.
    takes: Option<Lesson>,
}

/// Where the outputs of another stream's modules come from.
pub(crate) enum Others {
    /// They learn, too, and leave what they yield.
    Learning(Exchange),
    /// They are finished, and read the other stream's stages.
    Finished(GuidedModules),
}

/// What one stream learns from another.
pub(crate) struct Lesson {
    /// Outputs of the other stream's modules.
    pub(crate) others: Others,
    /// Modules that are compared, `(own, other)`.
    pub(crate) pairs: Vec<(usize, usize)>,
    /// Factor of the lesson.
    pub(crate) weight: f64,
    /// Whether the other side is told apart from the own one instead: `KL( own || other )`, Eq. 11 as printed.
    pub(crate) reversed: bool,
}

impl SelfKd {
    /// The modules of the learner of `context`, with features of length `dim`.
    ///
    /// # Errors
    /// If the learner has no stages or no classifier, or the data no labels.
    pub(crate) fn new(
        name: &'static str,
        settings: Settings,
        dim: usize,
        context: &Context<'_>,
    ) -> Result<Self, DistilError> {
        let classes = context.classes(name)?;
        let Some(scored) = context.student.classes.filter(|&scored| scored >= classes) else {
            return Err(DistilError::Need {
                owner: name.into(),
                need: format!("a classifier of the {classes} classes in the data"),
                found: format!("{:?} scores {:?}", context.stream, context.student.classes),
                remedy: "give the network a classifier of that size".into(),
            });
        };
        let modules = GuidedModules::new(name, settings.modules, dim, scored, context)?;
        let length = context.student.embedding;
        let map = |index: usize| TensorSpec {
            name: format!("guided{}.map.weight", index + 1),
            shape: vec![length, dim],
            kind: TensorKind::Weight,
        };
        let maps = (length != dim && !modules.heights.is_empty()).then(|| {
            let specs = (0..modules.heights.len()).map(map).collect();
            context.parameters(name, specs, Init::Torch)
        });
        Ok(Self { name, settings, modules, maps, classes, gives: None, takes: None })
    }

    /// Heights of the stages the modules hang on.
    pub(crate) fn heights(&self) -> &[usize] {
        &self.modules.heights
    }

    /// Leaves its outputs for another stream.
    pub(crate) fn giving(mut self, exchange: Exchange) -> Self {
        self.gives = Some(exchange);
        self
    }

    /// Learns from another stream, too.
    pub(crate) fn taking(mut self, lesson: Lesson) -> Self {
        self.takes = Some(lesson);
        self
    }

    /// What the other stream's modules and classifier teach.
    fn cross_stream(
        &self,
        own: &[Knowledge],
        student: &Knowledge,
        target: Option<&Knowledge>,
    ) -> Result<Option<Tensor<1>>, DistilError> {
        let Some(Lesson { others, pairs, weight, reversed }) = &self.takes else {
            return Ok(None);
        };
        let teacher = crate::knowledge::target(self.name, target)?;
        let others = match others {
            Others::Learning(exchange) => {
                exchange.lock().unwrap_or_else(PoisonError::into_inner).clone()
            }
            Others::Finished(modules) => modules.infer(self.name, &teacher.stages)?,
        };
        let temperature = self.settings.temperature;
        let (s, t) = (logits(self.name, student)?, logits(self.name, teacher)?);
        let soft = |own: &Tensor<2>, other: &Tensor<2>| match reversed {
            false => soft_logits(own.clone(), other.clone(), temperature),
            true => soft_logits(other.clone(), own.clone(), temperature),
        };
        let mut total = soft(s, t);
        for &(own_place, other_place) in pairs {
            let (Some(s), Some(t)) = (own.get(own_place), others.get(other_place)) else {
                return Err(DistilError::Need {
                    owner: self.name.into(),
                    need: "the outputs of the teacher's guided modules".into(),
                    found: "none in this step".into(),
                    remedy: "evaluate the teacher's tie before the student's".into(),
                });
            };
            let (own_scores, scores) = (logits(self.name, s)?, logits(self.name, t)?);
            total = total
                + soft(own_scores, scores)
                + feature(s.embedding.clone(), t.embedding.clone(), self.settings.measure);
        }
        Ok(Some(total.mul_scalar(*weight)))
    }
}

impl TermSpec for SelfKdSpec {
    fn id(&self) -> &'static str {
        "self_kd"
    }

    fn about(&self) -> &'static str {
        "classifiers on every stage learn from labels and from the deeper ones"
    }

    fn source(&self) -> &'static str {
        "arXiv 1905.08094; arXiv 2103.13811, Eq. 3, 4 and 9"
    }

    fn needs(&self) -> Needs {
        Needs { logits: true, stages: true, embedding: true, labels: true, ..Needs::default() }
    }

    fn defaults(&self) -> toml::Table {
        settings::defaults::<Settings>()
    }

    fn effective(&self, given: &toml::Table) -> Result<toml::Table, DistilError> {
        Ok(settings::table(&Settings::read(self.id(), given)?))
    }

    fn build(
        &self,
        given: &toml::Table,
        context: &Context<'_>,
    ) -> Result<Box<dyn Term>, DistilError> {
        let settings = Settings::read(self.id(), given)?;
        let dim = match settings.dim {
            0 => context.student.stages.last().map_or(0, |stage| stage.channels),
            dim => dim,
        };
        Ok(Box::new(SelfKd::new(self.id(), settings, dim, context)?))
    }
}

impl Term for SelfKd {
    fn name(&self) -> &str {
        self.name
    }

    fn wanted(&self) -> Wanted {
        Wanted { stages: true, ..Wanted::default() }
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        target: Option<&Knowledge>,
        batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        let own = self.modules.forward(self.name, &student.stages)?;
        let mut scores = Vec::new();
        let mut vectors = Vec::new();
        for (index, module) in own.iter().enumerate() {
            scores.push(logits(self.name, module)?.clone());
            let feature = module.embedding.clone();
            vectors.push(match &self.maps {
                None => feature,
                Some(maps) => feature.matmul(maps.at(index).shaped::<2>().transpose()),
            });
        }
        scores.push(logits(self.name, student)?.clone());
        vectors.push(student.embedding.clone());
        let labels = batch.labels(self.name, vectors[0].dims()[0], self.classes)?;
        let Settings { temperature, measure, all_deeper, detach, .. } = self.settings;
        let lessons = lessons(scores.len(), all_deeper);
        let mut total = soft_labels(&scores, &lessons, temperature, detach) * self.settings.soft
            + features(&vectors, &lessons, measure, detach) * self.settings.feature
            + hard_labels(&scores, &labels) * self.settings.hard;
        if let Some(taught) = self.cross_stream(&own, student, target)? {
            total = total + taught;
        }
        if let Some(exchange) = &self.gives {
            let left = own.into_iter().map(Knowledge::detach).collect();
            *exchange.lock().unwrap_or_else(PoisonError::into_inner) = left;
        }
        Ok(total)
    }

    fn is_kept(&self) -> bool {
        true
    }

    fn parameters_mut(&mut self) -> Vec<&mut Parameters> {
        self.modules.parameters_mut().chain(self.maps.iter_mut()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{device, scalar};

    #[test]
    fn lessons_go_from_deep_to_shallow() {
        assert_eq!(lessons(3, false), [(0, 2), (1, 2)]);
        assert_eq!(lessons(3, true), [(0, 1), (0, 2), (1, 2)]);
        assert!(lessons(1, true).is_empty());
    }

    #[test]
    fn measures_by_hand() {
        let a = Tensor::<2>::from_floats([[1.0, -1.0], [0.0, 2.0]], &device());
        let b = Tensor::<2>::from_floats([[3.0, -3.0], [0.0, -1.0]], &device());
        // Squares 4, 4, 0, 9; both sides of the second and third are not positive.
        for (measure, expected) in [
            (FeatureMeasure::Mean, 4.25),
            (FeatureMeasure::BatchMean, 8.5),
            (FeatureMeasure::Sum, 17.0),
            (FeatureMeasure::PositiveSum, 13.0),
        ] {
            let found = scalar(&feature(a.clone(), b.clone(), measure));
            assert!((found - expected).abs() < 1e-5, "{measure:?} {found}");
        }
    }

    #[test]
    fn the_preset_sets_what_the_recipe_leaves_open() {
        let read = |text: &str| Settings::read("self_kd", &text.parse().unwrap()).unwrap();
        assert_eq!(read("").temperature, 4.0);
        assert_eq!(read("preset = 'selfkd'").temperature, 3.0);
        assert_eq!(read("preset = 'selfkd'\ntemperature = 2").temperature, 2.0);
    }
}
