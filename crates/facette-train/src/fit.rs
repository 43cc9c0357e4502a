//! The loop.

use std::sync::atomic::Ordering;

use crate::error::TrainError;
use crate::losses::{after_step, losses};
use crate::observer::Event;
use crate::run::Run;
use crate::stage::StageRun;
use crate::streams::length;

/// Trains one stage from where it stands to its end. Nothing here knows a method's name.
///
/// # Errors
/// [`TrainError::Interrupted`] and [`TrainError::Diverged`], with the last good checkpoint kept;
/// whatever pictures, teachers, terms, the validation or the disk refuse.
pub(crate) fn fit(stage: &mut StageRun, run: &mut Run<'_>) -> Result<(), TrainError> {
    let mut batches = stage.batches();
    while !stage.is_done() {
        if run.stop.load(Ordering::Relaxed) {
            stage.save(run)?;
            return Err(stage.interrupted(run));
        }

        // Pictures in both views, decoded ahead of the step.
        let (shown, batch) = stage.shown(batches.next())?;

        // What every stream makes of them, and what it costs.
        let knowledge = stage.streams.forward(&shown)?;
        let losses = losses(&mut stage.ties, &knowledge, &batch)?;
        if let Some(place) = losses.values.iter().position(|value| !value.is_finite()) {
            return Err(stage.diverged(run, &stage.names[place], losses.values[place]));
        }

        // One backward pass; every stream that learns takes its own step.
        let pulls = stage.streams.pulls(&mut stage.ties, losses.total.backward())?;
        let length = length(&pulls);
        if !length.is_finite() {
            return Err(stage.diverged(run, "gradient", length));
        }
        let pace = stage.course.at(stage.progress.step);
        stage.streams.step(&mut stage.ties, &pulls, pace, stage.settings.clip)?;
        after_step(&mut stage.ties, &knowledge, &batch)?;
        if let Some(average) = &mut stage.average {
            average.update(stage.streams.student().parameters())?;
        }

        // What is told, judged and kept.
        stage.progress.add(&losses.values, losses.sum, length);
        stage.clock.tick(shown.indices.len());
        run.observer.on(&stage.step_event(losses.sum, pace));
        let epoch_ends = stage.epoch_ends();
        if epoch_ends || stage.progress.step.is_multiple_of(run.recipe.log_every) {
            stage.log(run, pace)?;
        }
        if epoch_ends {
            run.observer.on(&Event::Epoch { epoch: batch.epoch });
            stage.validate(run)?;
            stage.keep_student(run)?;
        }
        if epoch_ends || stage.save_is_due(run) {
            stage.save(run)?;
        }
    }
    Ok(())
}
