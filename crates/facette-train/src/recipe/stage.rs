//! One stage of a recipe.

use std::collections::BTreeMap;

use facette_data::{SamplerSettings, Views};
use serde::{Deserialize, Serialize};

use super::{Schedule, StudentSettings, TeacherSettings, WarmUp};
use crate::optimise::{AverageSettings, OptimiserSettings};

/// Teacher, student, views, method and schedule, which together yield weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// Name in logs and of the stage's files; unlike that of every other stage.
    #[serde(default = "distil")]
    pub name: String,
    /// Name in the registry of methods.
    pub method: String,
    /// Passes over the data; either this or `steps`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epochs: Option<usize>,
    /// Optimiser steps; either this or `epochs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// Pictures a step, where they are seen in a new order every epoch; either this (by default
    /// 128) or `sampler`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<usize>,
    /// Another order, with its own number of pictures a step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampler: Option<SamplerSettings>,
    /// Highest learning rate.
    pub lr: f64,
    /// Whether weight decay pulls at normalisations, biases and slopes too.
    #[serde(default)]
    pub decay_norms_and_biases: bool,
    /// Length to which longer gradients are cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip: Option<f64>,
    /// Whether the student of this stage is judged by the recipe's validation.
    #[serde(default = "yes")]
    pub validate: bool,
    /// How gradients become steps.
    #[serde(default)]
    pub optimiser: OptimiserSettings,
    /// How the learning rate moves.
    #[serde(default)]
    pub schedule: Schedule,
    /// A linear rise before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm_up: Option<WarmUp>,
    /// Moving average of the weights, which is judged and saved in their place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ema: Option<AverageSettings>,
    /// Settings of the method.
    #[serde(default)]
    pub settings: toml::Table,
    /// Teacher of this stage, where it is not the recipe's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub teacher: Option<TeacherSettings>,
    /// Student of this stage, where it is not the recipe's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub student: Option<StudentSettings>,
    /// Views of this stage, where they are not the recipe's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub views: Option<Views>,
    /// Names of the domains whose pictures are shown; all where none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub domains: Vec<String>,
    /// Networks of the method's streams other than `student` and `teacher`, by stream.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub streams: BTreeMap<String, StudentSettings>,
    /// Finished teachers of the method's streams other than `teacher`, by stream.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub teachers: BTreeMap<String, TeacherSettings>,
    /// Terms besides the method's own.
    #[serde(default, rename = "term", skip_serializing_if = "Vec::is_empty")]
    pub terms: Vec<ExtraTerm>,
}

impl Stage {
    /// The order in which pictures are seen.
    pub fn sampler(&self) -> SamplerSettings {
        let shuffled = || SamplerSettings::Shuffled { batch: self.batch.unwrap_or(BATCH) };
        self.sampler.clone().unwrap_or_else(shuffled)
    }
}

/// Pictures a step where a recipe does not say.
pub(super) const BATCH: usize = 128;

fn distil() -> String {
    "distil".to_owned()
}
fn yes() -> bool {
    true
}

/// A term besides the method's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtraTerm {
    /// Name in the registry of terms.
    pub kind: String,
    /// Factor of the loss.
    #[serde(default = "unit")]
    pub weight: f64,
    /// Stream that learns from it.
    #[serde(default = "student")]
    pub learner: String,
    /// Stream it imitates; the teacher where the term needs one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Whether gradient is stopped at the target.
    #[serde(default = "yes")]
    pub detach_target: bool,
    /// Settings of the term.
    #[serde(default)]
    pub settings: toml::Table,
}

fn unit() -> f64 {
    1.0
}
fn student() -> String {
    "student".to_owned()
}
