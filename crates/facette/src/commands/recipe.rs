//! `facette recipe`: the recipes at hand, and what a recipe says in full.

use clap::{Args, Subcommand};
use serde_json::json;

use crate::embedded;
use crate::exit::Outcome;
use crate::output::print;
use crate::recipes::{self, Overrides};
use crate::table::Rows;

/// Lists recipes, or shows one with every default written out
#[derive(Debug, Subcommand)]
pub(crate) enum Recipe {
    List(ListRecipes),
    Show(Show),
}

/// Lists the recipes that facette brings along
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  facette recipe list
  facette recipe show demo > mine.toml     a start for a recipe of your own")]
pub(crate) struct ListRecipes {
    /// As a JSON list
    #[arg(long)]
    json: bool,
}

/// Shows a recipe with every default written out, as `distil` would run it
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  facette recipe show bridge-faces-16
  facette recipe show my-recipe.toml --set stage.0.lr=0.01 --seed 3")]
pub(crate) struct Show {
    /// A recipe file, or the name of a recipe that facette brings along
    recipe: String,
    #[command(flatten)]
    overrides: Overrides,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Recipe {
    /// Prints what is asked for.
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        let text = match self {
            Self::List(list) => list.text()?,
            Self::Show(show) => show.text()?,
        };
        print(&text)?;
        Ok(Outcome::Yes)
    }
}

impl ListRecipes {
    fn text(&self) -> anyhow::Result<String> {
        let mut listed = Vec::new();
        for (name, _) in embedded::RECIPES {
            listed.push((*name, recipes::read(name, &Overrides::default())?));
        }
        if self.json {
            let about = |(name, recipe): &(&str, facette_train::Recipe)| json!({ "name": name, "about": recipe.about, "terms": recipe.terms });
            let list: Vec<_> = listed.iter().map(about).collect();
            return Ok(serde_json::to_string_pretty(&list)? + "\n");
        }
        let mut rows = Rows::new(["name", "about"]);
        listed.iter().for_each(|(name, recipe)| rows.push([*name, &recipe.about]));
        Ok(rows.to_text())
    }
}

impl Show {
    fn text(&self) -> anyhow::Result<String> {
        let recipe = recipes::read(&self.recipe, &self.overrides)?;
        match self.json {
            true => Ok(serde_json::to_string_pretty(&recipe)? + "\n"),
            false => Ok(recipe.to_toml()),
        }
    }
}
