//! `facette data`: looking at pictures, and drawing some.

mod inspect;
pub(crate) mod pair_list;
mod synthesize;

use clap::Subcommand;

use crate::console::Console;
use crate::exit::Outcome;

/// Looks at sources of pictures, or draws faces of people who do not exist
#[derive(Debug, Subcommand)]
pub(crate) enum Data {
    Inspect(inspect::Inspect),
    Synthesize(synthesize::Synthesize),
}

impl Data {
    /// Does what is asked.
    pub(crate) fn run(self, console: Console) -> anyhow::Result<Outcome> {
        match self {
            Self::Inspect(command) => command.run(console),
            Self::Synthesize(command) => command.run(console),
        }
    }
}
