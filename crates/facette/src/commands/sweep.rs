//! `facette sweep`: many runs from one file, in pieces.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use facette_train::{Machine, PlannedRun, ResultRecord, RunRecord, Sweep as List};
use serde_json::Value;

use crate::console::Console;
use crate::exit::Outcome;
use crate::interrupt;
use crate::judging::Trial;
use crate::model::{self, Preprocessing};
use crate::output::{print, print_json};
use crate::sweep_table;
use crate::training::{self, Places};

/// Runs what a list of recipes, overrides and seeds lacks; keeps a record of each
#[derive(Debug, Args)]
#[command(
    long_about = "\
Runs what a list of recipes, overrides and seeds lacks; keeps a record of each.

A run that has a record made from the same recipe and protocols is skipped; one that was interrupted \
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
        let wanted = |run: &PlannedRun| self.only.as_ref().is_none_or(|only| *only == run.name);
        let plan: Vec<PlannedRun> = list.plan(&self.root)?.into_iter().filter(wanted).collect();
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

    fn tell(&self, plan: &[PlannedRun]) -> anyhow::Result<Outcome> {
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

    /// Trains (or goes on with) a run, judges its student and writes the record.
    fn finish(
        &self,
        run: &PlannedRun,
        stop: &AtomicBool,
        console: Console,
    ) -> anyhow::Result<ResultRecord> {
        console.note(&format!("{}: {}", run.file_stem(), run.file.display()));
        let paths = self.places.paths(self.places.runs.join(run.file_stem()));
        let outcome = training::run(&run.recipe, &paths, true, stop, console)?;
        let mut judgements = Vec::new();
        for (place, protocol) in run.protocols.iter().enumerate() {
            let owner = format!("protocol[{place}]");
            let trial = Trial::of_table(&owner, protocol.clone(), &self.places.data, None)?;
            judgements.push(judge(&trial, &outcome.student, console)?);
        }
        let record = ResultRecord {
            name: run.name.clone(),
            recipe: run.file.clone(),
            overrides: run.overrides.clone(),
            seed: run.recipe.seed,
            digest: run.digest.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            date: today(),
            machine: Machine::here(),
            threads: RunRecord::read(&paths.folder)?.threads,
            seconds: outcome.seconds,
            parameters: outcome.parameters,
            headings: run.headings.clone(),
            judgements: Value::Array(judgements),
        };
        let path = record.write(&self.results)?;
        console.note(&format!("{}: written", path.display()));
        Ok(record)
    }
}

fn judge(trial: &Trial, student: &Path, console: Console) -> anyhow::Result<Value> {
    let name = student.display().to_string();
    let model = model::open(Some(&name), None, &Preprocessing::default())?;
    let mut embedder = model.embedder(trial.needs_logits()?)?;
    let judged = trial.judge(embedder.as_mut(), model.info()?, console)?;
    Ok(serde_json::to_value(&judged.judgement)?)
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
