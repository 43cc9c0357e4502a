//! `facette report`: what runs did, on one HTML page.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;
use facette_eval::Judged;
use facette_eval::figures::{Exhibit, FIGURES};
use facette_eval::report::Report as Page;
use facette_train::{Recipe, RunRecord};

use crate::console::Console;
use crate::exit::Outcome;
use crate::judging::{Trial, TrialFlags};
use crate::model::{self, Precision, Preprocessing};
use crate::output::print;
use crate::page::{curves, hardest_pairs};

/// Pairs shown for each judged model.
const HARDEST: usize = 12;

/// Writes an HTML page about one or several runs: curves, judgements, figures, recipe
#[derive(Debug, Args)]
#[command(
    long_about = "\
Writes an HTML page about one or several runs: training curves, recipes and, where a protocol is given, \
judgements with their figures (accuracies side by side, ROC, score histograms) and the pairs the models \
are most wrong about. The page refers to nothing outside itself.",
    after_help = "\
Examples:
  facette report runs/mine
  facette report runs/mine runs/alone --protocol lfw --images lfw --pairs pairs.txt --size 16
  facette report runs/mine --with teacher.onnx --mean 0.5 --std 0.5 --protocol lfw \\
      --images lfw --pairs pairs.txt --size 16 --out comparison.html"
)]
pub(crate) struct Report {
    /// Run folders
    #[arg(required = true)]
    runs: Vec<PathBuf>,
    /// Another model to be judged beside them: a student file, an ONNX file, one that ships
    #[arg(long, value_name = "MODEL", requires = "protocol")]
    with: Vec<String>,
    /// The page
    #[arg(long, value_name = "FILE", default_value = "report.html")]
    out: PathBuf,
    /// Protocol: `facette list protocols` shows them
    #[arg(long, value_name = "NAME", requires = "images")]
    protocol: Option<String>,
    /// Pictures: a folder for each person
    #[arg(long, value_name = "DIR", requires = "protocol")]
    images: Option<PathBuf>,
    #[command(flatten)]
    trial: TrialFlags,
    #[command(flatten)]
    preprocessing: Preprocessing,
}

impl Report {
    /// Writes the page.
    pub(crate) fn run(self, console: Console) -> anyhow::Result<Outcome> {
        let mut page = Page { title: self.title(), ..Page::default() };
        let mut training = Vec::new();
        for folder in &self.runs {
            ensure!(
                folder.join("run.json").is_file(),
                "{}: no run folder; it holds no run.json",
                folder.display()
            );
            training.extend(curves(&called(folder), folder)?);
            describe(folder, &mut page)?;
        }
        let mut judged = Vec::new();
        if let (Some(protocol), Some(images)) = (&self.protocol, &self.images) {
            let trial = self.trial.trial(protocol, images)?;
            let none = Preprocessing::default();
            let runs = self.runs.iter().map(|folder| folder.display().to_string());
            for name in runs.chain(self.with.iter().cloned()) {
                let onnx = Path::new(&name).extension().is_some_and(|e| e == "onnx");
                let preprocessing = if onnx { &self.preprocessing } else { &none };
                let found = judge(&name, &trial, self.trial.side(), preprocessing, console)?;
                page.strips.extend(found.1);
                judged.push(found.0);
            }
        }
        let exhibit = Exhibit { judged: &judged, training: &training };
        for figure in FIGURES {
            page.figures.extend(figure.draw(&exhibit)?);
        }
        page.judgements = judged.into_iter().map(|judged| judged.judgement).collect();
        page.write(&self.out)?;
        print(&format!("{}\n", self.out.display()))?;
        Ok(Outcome::Yes)
    }

    fn title(&self) -> String {
        self.runs.iter().map(|folder| called(folder)).collect::<Vec<_>>().join(", ")
    }
}

fn called(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or(folder.as_os_str());
    name.to_string_lossy().into_owned()
}

/// Adds what a run was made of to the page.
fn describe(folder: &Path, page: &mut Page) -> anyhow::Result<()> {
    let record = RunRecord::read(folder)?;
    let path = folder.join("recipe.toml");
    let recipe = Recipe::read(&path, &[]).with_context(|| path.display().to_string())?;
    page.lead.push(format!(
        "{}: recipe {:?}, seed {}, {} pictures of {} classes, {} threads, facette {}. {}",
        called(folder),
        record.recipe,
        record.seed,
        record.pictures,
        record.classes,
        record.threads,
        record.version,
        recipe.about
    ));
    if !page.recipe.is_empty() {
        page.recipe.push_str("\n\n");
    }
    page.recipe.push_str(&format!("# {}\n{}", called(folder), recipe.to_toml()));
    let terms = format!("Terms of {}: {}.", called(folder), recipe.terms.trim_end_matches('.'));
    page.notes.push(terms);
    Ok(())
}

type Found = (Judged, Option<facette_eval::report::Strip>);

fn judge(
    name: &str,
    trial: &Trial,
    side: Option<usize>,
    preprocessing: &Preprocessing,
    console: Console,
) -> anyhow::Result<Found> {
    let model = model::open(Some(name), side, preprocessing, Precision::Auto)?;
    let mut embedder = model.embedder(trial.needs_logits()?)?;
    let judged = trial.judge(embedder.as_mut(), model.info()?, console)?;
    let strip = hardest_pairs(trial, &judged, model.view(), HARDEST)?;
    Ok((judged, strip))
}
