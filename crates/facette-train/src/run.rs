//! What all stages of a run share.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use burn::tensor::Device;
use facette_data::Prepared;

use crate::observer::Observer;
use crate::recipe::Recipe;
use crate::record::Metrics;
use crate::validator::Validator;

/// Where a run finds and leaves things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// What the paths in recipes are relative to.
    pub data: PathBuf,
    /// Where other runs lie, for teachers of kind `run`.
    pub runs: PathBuf,
    /// The run folder.
    pub folder: PathBuf,
    /// Where teacher outputs and decoded pictures are kept between runs.
    pub cache: PathBuf,
}

/// What all stages of a run share.
pub(crate) struct Run<'a> {
    pub(crate) recipe: &'a Recipe,
    pub(crate) paths: &'a Paths,
    pub(crate) device: Device,
    pub(crate) pictures: Prepared,
    pub(crate) validator: Option<&'a mut dyn Validator>,
    pub(crate) observer: &'a mut dyn Observer,
    pub(crate) stop: &'a AtomicBool,
    pub(crate) metrics: Metrics,
    /// Digest of the training set.
    pub(crate) data_digest: String,
    /// Step of the last checkpoint, where there is one.
    pub(crate) last_saved: Option<u64>,
    /// Seconds of training before this process.
    pub(crate) seconds_before: f64,
}

/// Files of a run folder.
pub(crate) mod file {
    /// The effective recipe.
    pub(crate) const RECIPE: &str = "recipe.toml";
    /// Held by the process that works on the run.
    pub(crate) const LOCK: &str = ".lock";
    /// Everything needed to go on.
    pub(crate) const CHECKPOINT: &str = "checkpoint.safetensors";
    /// The student at the last checkpoint.
    pub(crate) const LAST: &str = "last.safetensors";
    /// The student with the best judgement.
    pub(crate) const BEST: &str = "best.safetensors";
    /// Students kept epoch by epoch.
    pub(crate) const EPOCHS: &str = "epochs";
    /// What terms of the student learned that a later stage may want.
    pub(crate) const TERMS: &str = "terms.safetensors";
    /// Students of stages before the last.
    pub(crate) const STAGES: &str = "stages";
}

impl Run<'_> {
    /// The folder in which the students of stage `index` are kept: the run folder for the last
    /// stage, a folder of its own for others.
    pub(crate) fn stage_folder(&self, index: usize) -> PathBuf {
        stage_folder(self.recipe, &self.paths.folder, index)
    }
}

pub(crate) fn stage_folder(recipe: &Recipe, folder: &Path, index: usize) -> PathBuf {
    match index + 1 == recipe.stages.len() {
        true => folder.to_owned(),
        false => folder.join(file::STAGES).join(&recipe.stages[index].name),
    }
}
