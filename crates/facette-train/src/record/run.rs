//! `run.json`: what a run was made of, written before its first step.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::artefact;
use crate::error::TrainError;

/// What a run was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Name of the recipe.
    pub recipe: String,
    /// Digest of the effective recipe.
    pub recipe_digest: String,
    /// Seed.
    pub seed: u64,
    /// Version of facette.
    pub version: String,
    /// State of the source code, where the caller knows it (`git describe`).
    pub source: Option<String>,
    /// Digest of the training set: names, labels and sizes of the pictures.
    pub data_digest: String,
    /// Pictures in the training set.
    pub pictures: usize,
    /// Classes in the training set.
    pub classes: usize,
    /// Digest of each teacher, by stage.
    pub teachers: BTreeMap<String, String>,
    /// Threads of the computation.
    pub threads: usize,
}

impl RunRecord {
    /// Writes the record into a run folder.
    ///
    /// # Errors
    /// [`TrainError::Io`].
    pub(crate) fn write(&self, folder: &Path) -> Result<(), TrainError> {
        let mut text = serde_json::to_string_pretty(self).expect("records are plain values");
        text.push('\n');
        artefact::write(&folder.join("run.json"), text.as_bytes())
    }

    /// Reads the record of a run folder.
    ///
    /// # Errors
    /// [`TrainError::Io`]; [`TrainError::Resume`] if it is no record.
    pub fn read(folder: &Path) -> Result<Self, TrainError> {
        let path = folder.join("run.json");
        let text = std::fs::read_to_string(&path).map_err(|e| TrainError::io("read", &path, e))?;
        serde_json::from_str(&text)
            .map_err(|e| TrainError::Resume { path, problem: format!("is no run record: {e}") })
    }
}

/// The machine a run was made on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Model of the processor, where the system tells.
    pub cpu: String,
    /// Cores that this process may use.
    pub cores: usize,
}

impl Machine {
    /// This machine.
    pub fn here() -> Self {
        let listed = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = listed
            .lines()
            .find(|line| line.starts_with("model name"))
            .and_then(|line| line.split_once(':'))
            .map_or(std::env::consts::ARCH, |(_, model)| model.trim());
        let cores = std::thread::available_parallelism().map_or(1, |count| count.get());
        Self { cpu: model.to_owned(), cores }
    }
}
