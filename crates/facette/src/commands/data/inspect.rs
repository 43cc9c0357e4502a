//! `facette data inspect`: what a source of pictures holds, in numbers and in pictures.

use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use facette_data::{
    Dataset, Preparation, Progress as Pass, Source, TeacherView, Views, views_sheet,
};
use facette_image::View;
use facette_train::Pictures;
use serde_json::json;

use crate::console::Console;
use crate::exit::Outcome;
use crate::output::{print, print_json};
use crate::recipes::{self, Overrides};

/// Counts pictures and identities, names unreadable files, draws contact sheets
#[derive(Debug, Args)]
#[command(
    long_about = "\
Counts pictures and identities, names unreadable files, draws contact sheets.

Two sheets are written: OUT/pictures.png shows some identities, a row each; OUT/views.png shows \
pictures beside what the teacher and (several times, as it is jittered in training) the student see of \
them. With --recipe the sources, selection and views of the recipe are shown. Exit code 1 means that \
pictures cannot be read.",
    after_help = "\
Examples:
  facette data inspect faces
  facette data inspect train.parquet --kind parquet --set label=fine_label
  facette data inspect --recipe my-recipe.toml --data pictures --json"
)]
pub(crate) struct Inspect {
    /// Folder or file of pictures
    #[arg(required_unless_present = "recipe", conflicts_with = "recipe")]
    path: Option<PathBuf>,
    /// Kind of source: `facette list datasets` shows them and their settings
    #[arg(long, value_name = "KIND", default_value = "folder", conflicts_with = "recipe")]
    kind: String,
    /// A recipe file or name, whose pictures and views are shown
    #[arg(long, value_name = "RECIPE")]
    recipe: Option<String>,
    /// Folder that the paths in the recipe are relative to
    #[arg(long, value_name = "DIR", default_value = ".")]
    data: PathBuf,
    /// A setting of the source, or, with --recipe, a key of the recipe
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Side of the student's view, where there is no recipe
    #[arg(long, value_name = "SIDE", default_value_t = 16)]
    size: usize,
    /// Folder for the contact sheets
    #[arg(long, value_name = "DIR", default_value = "inspected")]
    out: PathBuf,
    /// Draws no contact sheets
    #[arg(long)]
    no_sheets: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl Inspect {
    /// Looks and tells.
    pub(crate) fn run(self, console: Console) -> anyhow::Result<Outcome> {
        let (dataset, views, seed) = self.open()?;
        let mut progress = console.progress("look", "pictures", dataset.len() as u64);
        let overview = dataset.overview(&mut |pass: Pass| progress.at(pass.done as u64, ""))?;
        progress.finish();
        let sheets = match self.no_sheets || overview.bad.len() == dataset.len() {
            true => Vec::new(),
            false => self.draw(dataset, overview.bad.len(), &views, seed)?,
        };
        let bad = !overview.bad.is_empty();
        match self.json {
            true => print_json(&json!({ "overview": overview, "sheets": sheets }))?,
            false => {
                let sheet = |path: &PathBuf| format!("sheet         {}\n", path.display());
                let sheets: String = sheets.iter().map(sheet).collect();
                print(&format!("{overview}\n{sheets}"))?;
            }
        }
        Ok(if bad { Outcome::No } else { Outcome::Yes })
    }

    fn open(&self) -> anyhow::Result<(Dataset, Views, u64)> {
        if let Some(name) = &self.recipe {
            let overrides = Overrides { set: self.set.clone(), ..Overrides::default() };
            let recipe = recipes::read(name, &overrides)?;
            let pictures = Pictures::open(&recipe, &self.data)?;
            return Ok((pictures.train, recipe.views, recipe.seed));
        }
        // The settings of a source are those of a recipe with one.
        let mut source = Source::new(&self.kind, self.path.clone());
        for setting in &self.set {
            let Some((key, text)) = setting.split_once('=') else {
                bail!("--set {setting}: expected KEY=VALUE");
            };
            // A value as in TOML, or else a word without its quotes.
            let written: Result<toml::Table, _> = format!("value = {text}").parse();
            let value = written.ok().and_then(|mut table| table.remove("value"));
            source = source.with(key, value.unwrap_or_else(|| text.into()));
        }
        let views =
            Views { student: View::square(self.size), teacher: Some(TeacherView::default()) };
        Ok((source.open()?, views, 1))
    }

    /// Both sheets; the paths of their files.
    fn draw(
        &self,
        dataset: Dataset,
        bad: usize,
        views: &Views,
        seed: u64,
    ) -> anyhow::Result<Vec<PathBuf>> {
        std::fs::create_dir_all(&self.out).with_context(|| self.out.display().to_string())?;
        let save = |picture: facette_image::Picture, name: &str| {
            let path = self.out.join(name);
            picture.save(&path).with_context(|| path.display().to_string())?;
            Ok::<PathBuf, anyhow::Error>(path)
        };
        let pictures = save(dataset.contact_sheet(12, 10, 112)?, "pictures.png")?;
        let some = some_of(&dataset)?;
        let settings = Preparation { allow_bad: bad, ..Preparation::default() };
        let prepared = some.prepare(&settings, &mut |_| {})?;
        let views = save(views_sheet(&prepared, views, 10, 6, 112, seed)?, "views.png")?;
        Ok(vec![pictures, views])
    }
}

/// A few pictures, evenly spread: enough for a sheet.
fn some_of(dataset: &Dataset) -> anyhow::Result<Dataset> {
    let count = dataset.len().min(40);
    let spread: Vec<usize> = (0..count).map(|i| i * dataset.len() / count).collect();
    Ok(dataset.subset(&spread)?)
}
