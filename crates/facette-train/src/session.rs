//! From a recipe to a run folder with a trained student.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use burn::tensor::Device;

use crate::checkpoint::Checkpoint;
use crate::error::TrainError;
use crate::fit::fit;
use crate::observer::{Event, Observer};
use crate::pictures::prepare;
use crate::recipe::Recipe;
use crate::record::{Mark, Metrics, RunRecord};
use crate::run::{Paths, Run, file};
use crate::stage::{Saved, StageRun};
use crate::validator::Validator;
use crate::{artefact, student, threads};

/// What a caller decides about a run, apart from the recipe.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether to go on with the run in the folder, where there is one.
    pub resume: bool,
    /// State of the source code for the record, e.g. what `git describe` says.
    pub source: Option<String>,
}

/// A finished run.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The student file: the one with the best judgement, or else the last.
    pub student: PathBuf,
    /// Learned values of the student.
    pub parameters: usize,
    /// Best score of the last stage, where it was judged.
    pub best: Option<f64>,
    /// Steps of all stages.
    pub steps: u64,
    /// Seconds of training, of all processes that worked on it.
    pub seconds: f64,
}

/// Trains what `recipe` describes into `paths.folder`, which afterwards holds `recipe.toml`,
/// `run.json`, `metrics.jsonl`, `timing.jsonl`, a TensorBoard event file, `last.safetensors` and,
/// where the student was judged, `best.safetensors`.
///
/// A recipe with `[validation]` needs a `validator`, which judges by its protocol.
///
/// Setting `stop` ends the run after the step at hand with everything saved. A run that ended in
/// any way, even by a kill, goes on with `options.resume` to the same bytes that an uninterrupted
/// one leaves, given the same number of threads.
///
/// # Errors
/// [`TrainError`]; see its variants.
pub fn train<'a>(
    recipe: &'a Recipe,
    paths: &'a Paths,
    options: &Options,
    validator: Option<&'a mut dyn Validator>,
    observer: &'a mut dyn Observer,
    stop: &'a AtomicBool,
) -> Result<Outcome, TrainError> {
    if let (Some(validation), None) = (&recipe.validation, &validator) {
        return Err(TrainError::Validation {
            protocol: validation.protocol.clone(),
            problem: "nobody was given who judges by it; remove [validation] or give one".into(),
        });
    }
    let threads = threads::fix(recipe.threads)?;
    let checkpoint = paths.folder.join(file::CHECKPOINT);
    if !options.resume && checkpoint.exists() {
        return Err(TrainError::Occupied { path: paths.folder.clone() });
    }
    let pictures = prepare(recipe, paths, observer)?;
    let data_digest = pictures.dataset().outline_digest()?.to_string();
    artefact::folder(&paths.folder)?;
    let _lock = lock(&paths.folder)?;
    let mut saved = Checkpoint::<Saved>::read(&checkpoint)?;
    if let Some(saved) = &saved {
        fits(&checkpoint, &saved.state, recipe, &data_digest)?;
    }
    let mark = saved.as_ref().map_or(Mark::default(), |saved| saved.state.mark);
    let (metrics, seconds_before) = Metrics::open(&paths.folder, mark)?;
    let mut record = RunRecord {
        recipe: recipe.name.clone(),
        recipe_digest: recipe.digest(),
        seed: recipe.seed,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        source: options.source.clone(),
        data_digest: data_digest.clone(),
        pictures: pictures.dataset().len(),
        classes: pictures.dataset().classes().len(),
        teachers: BTreeMap::new(),
        threads,
    };
    match &saved {
        Some(_) => {
            record = RunRecord::read(&paths.folder)?;
            if record.threads != threads {
                observer.on(&Event::Message(format!(
                    "the run began with {} threads and goes on with {threads}: the last digits \
                     will differ",
                    record.threads
                )));
            }
        }
        None => {
            artefact::write(&paths.folder.join(file::RECIPE), recipe.to_toml().as_bytes())?;
            record.write(&paths.folder)?;
        }
    }

    let mut run = Run {
        recipe,
        paths,
        device: Device::flex().autodiff(),
        pictures,
        validator,
        observer,
        stop,
        metrics,
        data_digest,
        last_saved: saved.as_ref().map(|saved| saved.state.mark.step),
        seconds_before,
    };
    let mut offset = match &saved {
        Some(saved) => mark.total - saved.state.mark.step,
        None => 0,
    };
    let mut outcome = None;
    for index in mark.stage..recipe.stages.len() {
        let taken = saved.take();
        let mut stage = StageRun::build(&mut run, index, offset)?;
        if let Some(digest) = &stage.teacher {
            record.teachers.insert(stage.settings.name.clone(), digest.clone());
            record.write(&paths.folder)?;
        }
        if let Some(taken) = taken {
            stage.resume(&checkpoint, taken)?;
        } else {
            run.last_saved = None;
            stage.observe(&mut run)?;
        }
        run.observer.on(&stage.started_event(&run));
        fit(&mut stage, &mut run)?;
        stage.finish(&mut run)?;
        offset += stage.progress.step;
        outcome = Some(Outcome {
            student: student::chosen(&run.stage_folder(index)),
            parameters: stage.parameters(),
            best: stage.progress.best,
            steps: offset,
            seconds: run.seconds_before,
        });
    }
    Ok(outcome.expect("a recipe without stages is refused when it is read"))
}

/// Keeps other processes out of a run folder until it is dropped, or the process ends.
fn lock(folder: &Path) -> Result<File, TrainError> {
    let path = folder.join(file::LOCK);
    let refuse = |source| TrainError::io("lock", &path, source);
    let lock = File::create(&path).map_err(refuse)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(TrainError::Busy { path: folder.to_owned() }),
        Err(TryLockError::Error(source)) => Err(refuse(source)),
    }
}

fn fits(path: &Path, saved: &Saved, recipe: &Recipe, data: &str) -> Result<(), TrainError> {
    let refuse = |problem: &str| {
        Err(TrainError::Resume { path: path.to_owned(), problem: problem.to_owned() })
    };
    if saved.recipe != recipe.digest() {
        return refuse("was written under another recipe, seed or override");
    }
    if saved.data != data {
        return refuse("was written on other training pictures");
    }
    match saved.mark.stage < recipe.stages.len() {
        true => Ok(()),
        false => refuse("has more stages than the recipe"),
    }
}
