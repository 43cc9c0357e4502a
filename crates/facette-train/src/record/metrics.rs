//! What a run tells of itself while it goes: `metrics.jsonl`, `timing.jsonl`, TensorBoard.
//!
//! Everything that depends on the clock stands in `timing.jsonl` alone, so that two runs of the
//! same recipe leave the same `metrics.jsonl`.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::lines::Log;
use super::tensorboard::EventFile;
use crate::error::TrainError;

/// One line of `metrics.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "row", rename_all = "snake_case")]
pub enum Row {
    /// Means over the steps since the last such row.
    Step(StepRow),
    /// A judgement on held-out data.
    Validation(ValidationRow),
}

/// Means over the steps since the last row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRow {
    /// Name of the stage.
    pub stage: String,
    /// Steps of the stage that are done.
    pub step: u64,
    /// Epoch of the stage the last of them belongs to, from 0.
    pub epoch: usize,
    /// Learning rate of the last step.
    pub lr: f64,
    /// Weighted sum of all terms.
    pub loss: f64,
    /// Every term, unweighted, by name.
    pub terms: BTreeMap<String, f64>,
    /// Length of the gradient before clipping.
    pub grad_norm: f64,
}

/// A judgement on held-out data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ValidationRow {
    /// Name of the stage.
    pub stage: String,
    /// Steps of the stage that are done.
    pub step: u64,
    /// Epochs of the stage that are done.
    pub epoch: usize,
    /// What the best checkpoint is chosen by; higher is better.
    pub score: f64,
    /// Everything the protocol measured.
    pub figures: BTreeMap<String, f64>,
    /// Whether it is the best so far.
    pub best: bool,
}

/// One line of `timing.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// Name of the stage.
    pub stage: String,
    /// Place of the stage, from 0.
    pub index: usize,
    /// Steps of the stage that are done.
    pub step: u64,
    /// Seconds of training so far, of all processes that worked on the run.
    pub seconds: f64,
    /// Pictures a second since the last row.
    pub pictures_per_second: f64,
}

/// Where a run stands, as far as its growing files are concerned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// Bytes of `metrics.jsonl`.
    pub(crate) metrics: u64,
    /// Place of the stage.
    pub(crate) stage: usize,
    /// Steps of the stage that are done.
    pub(crate) step: u64,
    /// Steps of all stages that are done.
    pub(crate) total: u64,
}

/// The growing files of a run.
pub(crate) struct Metrics {
    metrics: Log,
    timing: Log,
    events: EventFile,
}

impl Metrics {
    /// Opens the files in `folder`, cut back to where the run stood at `mark`. Yields the seconds
    /// of training until then, too.
    ///
    /// # Errors
    /// [`TrainError::Io`], [`TrainError::Resume`].
    pub(crate) fn open(folder: &Path, mark: Mark) -> Result<(Self, f64), TrainError> {
        let timing = folder.join("timing.jsonl");
        let (length, seconds) = timed(&timing, mark)?;
        let metrics = Self {
            metrics: Log::open(&folder.join("metrics.jsonl"), mark.metrics)?,
            timing: Log::open(&timing, length)?,
            events: EventFile::open(&folder.join("events.out.tfevents.facette"), mark.total)?,
        };
        Ok((metrics, seconds))
    }

    /// Adds a row of step means, with its timing. `offset` counts the steps of earlier stages, so
    /// that TensorBoard's axis goes on.
    ///
    /// # Errors
    /// [`TrainError::Io`].
    pub(crate) fn step(
        &mut self,
        row: StepRow,
        timing: &Timing,
        offset: u64,
    ) -> Result<(), TrainError> {
        let mut scalars = vec![
            ("train/loss".to_owned(), row.loss),
            ("train/lr".to_owned(), row.lr),
            ("train/grad_norm".to_owned(), row.grad_norm),
            ("train/pictures_per_second".to_owned(), timing.pictures_per_second),
        ];
        scalars.extend(row.terms.iter().map(|(name, value)| (format!("terms/{name}"), *value)));
        self.events.scalars(offset + row.step, &scalars)?;
        self.timing.line(timing)?;
        self.metrics.line(&Row::Step(row))
    }

    /// Adds a judgement.
    ///
    /// # Errors
    /// [`TrainError::Io`].
    pub(crate) fn validation(&mut self, row: ValidationRow, offset: u64) -> Result<(), TrainError> {
        let scalars: Vec<(String, f64)> = row
            .figures
            .iter()
            .map(|(name, value)| (format!("validation/{name}"), *value))
            .chain([("validation/score".to_owned(), row.score)])
            .collect();
        self.events.scalars(offset + row.step, &scalars)?;
        self.metrics.line(&Row::Validation(row))
    }

    /// Flushes everything to the disk; the bytes of `metrics.jsonl`.
    ///
    /// # Errors
    /// [`TrainError::Io`].
    pub(crate) fn flush(&mut self) -> Result<u64, TrainError> {
        self.timing.flush()?;
        self.events.flush()?;
        self.metrics.flush()
    }
}

/// Bytes and seconds of the rows of `timing.jsonl` up to `mark`.
fn timed(path: &Path, mark: Mark) -> Result<(u64, f64), TrainError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(e) => return Err(TrainError::io("read", path, e)),
    };
    let (mut length, mut seconds) = (0, 0.0);
    for line in text.split_inclusive('\n') {
        match serde_json::from_str::<Timing>(line) {
            Ok(row) if (row.index, row.step) <= (mark.stage, mark.step) => {
                length += line.len() as u64;
                seconds = row.seconds;
            }
            _ => break,
        }
    }
    Ok((length, seconds))
}
