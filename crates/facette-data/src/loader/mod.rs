//! Two-view batches, prepared ahead of the step.

mod batch;
mod batches;
mod views;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use batch::TwoViewBatch;
pub use batches::Batches;
pub use views::{TeacherMode, TeacherView, Views};

use crate::{Cursor, DataError, Prepared, Sampler};

/// How batches are prepared: what a recipe says under `[data.loader]`. Neither setting changes
/// what the batches hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LoaderSettings {
    /// Background threads, each of which prepares whole batches.
    pub threads: usize,
    /// Batches prepared ahead of the step by each thread.
    pub ahead: usize,
}

impl Default for LoaderSettings {
    fn default() -> Self {
        Self { threads: 2, ahead: 2 }
    }
}

/// Makes batches of what a sampler draws: decodes (or looks up) each picture and shows it in the
/// student's and, where there is one, the teacher's view.
///
/// What a batch holds is a function of the seed and the [`Cursor`]: what is random about the
/// picture at place `p` of epoch `e` comes from the streams `loader/student` and `loader/teacher`,
/// number `e * 2^32 + p`. So any number of threads gives the same batches, and a run that goes on
/// from a cursor sees what it would have seen.
#[derive(Clone)]
pub struct Loader {
    work: Arc<Work>,
    settings: LoaderSettings,
}

/// What every thread of a loader needs.
struct Work {
    prepared: Prepared,
    sampler: Box<dyn Sampler>,
    views: Views,
    /// Length of the teacher's vectors, if every picture has one.
    features: Option<usize>,
    seed: u64,
}

impl Loader {
    /// A loader over `prepared`, in the order of `sampler`, which must have been built for it.
    ///
    /// # Errors
    /// [`DataError::Setting`] for impossible settings, [`DataError::View`] for an impossible view.
    pub fn new(
        prepared: Prepared,
        sampler: Box<dyn Sampler>,
        views: Views,
        settings: LoaderSettings,
        seed: u64,
    ) -> Result<Self, DataError> {
        for (key, value) in [("threads", settings.threads), ("ahead", settings.ahead)] {
            if !(1..=1024).contains(&value) {
                let problem = format!("found {value}; expected 1 to 1024");
                return Err(DataError::setting("loader", key, problem));
            }
        }
        let views = views.checked()?;
        let dataset = prepared.dataset();
        let features = dataset.feature_width().filter(|_| dataset.without_features().is_empty());
        Ok(Self { work: Arc::new(Work { prepared, sampler, views, features, seed }), settings })
    }

    /// The pictures that are loaded.
    pub fn prepared(&self) -> &Prepared {
        &self.work.prepared
    }

    /// Batches in an epoch.
    pub fn steps(&self) -> usize {
        self.work.sampler.steps()
    }

    /// Pictures in a batch; the last one of an epoch may have fewer if the sampler says so.
    pub fn batch(&self) -> usize {
        self.work.sampler.batch()
    }

    /// All batches from `from` to the end of epoch `epochs - 1`, in their order, prepared in the
    /// background until the iterator is dropped. After an error there is nothing more.
    pub fn batches(&self, from: Cursor, epochs: u64) -> Batches {
        Batches::start(&self.work, &self.settings, from, epochs)
    }
}
