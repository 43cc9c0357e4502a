//! `facette train`: a network alone, without a teacher.

use clap::Args;

use super::distil::RunFlags;
use crate::alone::alone;
use crate::console::Console;
use crate::exit::Outcome;
use crate::recipes;

/// Trains a recipe's student alone, without its teacher
#[derive(Debug, Args)]
#[command(
    long_about = "\
Trains a recipe's student alone, without its teacher: the yardstick of every distillation, or a \
teacher of one's own.

Of a recipe with a teacher the last stage is kept: same pictures, views, student, optimiser and \
schedule, but it learns from labels through the head that the stage names (softmax where it names \
none). A recipe that has no teacher is trained as it stands.",
    after_help = "\
Examples:
  facette train my-recipe.toml --data pictures --out runs/alone
  facette train my-recipe.toml --set 'stage.0.settings.head=\"arcface\"'"
)]
pub(crate) struct Train {
    #[command(flatten)]
    run: RunFlags,
}

impl Train {
    /// Trains.
    pub(crate) fn run(self, console: Console) -> anyhow::Result<Outcome> {
        let recipe = alone(&recipes::read(&self.run.recipe, &self.run.overrides)?)?;
        self.run.train(&recipe, console)
    }
}
