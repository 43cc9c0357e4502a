//! How far a run has come.

use serde::{Deserialize, Serialize};

/// The next step of a run: all the state that a sampler and a loader have.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// Epoch, from 0.
    pub epoch: u64,
    /// Step within the epoch, from 0.
    pub step: u64,
}

impl Cursor {
    /// The cursor of step `total` of a run whose epochs have `steps` steps.
    ///
    /// # Panics
    /// If `steps` is 0.
    pub fn after(total: u64, steps: usize) -> Self {
        let steps = steps as u64;
        Self { epoch: total / steps, step: total % steps }
    }

    /// Number of steps before this one, if epochs have `steps` steps.
    pub fn total(self, steps: usize) -> u64 {
        self.epoch * steps as u64 + self.step
    }
}
