//! A stage at work: its streams, its terms, and how far it has come.

mod build;
mod cast;
mod keep;
mod observe;

pub(crate) use keep::Saved;

use burn::tensor::{Tensor, TensorData};
use facette_data::{Batches, Cursor, Loader, TwoViewBatch, Views};
use facette_distil::{Batch, Mix, Tie};
use facette_graph::Graph;
use facette_image::View;
use facette_nets::Network;

use crate::error::TrainError;
use crate::observer::Event;
use crate::optimise::Average;
use crate::progress::{Clock, Progress};
use crate::recipe::{Course, Pace, Stage, StudentSettings};
use crate::record::{StepRow, Timing, ValidationRow};
use crate::run::{Run, file};
use crate::streams::{Shown, Streams};

/// A stage at work.
pub(crate) struct StageRun {
    /// Its place among the stages.
    pub(crate) index: usize,
    pub(crate) settings: Stage,
    pub(crate) streams: Streams,
    /// The student, where it is made of several networks.
    assembled: Option<Graph>,
    pub(crate) ties: Vec<Tie>,
    /// Names of the ties, in their order.
    pub(crate) names: Vec<String>,
    pub(crate) course: Course,
    pub(crate) average: Option<Average>,
    pub(crate) progress: Progress,
    pub(crate) clock: Clock,
    loader: Loader,
    views: Views,
    net: StudentSettings,
    /// Digest of the teacher, where one was imitated.
    pub(crate) teacher: Option<String>,
    /// The student's view without anything random.
    view: View,
    /// Seed of the mixture, where virtual pictures are shown.
    mixing: Option<u64>,
    pub(crate) steps: u64,
    /// Steps of the stages before it.
    offset: u64,
}

impl StageRun {
    /// The batches from where the stage stands to its end, prepared in the background.
    pub(crate) fn batches(&self) -> Batches {
        let from = Cursor::after(self.progress.step, self.loader.steps());
        self.loader.batches(from, self.epochs())
    }

    fn steps_per_epoch(&self) -> u64 {
        self.loader.steps() as u64
    }

    fn epochs(&self) -> u64 {
        self.steps.div_ceil(self.steps_per_epoch())
    }

    /// Whether nothing is left to do.
    pub(crate) fn is_done(&self) -> bool {
        self.progress.early || self.progress.step >= self.steps
    }

    /// Whether the step just done was the last of an epoch, or of the stage.
    pub(crate) fn epoch_ends(&self) -> bool {
        let step = self.progress.step;
        step.is_multiple_of(self.steps_per_epoch()) || step >= self.steps
    }

    /// A batch as the streams and the terms read it.
    ///
    /// # Errors
    /// If the pictures could not be read.
    pub(crate) fn shown(
        &self,
        batch: Option<Result<TwoViewBatch, facette_data::DataError>>,
    ) -> Result<(Shown, Batch), TrainError> {
        let batch = batch.expect("a loader goes on as long as its stage does")?;
        let device = self.streams.student().device();
        let tensor = |values: Vec<f32>, view: &View| {
            let shape = [batch.indices.len(), view.planes(), view.size.height, view.size.width];
            Tensor::<4>::from_data(TensorData::new(values, shape), device)
        };
        let views = &self.views;
        let mut shown = Shown {
            indices: batch.indices.clone(),
            epoch: batch.cursor.epoch as usize,
            student: Some(tensor(batch.student, &views.student)),
            teacher: batch
                .teacher
                .zip(views.teacher.as_ref())
                .map(|(values, teacher)| tensor(values, &teacher.view)),
        };
        let mut known = Batch::first(batch.labels, batch.indices, device);
        known.domains = batch.domains;
        known.step = self.progress.step;
        known.progress = self.progress.step as f64 / self.steps as f64;
        known.epoch = batch.cursor.epoch as usize;
        if let Some(seed) = self.mixing {
            let mix = Mix::drawn(seed, known.step, known.indices.len());
            shown.student = shown.student.map(|x| mix.pictures(x));
            shown.teacher = shown.teacher.map(|x| Tensor::cat(vec![x.clone(), mix.pictures(x)], 0));
            known.mix = Some(mix);
        }
        Ok((shown, known))
    }

    /// The student as it would be saved: frozen, averaged where the recipe says so, with the networks
    /// that it reads and that it is added to.
    ///
    /// # Errors
    /// If the device cannot be read.
    pub(crate) fn judged(&self) -> Result<Network, TrainError> {
        let student = match &self.average {
            Some(average) => average.applied(self.streams.student()),
            None => self.streams.student().frozen(),
        };
        match &self.assembled {
            Some(graph) => self.streams.together(graph, &student),
            None => Ok(student),
        }
    }

    /// Learned values of the student, all its networks together.
    pub(crate) fn parameters(&self) -> usize {
        let learned = |graph: &Graph| {
            let specs = graph.tensors().into_iter().filter(|spec| spec.kind.is_learned());
            specs.map(|spec| spec.len()).sum()
        };
        let alone = || self.streams.student().parameters().count();
        self.assembled.as_ref().map_or_else(alone, learned)
    }

