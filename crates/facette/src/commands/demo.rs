//! `facette demo`: the whole way in minutes, on faces that facette draws.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use anyhow::{Context, bail};
use clap::Args;
use facette_data::Dataset;
use facette_eval::figures::{Exhibit, FIGURES};
use facette_eval::protocols::Images;
use facette_eval::report::{Report, Strip, result_tables};
use facette_eval::{Judged, Sizes};
use facette_image::View;
use facette_train::{Paths, Pictures, Recipe};

use super::data::pair_list::PairList;
use crate::alone::alone;
use crate::console::{Console, duration};
use crate::exit::Outcome;
use crate::judging::Trial;
use crate::model::{self, Precision, Preprocessing};
use crate::output::{print, print_json};
use crate::page::{both_views, curves, hardest_pairs};
use crate::recipes::{self, Overrides};
use crate::{files, interrupt, training};

/// The recipe.
const RECIPE: &str = "demo";
/// Its stage that trains the teacher.
const TEACHER: &str = "teacher";
/// Folds of the pairs of held-out people, and pairs of each kind in a fold.
const FOLDS: usize = 10;
const EACH: usize = 300;

/// Draws faces, trains a teacher, distils a 16x16 student and judges it: six minutes, no data needed
#[derive(Debug, Args)]
#[command(
    long_about = "\
Draws faces of people who do not exist, trains a small teacher on them, distils a student of 16x16 \
pixels from it, trains the same student without the teacher, and judges all of them, and the teacher on \
up-sampled 16x16 pictures, on people none of them has seen (pairs, 10 folds, by LFW's rule). Prints a \
table and writes an HTML report with pictures and ROC curves. Everything runs through an ordinary \
recipe: `facette recipe show demo`.

Takes about six minutes on two cores. Ctrl-C stops cleanly; the same command goes on. Exit code 1 means \
that the distilled student did not win.",
    after_help = "\
Examples:
  facette demo
  facette demo --seed 2 --out runs/demo-2"
)]
pub(crate) struct Demo {
    #[command(flatten)]
    overrides: Overrides,
    /// Folder for runs, pairs and the report; runs/demo-SEED where not given
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Prints the judgements as a JSON list
    #[arg(long)]
    json: bool,
}

/// A model and the size it is judged at.
struct Contestant {
    name: &'static str,
    file: PathBuf,
    side: usize,
}

impl Demo {
    /// Goes the whole way.
    pub(crate) fn run(self, console: Console) -> anyhow::Result<Outcome> {
        let started = Instant::now();
        let recipe = recipes::read(RECIPE, &self.overrides)?;
        let out = self.out.clone();
        let out = out.unwrap_or_else(|| Path::new("runs").join(format!("demo-{}", recipe.seed)));
        std::fs::create_dir_all(&out).with_context(|| out.display().to_string())?;
        let stop = interrupt::on_ctrl_c()?;

        console.note("drawing people who do not exist, and pairs of those who are held out");
        let trial = trial(&recipe, &out)?;
        let pictures = Pictures::open(&recipe, &out)?.train;

        console.note("training the teacher, and distilling the student");
        let distilled = train(&recipe, &out, "distilled", &stop, console)?;
        console.note("training the same student alone");
        let alone = train(&alone(&recipe)?, &out, "alone", &stop, console)?;

        console.note("judging on held-out people");
        let teacher = out.join("distilled/stages").join(TEACHER).join("last.safetensors");
        let (large, small) = sides(&recipe)?;
        let contestants = [
            Contestant { name: "teacher", file: teacher.clone(), side: large },
            Contestant { name: "teacher, up-sampled", file: teacher, side: small },
            Contestant { name: "student alone", file: alone, side: small },
            Contestant { name: "student distilled", file: distilled, side: small },
        ];
        let mut judged = Vec::new();
        let mut hardest = None;
        for contestant in &contestants {
            let (found, strip) = judge(contestant, &trial, console)?;
            judged.push(found);
            hardest = strip;
        }
        let path = out.join("report.html");
        report(&recipe, &out, &pictures, &judged, hardest)?.write(&path)?;

        let accuracies = accuracies(&judged);
        let [.., alone, distilled] = accuracies[..] else {
            bail!("the demo's recipe validates by a protocol of pairs");
        };
        let won = distilled > alone;
        match self.json {
            true => print_json(&judged.iter().map(|j| &j.judgement).collect::<Vec<_>>())?,
            false => {
                let judgements: Vec<_> = judged.iter().map(|j| j.judgement.clone()).collect();
                let tables = result_tables(&judgements);
                let tables: Vec<String> = tables.iter().map(|(_, table)| table.text(100)).collect();
                print(&format!(
                    "\n{}\nThe distilled student is right about {:.1} pairs in a hundred, the student alone \
                     about {:.1}.\nReport: {}\nTime: {}\n",
                    tables.join("\n"),
                    100.0 * distilled,
                    100.0 * alone,
                    path.display(),
                    duration(started.elapsed().as_secs_f64())
                ))?;
            }
        }
        Ok(if won { Outcome::Yes } else { Outcome::No })
    }
}

