//! What a run tells whoever watches it.

use std::path::PathBuf;
use std::time::Duration;

use crate::record::ValidationRow;

/// Something that happened in a run.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// Preparation that may take a while: `done` of `total` pictures are through.
    Preparing {
        /// What is being done, e.g. `teacher features`.
        what: &'static str,
        /// Pictures done.
        done: usize,
        /// Pictures in all.
        total: usize,
    },
    /// A stage starts, or goes on.
    StageStarted {
        /// Its name.
        name: String,
        /// Its place among the stages, from 0.
        index: usize,
        /// How many stages there are.
        stages: usize,
        /// Pictures in the training set.
        pictures: usize,
        /// Learned values of the student.
        parameters: usize,
        /// Steps of the stage.
        steps: u64,
        /// Steps that an earlier process did.
        done: u64,
    },
    /// A step is done.
    Step {
        /// Steps of the stage that are done.
        step: u64,
        /// Steps of the stage.
        steps: u64,
        /// Epoch of the stage, from 0.
        epoch: usize,
        /// Epochs of the stage, rounded up.
        epochs: usize,
        /// Loss of the step.
        loss: f64,
        /// Learning rate of the step.
        lr: f64,
        /// Pictures a second, over the last steps.
        pictures_per_second: f64,
        /// Time the rest of the stage will take at that rate.
        remaining: Duration,
    },
    /// An epoch is done.
    Epoch {
        /// Which, from 0.
        epoch: usize,
    },
    /// The student was judged.
    Validated(ValidationRow),
    /// A checkpoint was written.
    Saved {
        /// The file.
        path: PathBuf,
    },
    /// A stage is done.
    StageFinished {
        /// Its name.
        name: String,
        /// Whether it ended because the score no longer rose.
        early: bool,
    },
    /// Anything else worth a line.
    Message(String),
}

/// Watches a run.
pub trait Observer {
    /// Called for every event, in order, on the thread that trains.
    fn on(&mut self, event: &Event);
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn on(&mut self, _event: &Event) {}
}
