//! What a run leaves behind besides weights.

mod lines;
mod metrics;
mod run;
mod tensorboard;

pub(crate) use metrics::{Mark, Metrics};
pub use metrics::{Row, StepRow, Timing, ValidationRow};
pub use run::{Machine, RunRecord};
