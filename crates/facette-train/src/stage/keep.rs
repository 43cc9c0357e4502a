//! Saving a stage, going on with it, and leaving it.

use std::path::Path;

use facette_graph::{Arrays, StateDict};
use facette_nets::Network;
use serde::{Deserialize, Serialize};

use super::StageRun;
use crate::artefact;
use crate::checkpoint::Checkpoint;
use crate::error::TrainError;
use crate::observer::Event;
use crate::optimise::Memory;
use crate::progress::Progress;
use crate::record::Mark;
use crate::run::{Run, file};
use crate::streams::Body;
use crate::student::{self, Origin};

/// Name of the stream that is kept as a student file.
const STUDENT: &str = "student";

/// What a checkpoint holds besides tensors. Nothing in it depends on the clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Saved {
    /// Digest of the effective recipe.
    pub(crate) recipe: String,
    /// Digest of the training set.
    pub(crate) data: String,
    /// Where the run stands.
    pub(crate) mark: Mark,
    /// Whether the stage is over.
    pub(crate) finished: bool,
    /// How far the stage has come.
    pub(crate) progress: Progress,
    /// Updates of every tensor, by stream.
    updates: Vec<Vec<u64>>,
    /// Updates of the average.
    averaged: u64,
}

impl StageRun {
    /// Writes the checkpoint and the student as it is now.
    ///
    /// # Errors
    /// [`TrainError::Io`]; [`TrainError::Diverged`] if a weight is no number any more, and then
    /// the last checkpoint stays.
    pub(crate) fn save(&mut self, run: &mut Run<'_>) -> Result<(), TrainError> {
        let mut tensors = Vec::new();
        let mut updates = Vec::new();
        for member in &self.streams.members {
            let Body::Learner { network, optimiser, .. } = &member.body else { continue };
            for (spec, values) in network.parameters().values()? {
                if let Some(value) = values.iter().find(|value| !value.is_finite()) {
                    return Err(self.diverged(run, &spec.name, f64::from(*value)));
                }
                tensors.push((format!("stream/{}/{}", member.stream.name, spec.name), values));
            }
            updates.push(optimiser.memories().iter().map(|memory| memory.updates).collect());
            for (place, memory) in optimiser.memories().iter().enumerate() {
                let name = |part| format!("memory/{}/{place}/{part}", member.stream.name);
                tensors.push((name("first"), memory.first.clone()));
                tensors.push((name("second"), memory.second.clone()));
            }
        }
        for (place, tie) in self.ties.iter_mut().enumerate() {
            for (group, parameters) in tie.term.parameters_mut().into_iter().enumerate() {
                for (spec, values) in parameters.values()? {
                    tensors.push((format!("term/{place}/{group}/{}", spec.name), values));
                }
            }
        }
        let mut averaged = 0;
        if let Some(average) = &self.average {
            let (count, values) = average.state();
            averaged = count;
            for (place, values) in values.iter().enumerate() {
                tensors.push((format!("average/{place}"), values.clone()));
            }
        }
        let folder = run.stage_folder(self.index);
        artefact::folder(&folder)?;
        if self.is_done() {
            self.write_student(run, &self.judged()?, file::LAST)?;
        }
        let state = Saved {
            recipe: run.recipe.digest(),
            data: run.data_digest.clone(),
            mark: Mark {
                metrics: run.metrics.flush()?,
                stage: self.index,
                step: self.progress.step,
                total: self.offset + self.progress.step,
            },
            finished: self.is_done(),
            progress: self.progress.clone(),
            updates,
            averaged,
        };
        let path = run.paths.folder.join(file::CHECKPOINT);
        Checkpoint { state, tensors }.write(&path)?;
        if !self.is_done() {
            self.write_student(run, &self.judged()?, file::LAST)?;
        }
        run.last_saved = Some(self.progress.step);
        run.observer.on(&Event::Saved { path });
        self.clock.saved();
        self.clock.resume();
        Ok(())
    }

    /// Keeps the student as it is at the end of an epoch, where the recipe asks for that.
    ///
    /// # Errors
    /// [`TrainError::Io`].
    pub(crate) fn keep_student(&self, run: &Run<'_>) -> Result<(), TrainError> {
        let epoch = self.progress.step.div_ceil(self.steps_per_epoch());
        let due = |every: usize| epoch.is_multiple_of(every as u64) || self.is_done();
        if !run.recipe.checkpoint.students.is_some_and(due) {
            return Ok(());
        }
        artefact::folder(&run.stage_folder(self.index).join(file::EPOCHS))?;
        let name = format!("{}/{epoch:04}.safetensors", file::EPOCHS);
        self.write_student(run, &self.judged()?, &name)
    }

