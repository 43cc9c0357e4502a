//! `facette data synthesize`: faces of people who do not exist.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Args;
use facette_data::Source;
use rayon::prelude::*;

use super::pair_list::PairList;
use crate::console::Console;
use crate::exit::Outcome;
use crate::files;
use crate::output::print;

/// Pictures drawn between two steps of the progress bar.
const PORTION: usize = 64;

/// Draws faces of people who do not exist, a folder for each
#[derive(Debug, Args)]
#[command(
    long_about = "\
Draws faces of people who do not exist, a folder for each: OUT/s00042/s00042_0001.png. Every person \
has a skull, features, skin and hair of their own; every shot a pose, light, expression and \
background of its own. The same flags draw the same bytes.",
    after_help = "\
Examples:
  facette data synthesize faces --identities 200 --shots 20
  facette data synthesize held-out --identities 60 --shots 8 --first 200 --pairs 10:100
  facette data synthesize small --identities 10 --shots 5 --size 48 --seed 7"
)]
pub(crate) struct Synthesize {
    /// Folder to draw into; must not hold anything yet
    out: PathBuf,
    /// People
    #[arg(long, value_name = "N", default_value_t = 100)]
    identities: usize,
    /// Pictures of each
    #[arg(long, value_name = "N", default_value_t = 20)]
    shots: usize,
    /// Number of the first person, for sets that share nobody
    #[arg(long, value_name = "N", default_value_t = 0)]
    first: usize,
    /// Side of a picture in pixels
    #[arg(long, value_name = "SIDE", default_value_t = 112)]
    size: usize,
    /// Seed of all people and shots
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Draws a list of pairs, OUT/pairs.txt, in LFW's format: folds and pairs of each kind in a
    /// fold
    #[arg(long, value_name = "FOLDS:EACH", value_parser = folds)]
    pairs: Option<(usize, usize)>,
}

fn folds(text: &str) -> Result<(usize, usize), String> {
    let parts = text.split_once(':').map(|(folds, each)| (folds.parse(), each.parse()));
    match parts {
        Some((Ok(folds), Ok(each))) if folds > 0 && each > 0 => Ok((folds, each)),
        _ => Err("expected folds and pairs of each kind, such as 10:300".to_owned()),
    }
}

impl Synthesize {
    /// Draws.
    pub(crate) fn run(self, console: Console) -> anyhow::Result<Outcome> {
        let number = |key: &str, value: usize| {
            i64::try_from(value).with_context(|| format!("--{key} {value}: too large"))
        };
        let source = Source::new("synthetic", None)
            .with("identities", number("identities", self.identities)?)
            .with("shots", number("shots", self.shots)?)
            .with("first", number("first", self.first)?)
            .with("size", number("size", self.size)?)
            .with("seed", i64::try_from(self.seed).context("--seed: at most 2^63 - 1")?);
        let dataset = source.open()?;
        let pairs = match self.pairs {
            None => None,
            Some((folds, each)) => {
                let list = PairList { folds, each, seed: self.seed };
                Some(list.draw(dataset.classes(), self.shots)?)
            }
        };
        if self.out.exists() && fs::read_dir(&self.out)?.next().is_some() {
            bail!("{}: holds something already; name an empty or new folder", self.out.display());
        }

        let here = |path: &PathBuf| path.display().to_string();
        for class in dataset.classes() {
            let folder = self.out.join(class);
            fs::create_dir_all(&folder).with_context(|| here(&folder))?;
        }
        let mut progress = console.progress("draw", "pictures", dataset.len() as u64);
        for start in (0..dataset.len()).step_by(PORTION) {
            let end = (start + PORTION).min(dataset.len());
            (start..end).into_par_iter().try_for_each(|i| {
                let folder = self.out.join(&dataset.classes()[dataset.label(i)]);
                dataset.picture(i)?.save(folder.join(format!("{}.png", dataset.name(i))))?;
                Ok::<_, anyhow::Error>(())
            })?;
            progress.at(end as u64, "");
        }
        progress.finish();
        if let Some(text) = pairs {
            let path = self.out.join("pairs.txt");
            files::write(&path, text.as_bytes())?;
        }
        print(&format!(
            "{}: {} pictures of {} people\n",
            self.out.display(),
            dataset.len(),
            self.identities
        ))?;
        Ok(Outcome::Yes)
    }
}
