//! `facette eval`: how good is a model, by the field's own protocols?

use std::path::{Path, PathBuf};

use clap::Args;
use facette_eval::{Judgement, Outcome as Found};

use crate::console::Console;
use crate::exit::Outcome;
use crate::judging::TrialFlags;
use crate::model::{self, IntoCard, Precision, Preprocessing, card};
use crate::output::print;
use crate::table::Rows;

/// Judges a model by a protocol: verification after LFW, identification, classification
#[derive(Debug, Args)]
#[command(
    long_about = "\
Judges a model by a protocol: verification after LFW, identification, classification.

MODEL is a student file or run folder of facette, an ONNX file, or the name of a model that facette \
brings along. Without MODEL the one that ships for the size is judged. An ONNX file does not say how \
it wants to see a picture: give the flags below, or a JSON card `MODEL.json` beside it (`--card`):

  {\"size\": 112, \"channels\": \"rgb\", \"mean\": [0.485, 0.456, 0.406],
   \"std\": [0.229, 0.224, 0.225], \"kernel\": \"area\"}

Pictures are first brought to `--size`, as a small camera would have stored them, and from there to \
the model's own input.",
    after_help = "\
Examples:
  facette eval --protocol lfw --images lfw --pairs pairs.txt --size 16
  facette eval runs/mine --protocol lfw --images lfw --pairs pairs.txt --json
  facette eval teacher.onnx --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225 \\
      --protocol lfw --images lfw --pairs pairs.txt --size 112:16
  facette eval mine.safetensors --protocol identification --images faces --size 32
  facette eval --precision f32 --protocol lfw --images lfw --pairs pairs.txt --size 16"
)]
pub(crate) struct Eval {
    /// A student file, a run folder, an ONNX file, or a model that facette brings along
    model: Option<String>,
    /// Protocol: `facette list protocols` shows them
    #[arg(long, value_name = "NAME")]
    protocol: String,
    /// Pictures: a folder for each person
    #[arg(long, value_name = "DIR")]
    images: PathBuf,
    #[command(flatten)]
    trial: TrialFlags,
    #[command(flatten)]
    preprocessing: Preprocessing,
    /// What a student computes in: auto (int8 where its card says that this costs no more accuracy
    /// than is allowed), f32 or int8
    #[arg(
        long,
        value_name = "PRECISION",
        value_enum,
        default_value_t,
        hide_possible_values = true
    )]
    precision: Precision,
    /// Writes what was found into the card of the student file MODEL: the thresholds (most
    /// accurate, and at each FAR), or the accuracy
    #[arg(long, value_name = "WHAT", requires = "model")]
    into_card: Option<IntoCard>,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl Eval {
    /// Judges and prints.
    pub(crate) fn run(self, console: Console) -> anyhow::Result<Outcome> {
        let trial = self.trial.trial(&self.protocol, &self.images)?;
        let (name, side) = (self.model.as_deref(), self.trial.side());
        let model = model::open(name, side, &self.preprocessing, self.precision)?;
        let mut embedder = model.embedder(trial.needs_logits()?)?;
        let judged = trial.judge(embedder.as_mut(), model.info()?, console)?;
        if let (Some(what), Some(path)) = (self.into_card, &self.model) {
            let path = Path::new(path);
            card::write(what, path, &judged, &trial)?;
            console.note(&format!("{}: card written", path.display()));
        }
        let text = match self.json {
            true => serde_json::to_string_pretty(&judged.judgement)? + "\n",
            false => summary(&judged.judgement),
        };
        print(&text)?;
        Ok(Outcome::Yes)
    }
}

/// What a person wants to know of a judgement.
fn summary(judgement: &Judgement) -> String {
    let mut rows = Rows::new(["measure", "value"]);
    let percent = |value: f64| format!("{:.2} %", 100.0 * value);
    rows.push(["model".to_owned(), judgement.model.name.clone()]);
    if let Some(parameters) = judgement.model.parameters {
        rows.push(["parameters".to_owned(), parameters.to_string()]);
    }
    if let Some(precision) = &judgement.model.precision {
        rows.push(["precision".to_owned(), precision.clone()]);
    }
    rows.push(["protocol".to_owned(), judgement.protocol.clone()]);
    match &judgement.outcome {
        Found::Verification(found) => {
            let [first, second] = found.sizes;
            let scores = &found.scores;
            let spread = percent(scores.accuracy_std);
            rows.push(["sizes".to_owned(), format!("{first} against {second}")]);
            rows.push(["pairs".to_owned(), format!("{} in {} folds", found.pairs, found.folds)]);
            rows.push(["flip".to_owned(), found.flip_rule.clone()]);
            rows.push(["accuracy".to_owned(), format!("{} ± {spread}", percent(scores.accuracy))]);
            if let Some(without) = &found.without_flip {
                rows.push(["accuracy without flip".to_owned(), percent(without.accuracy)]);
            }
            rows.push(["AUC".to_owned(), format!("{:.4}", scores.auc)]);
            rows.push(["EER".to_owned(), percent(scores.eer)]);
            for (far, tar) in &scores.tar_at_far.0 {
                rows.push([format!("TAR at FAR {far}"), percent(*tar)]);
            }
            let threshold = format!("{:.3} ({})", scores.threshold, found.threshold_unit);
            rows.push(["threshold".to_owned(), threshold]);
            rows.push(["left out".to_owned(), format!("{} pairs", found.left_out.samples)]);
        }
        Found::Identification(found) => {
            let [first, second] = found.sizes;
            rows.push(["sizes".to_owned(), format!("{first} against {second}")]);
            rows.push([
                "gallery".to_owned(),
                format!("{} pictures of {} identities", found.gallery, found.identities),
            ]);
            rows.push(["probes".to_owned(), found.probes.to_string()]);
            for (rank, share) in &found.rank.0 {
                rows.push([format!("rank {rank}"), percent(*share)]);
            }
        }
        Found::Classification(found) => {
            rows.push(["pictures".to_owned(), found.pictures.to_string()]);
            rows.push(["classes".to_owned(), found.classes.to_string()]);
            rows.push(["top 1".to_owned(), percent(found.top1)]);
            rows.push(["top 5".to_owned(), percent(found.top5)]);
            rows.push(["mean class accuracy".to_owned(), percent(found.mean_class_accuracy)]);
            rows.push(["calibration error".to_owned(), percent(found.ece)]);
        }
    }
    rows.to_text()
}
