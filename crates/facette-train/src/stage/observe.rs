//! What terms gather before the first step: centres of classes, factors of the teacher.

use std::sync::atomic::Ordering;

use facette_data::{Cursor, Loader, Sampler};
use rand::seq::SliceRandom;

use super::StageRun;
use crate::error::TrainError;
use crate::observer::Event;
use crate::run::Run;

/// Every picture once a pass, in a new order each time; the last batch may be short.
struct EveryPicture {
    pictures: Vec<usize>,
    batch: usize,
    seed: u64,
}

impl Sampler for EveryPicture {
    fn batch(&self) -> usize {
        self.batch
    }

    fn steps(&self) -> usize {
        self.pictures.len().div_ceil(self.batch)
    }

    fn order(&self, pass: u64) -> Vec<usize> {
        let mut order = self.pictures.clone();
        order.shuffle(&mut facette_random::stream(self.seed, "observe/shuffle", pass));
        order
    }
}

impl StageRun {
    /// Shows every picture to the terms that ask for it, as often as they ask.
    ///
    /// # Errors
    /// [`TrainError::Interrupted`]; whatever pictures, teachers or terms refuse.
    pub(crate) fn observe(&mut self, run: &mut Run<'_>) -> Result<(), TrainError> {
        let passes = self.ties.iter().map(|tie| tie.term.passes()).max().unwrap_or(0);
        if passes == 0 {
            return Ok(());
        }
        let dataset = run.pictures.dataset();
        let pictures = match self.settings.domains.as_slice() {
            [] => (0..dataset.len()).collect(),
            domains => dataset.places_in(domains)?,
        };
        let batch = self.loader.batch();
        let sampler = EveryPicture { pictures, batch, seed: run.recipe.seed };
        let loader = Loader::new(
            run.pictures.clone(),
            Box::new(sampler),
            self.views.clone(),
            run.recipe.data.loader.clone(),
            run.recipe.seed,
        )?;
        let total = passes * loader.steps();
        for (done, loaded) in loader.batches(Cursor::default(), passes as u64).enumerate() {
            if run.stop.load(Ordering::Relaxed) {
                return Err(self.interrupted(run));
            }
            run.observer.on(&Event::Preparing {
                what: "passes before the first step",
                done,
                total,
            });
            let (shown, mut batch) = self.shown(Some(loaded))?;
            batch.step = done as u64;
            batch.progress = done as f64 / total as f64;
            for tie in self.ties.iter_mut().filter(|tie| tie.term.passes() > batch.epoch) {
                if let Some(target) = tie.target {
                    tie.term.observe(&self.streams.at_rest(target, &shown)?, &batch)?;
                }
            }
        }
        for (tie, name) in self.ties.iter_mut().zip(&self.names) {
            if tie.term.passes() > 0 {
                for remark in tie.term.conclude()? {
                    run.observer.on(&Event::Message(format!("{name}: {remark}")));
                }
            }
        }
        Ok(())
    }
}