    /// Takes up what a checkpoint holds.
    ///
    /// # Errors
    /// [`TrainError::Resume`] if it does not fit.
    pub(crate) fn resume(
        &mut self,
        path: &Path,
        mut checkpoint: Checkpoint<Saved>,
    ) -> Result<(), TrainError> {
        let updates = std::mem::take(&mut checkpoint.state.updates);
        let mut updates = updates.into_iter();
        for member in &mut self.streams.members {
            let Body::Learner { network, optimiser, .. } = &mut member.body else { continue };
            let specs: Vec<_> = network.parameters().iter().map(|p| p.spec.clone()).collect();
            for spec in specs {
                let name = format!("stream/{}/{}", member.stream.name, spec.name);
                let values = checkpoint.take(path, &name, Some(spec.len()))?;
                network.parameters_mut().set(&spec.name, values)?;
            }
            let mut memories = Vec::new();
            for (place, updates) in updates.next().unwrap_or_default().into_iter().enumerate() {
                let name = |part| format!("memory/{}/{place}/{part}", member.stream.name);
                let first = checkpoint.take(path, &name("first"), None)?;
                let second = checkpoint.take(path, &name("second"), None)?;
                memories.push(Memory { updates, first, second });
            }
            optimiser.remember(memories);
        }
        for (place, tie) in self.ties.iter_mut().enumerate() {
            for (group, parameters) in tie.term.parameters_mut().into_iter().enumerate() {
                let specs: Vec<_> = parameters.iter().map(|p| p.spec.clone()).collect();
                for spec in specs {
                    let name = format!("term/{place}/{group}/{}", spec.name);
                    let values = checkpoint.take(path, &name, Some(spec.len()))?;
                    parameters.set(&spec.name, values)?;
                }
            }
        }
        if let Some(average) = &mut self.average {
            let lengths: Vec<usize> = average.state().1.iter().map(Vec::len).collect();
            let values = lengths
                .into_iter()
                .enumerate()
                .map(|(place, length)| {
                    checkpoint.take(path, &format!("average/{place}"), Some(length))
                })
                .collect::<Result<_, _>>()?;
            average.resume(checkpoint.state.averaged, values);
        }
        self.progress = checkpoint.state.progress;
        Ok(())
    }

    /// Ends the stage: what a checkpoint of its last step says is done is made sure of.
    ///
    /// # Errors
    /// As [`StageRun::save`].
    pub(crate) fn finish(&mut self, run: &mut Run<'_>) -> Result<(), TrainError> {
        for member in &self.streams.members {
            if let (Body::Learner { network, .. }, false) =
                (&member.body, member.stream.name == STUDENT)
            {
                let path = run
                    .stage_folder(self.index)
                    .join(format!("{}.safetensors", member.stream.name));
                StateDict { arrays: network.arrays()? }.save(&path)?;
            }
        }
        let mut left = StateDict { arrays: Arrays::new() };
        let student = self.streams.student;
        for tie in self.ties.iter_mut().filter(|tie| tie.learner == student && tie.term.is_kept()) {
            let term = tie.term.name().to_owned();
            for parameters in tie.term.parameters_mut() {
                let own = parameters.arrays()?.into_iter();
                left.arrays.extend(own.map(|(name, array)| (format!("{term}.{name}"), array)));
            }
        }
        if !left.arrays.is_empty() {
            left.save(&run.stage_folder(self.index).join(file::TERMS))?;
        }
        run.seconds_before += self.clock.seconds();
        let (name, early) = (self.settings.name.clone(), self.progress.early);
        run.observer.on(&Event::StageFinished { name, early });
        Ok(())
    }

    /// Writes a student file.
    ///
    /// # Errors
    /// [`TrainError::Io`].
    pub(crate) fn write_student(
        &self,
        run: &Run<'_>,
        student: &Network,
        name: &str,
    ) -> Result<(), TrainError> {
        let folder = run.stage_folder(self.index);
        artefact::folder(&folder)?;
        let origin = Origin {
            recipe: run.recipe,
            net: &self.net,
            view: &self.view,
            data: &run.data_digest,
            teacher: self.teacher.as_deref(),
        };
        student::write(student, &origin, &folder.join(name))
    }
}
