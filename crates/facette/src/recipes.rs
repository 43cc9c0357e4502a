//! Finding a recipe by file or by name.

use std::path::Path;

use anyhow::bail;
use clap::Args;
use facette_train::Recipe;

use crate::embedded;

/// What a command line changes in a recipe.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Overrides {
    /// Changes one key, e.g. `stage.0.lr=0.01`; may be given several times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Seed of every random choice, in place of the recipe's
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Threads of the computation, in place of the recipe's; all cores where neither says
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1024))]
    pub(crate) threads: Option<u64>,
}

impl Overrides {
    /// In the form that recipes understand.
    fn keys(&self) -> Vec<String> {
        let mut keys = self.set.clone();
        keys.extend(self.seed.map(|seed| format!("seed={seed}")));
        keys.extend(self.threads.map(|threads| format!("threads={threads}")));
        keys
    }
}

/// The recipe in the file `name`, or the one of that name that the binary carries.
pub(crate) fn read(name: &str, overrides: &Overrides) -> anyhow::Result<Recipe> {
    let overrides = overrides.keys();
    if Path::new(name).is_file() {
        return Ok(Recipe::read(Path::new(name), &overrides)?);
    }
    if let Some(text) = embedded::recipe(name) {
        return Ok(Recipe::parse(&format!("recipe {name}"), text, &overrides)?);
    }
    let known: Vec<&str> = embedded::RECIPES.iter().map(|(known, _)| *known).collect();
    let nearest = known
        .iter()
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest {
        Some((_, nearest)) => bail!("no recipe {name:?}; did you mean {nearest:?}?"),
        None => bail!(
            "no recipe file {name:?}, and none that facette brings along has that name; `facette \
             recipe list` shows them"
        ),
    }
}
