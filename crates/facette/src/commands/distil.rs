//! `facette distil`: from a recipe to a trained student.

use std::path::PathBuf;

use clap::Args;
use facette_train::Recipe;

use crate::console::{Console, duration};
use crate::exit::Outcome;
use crate::interrupt;
use crate::output::print;
use crate::recipes::{self, Overrides};
use crate::training::{self, Places};

/// Trains what a recipe describes: a student from its teacher
#[derive(Debug, Args)]
#[command(
    long_about = "\
Trains what a recipe describes: a student from its teacher.

RECIPE is a file, or the name of a recipe that facette brings along (`facette recipe list`). The run \
folder holds the effective recipe, what the run was made of (run.json), metrics.jsonl, a TensorBoard \
event file, checkpoints, and at the end the student (best.safetensors where it was judged on the way, \
last.safetensors).

Ctrl-C stops after the step at hand with everything saved. --resume goes on with a run that ended in \
any way, to the same bytes that an uninterrupted one leaves.",
    after_help = "\
Examples:
  facette distil my-recipe.toml --data pictures --out runs/mine
  facette distil my-recipe.toml --set stage.0.lr=0.002 --seed 3 --out runs/mine-3
  facette distil my-recipe.toml --data pictures --out runs/mine --resume"
)]
pub(crate) struct Distil {
    #[command(flatten)]
    run: RunFlags,
}

/// What `distil` and `train` are asked.
#[derive(Debug, Args)]
pub(super) struct RunFlags {
    /// A recipe file, or the name of a recipe that facette brings along
    pub(super) recipe: String,
    #[command(flatten)]
    pub(super) overrides: Overrides,
    /// Run folder; NAME-SEED in the folder of run folders where not given
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Goes on with the run in the run folder, where there is one
    #[arg(long)]
    resume: bool,
    #[command(flatten)]
    places: Places,
    /// Prints where the student is as one JSON object
    #[arg(long)]
    json: bool,
}

impl Distil {
    /// Trains.
    pub(crate) fn run(self, console: Console) -> anyhow::Result<Outcome> {
        let recipe = recipes::read(&self.run.recipe, &self.run.overrides)?;
        self.run.train(&recipe, console)
    }
}

impl RunFlags {
    /// Trains what `recipe` says and tells where the student is.
    pub(super) fn train(&self, recipe: &Recipe, console: Console) -> anyhow::Result<Outcome> {
        let name = || self.places.runs.join(format!("{}-{}", recipe.name, recipe.seed));
        let paths = self.places.paths(self.out.clone().unwrap_or_else(name));
        let stop = interrupt::on_ctrl_c()?;
        let outcome = training::run(recipe, &paths, self.resume, &stop, console)?;
        let text = match self.json {
            true => {
                let found = training::to_json(recipe, &paths, &outcome);
                serde_json::to_string_pretty(&found)? + "\n"
            }
            false => format!(
                "{}: {} parameters, {} steps in {}\n",
                outcome.student.display(),
                outcome.parameters,
                outcome.steps,
                duration(outcome.seconds)
            ),
        };
        print(&text)?;
        Ok(Outcome::Yes)
    }
}
