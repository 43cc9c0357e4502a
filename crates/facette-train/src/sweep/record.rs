//! What finished work leaves.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::artefact;
use crate::error::TrainError;
use crate::record::Machine;

/// What a finished row leaves under `docs/results`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResultRecord {
    /// Name of the row.
    pub name: String,
    /// The training; nothing for a model that was there already.
    #[serde(flatten)]
    pub training: Option<Training>,
    /// Digest of what was asked for, [`super::Planned::digest`].
    pub digest: String,
    /// Version of facette.
    pub version: String,
    /// Day of the run, as the caller writes it.
    pub date: String,
    /// Where it ran.
    pub machine: Machine,
    /// Learned values of the model as saved.
    pub parameters: usize,
    /// What tables call the judgements.
    #[serde(default)]
    pub headings: Vec<Option<String>>,
    /// What the protocols measured, as the judge writes it.
    pub judgements: serde_json::Value,
}

/// How a row was trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// Recipe file.
    pub recipe: PathBuf,
    /// Changes to it.
    pub overrides: Vec<String>,
    /// Seed.
    pub seed: u64,
    /// Threads of the computation.
    pub threads: usize,
    /// Seconds, interruptions not counted.
    pub seconds: f64,
}

impl ResultRecord {
    /// Reads a record.
    ///
    /// # Errors
    /// [`TrainError::Io`]; [`TrainError::Resume`] if it is none.
    pub fn read(path: &Path) -> Result<Self, TrainError> {
        let text = std::fs::read_to_string(path).map_err(|e| TrainError::io("read", path, e))?;
        serde_json::from_str(&text).map_err(|e| TrainError::Resume {
            path: path.to_owned(),
            problem: format!("is no record of a run: {e}"),
        })
    }

    /// Writes `<stem>.json` into `folder`.
    ///
    /// # Errors
    /// [`TrainError::Io`].
    pub fn write(&self, folder: &Path, stem: &str) -> Result<PathBuf, TrainError> {
        artefact::folder(folder)?;
        let path = folder.join(format!("{stem}.json"));
        let mut text = serde_json::to_string_pretty(self).expect("records are plain values");
        text.push('\n');
        artefact::write(&path, text.as_bytes())?;
        Ok(path)
    }
}