/// The recipe's validation on a list of pairs that is drawn here.
fn trial(recipe: &Recipe, out: &Path) -> anyhow::Result<Trial> {
    let validation = recipe.validation.as_ref().context("the demo's recipe has a [validation]")?;
    let mut table = validation.settings.clone();
    table.insert("protocol".into(), validation.protocol.clone().into());
    let trial = Trial::of_table("validation", table, out, None)?;
    let (Images::Set(people), Some(list)) = (&trial.images, &trial.pairs) else {
        bail!("the demo's recipe validates on a source with a list of pairs");
    };
    let shots = people.by_class().iter().map(Vec::len).min().unwrap_or(0);
    let pairs = PairList { folds: FOLDS, each: EACH, seed: recipe.seed };
    files::write(list, pairs.draw(people.classes(), shots)?.as_bytes())?;
    Ok(trial)
}

/// Trains the recipe into OUT/name, or goes on with it; the student file.
fn train(
    recipe: &Recipe,
    out: &Path,
    name: &str,
    stop: &AtomicBool,
    console: Console,
) -> anyhow::Result<PathBuf> {
    let paths = Paths {
        data: out.to_owned(),
        runs: out.to_owned(),
        folder: out.join(name),
        cache: out.join("cache"),
    };
    Ok(training::run(recipe, &paths, true, stop, console)?.student)
}

/// Sides of the teacher's and the student's view.
fn sides(recipe: &Recipe) -> anyhow::Result<(usize, usize)> {
    let teacher =
        recipe.views.teacher.as_ref().context("the demo's recipe has a teacher's view")?;
    Ok((teacher.view.size.width, recipe.views.student.size.width))
}

fn judge(
    contestant: &Contestant,
    trial: &Trial,
    console: Console,
) -> anyhow::Result<(Judged, Option<Strip>)> {
    let mut trial = trial.clone();
    trial.options.size = Some(Sizes::new(contestant.side, contestant.side)?);
    let name = contestant.file.display().to_string();
    let model = model::open(Some(&name), None, &Preprocessing::default(), Precision::Auto)?;
    let mut info = model.info()?;
    info.name = contestant.name.to_owned();
    let view: &View = model.view();
    let judged = trial.judge(model.embedder(false)?.as_mut(), info, console)?;
    let strip = hardest_pairs(&trial, &judged, view, 12)?;
    Ok((judged, strip))
}

fn accuracies(judged: &[Judged]) -> Vec<f64> {
    let of = |judged: &Judged| judged.judgement.verification().map(|found| found.scores.accuracy);
    judged.iter().filter_map(of).collect()
}

fn report(
    recipe: &Recipe,
    out: &Path,
    pictures: &Dataset,
    judged: &[Judged],
    hardest: Option<Strip>,
) -> anyhow::Result<Report> {
    let mut training = curves("distilled", &out.join("distilled"))?;
    training.extend(curves("alone", &out.join("alone"))?);
    let exhibit = Exhibit { judged, training: &training };
    let mut figures = Vec::new();
    for figure in FIGURES {
        figures.extend(figure.draw(&exhibit)?);
    }
    let (large, small) = sides(recipe)?;
    let mut strips = vec![both_views(&Arc::new(pictures.clone()), &recipe.views, 12)?];
    strips.extend(hardest);
    Ok(Report {
        title: "facette demo".into(),
        lead: vec![format!(
            "A teacher that sees {large}x{large} pixels was trained on {} drawn pictures of {} people who do not \
             exist; a student that sees {small}x{small} was distilled from it, and the same student trained \
             without it. All are judged on pairs of people that none of them has seen.",
            pictures.len(),
            pictures.classes().len()
        )],
        judgements: judged.iter().map(|judged| judged.judgement.clone()).collect(),
        figures,
        strips,
        recipe: recipe.to_toml(),
        command: format!("facette demo --seed {}", recipe.seed),
        seed: Some(recipe.seed),
        notes: vec![
            "Drawn faces are easier than photographs in some ways and odder in others: numbers from \
             here say nothing about real people."
                .into(),
        ],
    })
}
