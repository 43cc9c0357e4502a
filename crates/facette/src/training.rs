//! Running a recipe: what `train`, `distil`, `sweep` and `demo` share.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use anyhow::Context;
use clap::Args;
use facette_train::{Options, Outcome, Paths, Recipe, Validator, train};
use serde_json::{Value, json};

use crate::console::Console;
use crate::validation::Validation;
use crate::watch::Watch;

/// Where a command finds and leaves things.
#[derive(Debug, Clone, Args)]
pub(crate) struct Places {
    /// Folder that the paths in recipes are relative to
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) data: PathBuf,
    /// Folder of run folders, where teachers of kind `run` are looked for
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub(crate) runs: PathBuf,
    /// Folder that keeps teacher outputs and decoded pictures between runs
    #[arg(long, value_name = "DIR", default_value = ".cache")]
    pub(crate) cache: PathBuf,
    /// What computes
    #[arg(long, value_name = "NAME", default_value = "cpu", value_parser = ["cpu"])]
    device: String,
}

impl Places {
    /// The places of a run that is kept in `folder`.
    pub(crate) fn paths(&self, folder: PathBuf) -> Paths {
        Paths {
            data: self.data.clone(),
            runs: self.runs.clone(),
            folder,
            cache: self.cache.clone(),
        }
    }
}

/// Trains what the recipe says into `paths.folder`; shows how it goes on the console.
pub(crate) fn run(
    recipe: &Recipe,
    paths: &Paths,
    resume: bool,
    stop: &AtomicBool,
    console: Console,
) -> anyhow::Result<Outcome> {
    let mut validation = Validation::of(recipe, &paths.data)?;
    let validator = validation.as_mut().map(|validation| validation as &mut dyn Validator);
    let source = option_env!("FACETTE_SOURCE").map(str::to_owned);
    let options = Options { resume, source };
    let mut watch = Watch::new(console);
    train(recipe, paths, &options, validator, &mut watch, stop)
        .with_context(|| format!("recipe {}", recipe.name))
}

/// A finished run for machines.
pub(crate) fn to_json(recipe: &Recipe, paths: &Paths, outcome: &Outcome) -> Value {
    json!({
        "recipe": recipe.name,
        "seed": recipe.seed,
        "folder": paths.folder,
        "student": outcome.student,
        "parameters": outcome.parameters,
        "steps": outcome.steps,
        "best": outcome.best,
        "seconds": outcome.seconds,
    })
}
