//! `facette sweep`: many runs from one file, in pieces.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use facette_train::{
    Machine, Planned, Recipe, ResultRecord, RunRecord, Sweep as List, Training, Work,
};
use serde_json::Value;

use crate::console::Console;
use crate::exit::Outcome;
use crate::interrupt;
use crate::judging::Trial;
use crate::model::{self, Model, Precision, Preprocessing};
use crate::output::{print, print_json};
use crate::sweep_table;
use crate::training::{self, Places};

/// Runs what a list of recipes, overrides and seeds lacks; keeps a record of each
#[derive(Debug, Args)]
#[command(
    long_about = "\
Runs what a list of recipes, overrides and seeds lacks; keeps a record of each.

A row that has a record made from the same recipe (or model) and protocols is skipped; a run that was interrupted \
goes on where it stood. So a long table can be built in pieces, by the same command again and again. \
Exit code 1 means that something is still to be done (with --table, --list or after Ctrl-C).",
    after_help = "\
Examples:
  facette sweep sweeps/cifar100.toml --data pictures
  facette sweep sweeps/cifar100.toml --list
  facette sweep sweeps/cifar100.toml --table          the table that stands in docs/results.md"
)]
pub(crate) struct Sweep {
    /// The list
    file: PathBuf,
    /// Changes a key of the list itself
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Only the rows of this name
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Folder of the records
    #[arg(long, value_name = "DIR", default_value = "docs/results")]
    results: PathBuf,
    /// Folder that recipe paths in the list are relative to
    #[arg(long, value_name = "DIR", default_value = ".")]
    root: PathBuf,
    #[command(flatten)]
    places: Places,
    /// Prints the finished rows as a Markdown table, and runs nothing
    #[arg(long)]
    table: bool,
    /// Prints what is finished and what is not, and runs nothing
    #[arg(long, conflicts_with = "table")]
    list: bool,
    /// Prints the records as a JSON list
    #[arg(long, conflicts_with_all = ["table", "list"])]
    json: bool,
}

impl Sweep {
    /// Runs, lists or prints the table.
    pub(crate) fn run(self, console: Console) -> anyhow::Result<Outcome> {
        let list = List::read(&self.file, &self.set)?;
        let wanted = |run: &Planned| self.only.as_ref().is_none_or(|only| *only == run.name);
        let plan: Vec<Planned> = list.plan(&self.root)?.into_iter().filter(wanted).collect();
        if self.table || self.list {
            return self.tell(&plan);
        }
        let stop = interrupt::on_ctrl_c()?;
        let mut records = Vec::new();
        for run in &plan {
            let record = match run.finished(&self.results)? {
                Some(record) => {
                    console.note(&format!("{}: finished", run.file_stem()));
                    record
                }
                None => self.finish(run, &stop, console)?,
            };
            records.push(record);
            if stop.load(Ordering::SeqCst) && records.len() < plan.len() {
                return Ok(Outcome::No);
            }
        }
        match self.json {
            true => print_json(&records)?,
            false => print(&sweep_table::text(&records))?,
        }
        Ok(Outcome::Yes)
    }

    fn tell(&self, plan: &[Planned]) -> anyhow::Result<Outcome> {
        let mut records = Vec::new();
        let mut lines = String::new();
        for run in plan {
            let found = run.finished(&self.results)?;
            let state = if found.is_some() { "finished" } else { "to do" };
            lines.push_str(&format!("{}: {state}\n", run.file_stem()));
            records.extend(found);
        }
        print(&if self.table { sweep_table::markdown(&records) } else { lines })?;
        Ok(if records.len() == plan.len() { Outcome::Yes } else { Outcome::No })
    }

    /// Trains (or goes on with) a run, or opens a model, judges it and writes the record.
    fn finish(
        &self,
        row: &Planned,
        stop: &AtomicBool,
        console: Console,
    ) -> anyhow::Result<ResultRecord> {
        let (model, training) = match &row.work {
            Work::Train { file, overrides, recipe } => {
                console.note(&format!("{}: {}", row.file_stem(), file.display()));
                let folder = self.places.runs.join(row.file_stem());
                let (student, threads, seconds) = self.train(recipe, folder, stop, console)?;
                let (recipe, overrides, seed) = (file.clone(), overrides.clone(), recipe.seed);
                let training = Training { recipe, overrides, seed, threads, seconds };
                (open(&student, &Preprocessing::default())?, Some(training))
            }
            Work::Judge { file, view } => {
                console.note(&format!("{}: {}", row.file_stem(), file.display()));
                (open(&self.places.data.join(file), &Preprocessing::of_table(view)?)?, None)
            }
        };
        let mut judgements = Vec::new();
        for (place, protocol) in row.protocols.iter().enumerate() {
            let owner = format!("protocol[{place}]");
            let trial = Trial::of_table(&owner, protocol.clone(), &self.places.data, None)?;
            let mut embedder = model.embedder(trial.needs_logits()?)?;
            let judged = trial.judge(embedder.as_mut(), model.info()?, console)?;
            judgements.push(serde_json::to_value(&judged.judgement)?);
        }
        let record = ResultRecord {
            name: row.name.clone(),
            training,
            digest: row.digest.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            date: today(),
            machine: Machine::here(),
            parameters: model.info()?.parameters.unwrap_or_default() as usize,
            headings: row.headings.clone(),
            judgements: Value::Array(judgements),
        };
        let path = record.write(&self.results, &row.file_stem())?;
        console.note(&format!("{}: written", path.display()));
        Ok(record)
    }

    /// Runs the recipe in `folder`; yields the student, and threads and seconds it took.
    fn train(
        &self,
        recipe: &Recipe,
        folder: PathBuf,
        stop: &AtomicBool,
        console: Console,
    ) -> anyhow::Result<(PathBuf, usize, f64)> {
        let paths = self.places.paths(folder);
        let outcome = training::run(recipe, &paths, true, stop, console)?;
        let threads = RunRecord::read(&paths.folder)?.threads;
        Ok((outcome.student, threads, outcome.seconds))
    }
}

fn open(path: &Path, preprocessing: &Preprocessing) -> anyhow::Result<Model> {
    model::open(Some(&path.display().to_string()), None, preprocessing, Precision::Auto)
}

/// Today in UTC, as 2026-01-31.
fn today() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let (year, month, day) = civil(since.as_secs() / 86_400);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Year, month and day of a day counted from 1970-01-01 (Howard Hinnant's `civil_from_days`).
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_told_as_dates() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(11_016), (2000, 2, 29));
        assert_eq!(civil(20_483), (2026, 1, 30));
        assert_eq!(civil(19_722), (2023, 12, 31));
    }
}
