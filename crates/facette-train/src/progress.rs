//! How far a stage has come, and how fast it goes.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// How far a stage has come: everything a checkpoint must hold that is no tensor.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// Steps that are done.
    pub(crate) step: u64,
    /// Sums since the last row of the metrics.
    sums: Sums,
    /// Best score so far.
    pub(crate) best: Option<f64>,
    /// Judgements since then.
    pub(crate) since_best: usize,
    /// Whether the stage ended because the score no longer rose.
    pub(crate) early: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Sums {
    steps: u64,
    loss: f64,
    terms: Vec<f64>,
    grad_norm: f64,
}

/// Means since the last row of the metrics.
pub(crate) struct Means {
    pub(crate) loss: f64,
    pub(crate) terms: Vec<f64>,
    pub(crate) grad_norm: f64,
}

impl Progress {
    /// Counts one step.
    pub(crate) fn add(&mut self, terms: &[f64], loss: f64, grad_norm: f64) {
        self.step += 1;
        let sums = &mut self.sums;
        sums.steps += 1;
        sums.loss += loss;
        sums.grad_norm += grad_norm;
        sums.terms.resize(terms.len(), 0.0);
        sums.terms.iter_mut().zip(terms).for_each(|(sum, value)| *sum += value);
    }

    /// Means since the last call.
    pub(crate) fn means(&mut self) -> Means {
        let sums = std::mem::take(&mut self.sums);
        let count = sums.steps.max(1) as f64;
        Means {
            loss: sums.loss / count,
            terms: sums.terms.iter().map(|sum| sum / count).collect(),
            grad_norm: sums.grad_norm / count,
        }
    }
}

/// Steps over which the shown rate is averaged.
const WINDOW: f64 = 50.0;

/// Measures time; nothing that a run yields depends on it.
#[derive(Debug)]
pub(crate) struct Clock {
    started: Instant,
    last: Instant,
    /// Seconds a picture, averaged over the last steps.
    pace: Option<f64>,
    /// Pictures and time of the last row of the metrics.
    row: (usize, Instant),
    saved: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        let now = Instant::now();
        Self { started: now, last: now, pace: None, row: (0, now), saved: now }
    }

    /// Counts a step over `pictures`.
    pub(crate) fn tick(&mut self, pictures: usize) {
        let now = Instant::now();
        let fresh = (now - self.last).as_secs_f64() / pictures.max(1) as f64;
        self.last = now;
        self.pace = Some(self.pace.map_or(fresh, |pace| pace + (fresh - pace) / WINDOW));
        self.row.0 += pictures;
    }

    /// Pictures a second over the last steps.
    pub(crate) fn rate(&self) -> f64 {
        self.pace.filter(|pace| *pace > 0.0).map_or(0.0, |pace| 1.0 / pace)
    }

    /// Time for `pictures` more at that rate.
    pub(crate) fn remaining(&self, pictures: u64) -> Duration {
        let seconds = self.pace.unwrap_or(0.0) * pictures as f64;
        Duration::try_from_secs_f64(seconds).unwrap_or_default()
    }

    /// Pictures a second since the last call.
    pub(crate) fn row(&mut self) -> f64 {
        let (pictures, since) = std::mem::replace(&mut self.row, (0, Instant::now()));
        pictures as f64 / since.elapsed().as_secs_f64().max(1e-9)
    }

    /// Time spent on anything but steps does not count towards the rate.
    pub(crate) fn resume(&mut self) {
        self.last = Instant::now();
    }

    /// Seconds since the start.
    pub(crate) fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// Minutes since the last checkpoint.
    pub(crate) fn minutes_since_save(&self) -> f64 {
        self.saved.elapsed().as_secs_f64() / 60.0
    }

    /// Counts a checkpoint.
    pub(crate) fn saved(&mut self) {
        self.saved = Instant::now();
    }
}