    pub(crate) fn started_event(&self, run: &Run<'_>) -> Event {
        Event::StageStarted {
            name: self.settings.name.clone(),
            index: self.index,
            stages: run.recipe.stages.len(),
            pictures: run.pictures.dataset().len(),
            parameters: self.parameters(),
            steps: self.steps,
            done: self.progress.step,
        }
    }

    pub(crate) fn step_event(&self, loss: f64, pace: Pace) -> Event {
        let left = (self.steps - self.progress.step) * self.loader.batch() as u64;
        Event::Step {
            step: self.progress.step,
            steps: self.steps,
            epoch: ((self.progress.step - 1) / self.steps_per_epoch()) as usize,
            epochs: self.epochs() as usize,
            loss,
            lr: pace.lr,
            pictures_per_second: self.clock.rate(),
            remaining: self.clock.remaining(left),
        }
    }

    /// Writes a row of means.
    ///
    /// # Errors
    /// [`TrainError::Io`].
    pub(crate) fn log(&mut self, run: &mut Run<'_>, pace: Pace) -> Result<(), TrainError> {
        let means = self.progress.means();
        let timing = Timing {
            stage: self.settings.name.clone(),
            index: self.index,
            step: self.progress.step,
            seconds: run.seconds_before + self.clock.seconds(),
            pictures_per_second: self.clock.row(),
        };
        let row = StepRow {
            stage: self.settings.name.clone(),
            step: self.progress.step,
            epoch: ((self.progress.step - 1) / self.steps_per_epoch()) as usize,
            lr: pace.lr,
            loss: means.loss,
            terms: self.names.iter().cloned().zip(means.terms).collect(),
            grad_norm: means.grad_norm,
        };
        run.metrics.step(row, &timing, self.offset)
    }

    /// Judges the student where the recipe says so, keeps the best one, and ends the stage when
    /// the score has not risen for long enough.
    ///
    /// # Errors
    /// [`TrainError::Validation`], [`TrainError::Io`].
    pub(crate) fn validate(&mut self, run: &mut Run<'_>) -> Result<(), TrainError> {
        let epochs = self.progress.step.div_ceil(self.steps_per_epoch());
        let due = |every: usize| epochs.is_multiple_of(every as u64) || self.is_done();
        let Some(validation) = run.recipe.validation.as_ref().filter(|_| self.settings.validate)
        else {
            return Ok(());
        };
        let Some(validator) = run.validator.as_mut().filter(|_| due(validation.every)) else {
            return Ok(());
        };
        let student = self.judged()?;
        let refuse = |problem: String| TrainError::Validation {
            protocol: validation.protocol.clone(),
            problem,
        };
        let judgement = validator.judge(&student, &self.view).map_err(|e| refuse(e.to_string()))?;
        if !judgement.score.is_finite() {
            return Err(refuse(format!("expected a number to compare, found {}", judgement.score)));
        }
        let best = self.progress.best.is_none_or(|best| judgement.score > best);
        if best {
            self.progress.best = Some(judgement.score);
            self.progress.since_best = 0;
            self.write_student(run, &student, file::BEST)?;
        } else {
            self.progress.since_best += 1;
        }
        self.progress.early =
            validation.patience.is_some_and(|patience| self.progress.since_best >= patience);
        let row = ValidationRow {
            stage: self.settings.name.clone(),
            step: self.progress.step,
            epoch: epochs as usize,
            score: judgement.score,
            figures: judgement.figures,
            best,
        };
        run.observer.on(&Event::Validated(row.clone()));
        run.metrics.validation(row, self.offset)?;
        self.clock.resume();
        Ok(())
    }

    pub(crate) fn save_is_due(&self, run: &Run<'_>) -> bool {
        let settings = run.recipe.checkpoint;
        settings.steps.is_some_and(|steps| self.progress.step.is_multiple_of(steps))
            || self.clock.minutes_since_save() >= settings.minutes
    }

    pub(crate) fn diverged(&self, run: &Run<'_>, term: &str, value: f64) -> TrainError {
        let checkpoint = run.paths.folder.join(file::CHECKPOINT);
        TrainError::Diverged {
            stage: self.settings.name.clone(),
            term: term.to_owned(),
            epoch: (self.progress.step / self.steps_per_epoch()) as usize,
            step: self.progress.step,
            value,
            kept: match run.last_saved {
                Some(step) => {
                    format!("the checkpoint of step {step} is kept in {}", checkpoint.display())
                }
                None => "there is no checkpoint yet".to_owned(),
            },
        }
    }

    pub(crate) fn interrupted(&self, run: &Run<'_>) -> TrainError {
        TrainError::Interrupted {
            folder: run.paths.folder.clone(),
            stage: self.settings.name.clone(),
            step: self.progress.step,
        }
    }
}
