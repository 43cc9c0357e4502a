//! `facette quantise`: an int8 student of a float one.

use std::path::PathBuf;

use anyhow::{bail, ensure};
use clap::Args;
use facette_data::Source;
use facette_graph::{Gate, StudentFile};
use facette_image::Picture;
use facette_image::random::stream;
use facette_runtime::{Choice, Drift, Face, QuantiseOptions, Range, choose, drift};
use rand::seq::index;
use serde_json::{Value, json};

use crate::console::Console;
use crate::exit::Outcome;
use crate::judging::Trial;
use crate::model::{self, Model, Precision, Preprocessing, card};
use crate::output::{print, print_json};
use crate::table::Rows;

/// Makes an int8 student of a float one, if it loses little
#[derive(Debug, Args)]
#[command(
    long_about = "\
Makes an int8 student of a float one, if it loses little.

Some hundred faces of DATA are drawn. Half of them say what values the maps take; the other half \
decide how their ranges are found (from the smallest to the largest value, by percentiles, or by least \
information lost), whether mean errors are taken off the biases, and whether channels are equalised: \
the way that changes the embeddings of the faces held out least is kept. How far each layer drifts on \
them is printed.

With --gate both students are judged on pairs, by the rules of `facette eval --protocol lfw`. Where the \
int8 student is worse by more than is allowed, nothing is written and the exit code is 1. Where it is \
not, its card says so, and every command runs it in int8 by itself.",
    after_help = "\
Examples:
  facette quantise runs/mine --data faces -o mine-int8.safetensors
  facette quantise facette-16 --data faces -o small.safetensors --gate lfw --pairs pairs.txt
  facette quantise mine.safetensors --data train.parquet --source parquet -o small.safetensors \\
      --range percentile:99.99 --json"
)]
pub(crate) struct Quantise {
    /// A student file of floats, a run folder, or a model that facette brings along
    student: String,
    /// Pictures to calibrate on, such as it was trained on: a folder for each person
    #[arg(long, value_name = "DATA")]
    data: PathBuf,
    /// Kind of source DATA is: `facette list datasets` shows them
    #[arg(long, value_name = "KIND", default_value = "folder")]
    source: String,
    /// The int8 student
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,
    /// Faces drawn; half of them are held out
    #[arg(long, value_name = "N", default_value_t = 512)]
    faces: usize,
    /// Seed of the drawing
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How ranges are found, in place of the way that proves best: min-max, percentile,
    /// percentile:99.99 or entropy
    #[arg(long, value_name = "NAME")]
    range: Option<Range>,
    /// Pictures of the pairs that both students are judged on: a folder for each person
    #[arg(long, value_name = "DIR", requires = "pairs")]
    gate: Option<PathBuf>,
    /// List of those pairs in LFW's format
    #[arg(long, value_name = "FILE", requires = "gate")]
    pairs: Option<PathBuf>,
    /// Side in pixels of the pictures shown; the student's own where not given
    #[arg(long, value_name = "SIDE", requires = "gate")]
    size: Option<usize>,
    /// Points of accuracy, in per cent, that may be lost
    #[arg(long, value_name = "POINTS", default_value_t = 0.3)]
    allowed: f64,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl Quantise {
    /// Quantises, judges, writes and tells.
    pub(crate) fn run(self, console: Console) -> anyhow::Result<Outcome> {
        ensure!((0.0..=100.0).contains(&self.allowed), "--allowed: expected points from 0 to 100");
        let none = Preprocessing::default();
        let model = model::open(Some(&self.student), None, &none, Precision::F32)?;
        let Some(float) = model.student() else {
            bail!("{}: only students of facette are quantised", self.student)
        };
        let [calibrate, held_out] = self.pictures()?;
        let (calibrate, held_out) = (faces(&calibrate)?, faces(&held_out)?);
        let mut candidates = QuantiseOptions::candidates();
        if let Some(range) = self.range {
            candidates.retain(|candidate| candidate.range == Range::MinMax);
            candidates.iter_mut().for_each(|candidate| candidate.range = range);
        }
        console.note(&format!("{} ways to quantise are tried", candidates.len()));
        let mut choice = choose(float, &calibrate, &held_out, &candidates)?;
        let drifts = drift(&choice.float, &choice.student, &held_out)?;
        let gate = self.judge(&model, &mut choice, console)?;
        let after = choice.student.to_bytes()?.len() as u64;
        let passed = gate.as_ref().is_none_or(Gate::passed);
        let found = Found { choice, drifts, gate, bytes: [model.bytes(), after] };
        if passed {
            found.choice.student.save(&self.out)?;
        }
        match self.json {
            true => print_json(&found.to_json(passed.then_some(&self.out)))?,
            false => print(&found.to_text())?,
        }
        let out = self.out.display();
        if !passed {
            console.note(&format!("{out}: not written, because too much is lost"));
            return Ok(Outcome::No);
        }
        console.note(&format!("{out}: written"));
        if found.gate.is_none() {
            console.note("it was not judged (--gate): commands run it in f32 unless told int8");
        }
        Ok(Outcome::Yes)
    }

    /// The faces drawn: those to calibrate on, and those held out.
    fn pictures(&self) -> anyhow::Result<[Vec<Picture>; 2]> {
        let dataset = Source::new(&self.source, Some(self.data.clone())).open()?;
        let count = self.faces.min(dataset.len());
        ensure!(
            count >= 2,
            "{}: at least two faces are needed, one to calibrate on and one to compare on",
            self.data.display()
        );
        let mut rng = stream(self.seed, "quantise/faces", 0);
        let drawn = index::sample(&mut rng, dataset.len(), count).into_vec();
        let read = |places: &[usize]| {
            let pictures: Result<Vec<_>, _> =
                places.iter().map(|&place| dataset.picture(place)).collect();
            pictures
        };
        let (calibrate, held_out) = drawn.split_at(count / 2);
        Ok([read(calibrate)?, read(held_out)?])
    }

    /// Judges both students, where that is asked for, and writes what was found into the card of
    /// the int8 one.
    fn judge(
        &self,
        float: &Model,
        choice: &mut Choice,
        console: Console,
    ) -> anyhow::Result<Option<Gate>> {
        let (Some(images), Some(pairs)) = (&self.gate, &self.pairs) else { return Ok(None) };
        let size = self.size.unwrap_or(float.view().size.width);
        let trial = Trial::of_lfw(images, pairs, size)?;
        let small = choice.student.clone();
        let small = Model::of_student(float.name().to_owned(), 0, small, Precision::Int8)?;
        let mut accuracies = Vec::new();
        for model in [float, &small] {
            let judged = trial.judge(model.embedder(false)?.as_mut(), model.info()?, console)?;
            accuracies.push(card::accuracy(&judged, &trial)?);
        }
        let [float, int8] = [&accuracies[0], &accuracies[1]];
        let gate = Gate {
            protocol: int8.protocol.clone(),
            size,
            float: float.value,
            int8: int8.value,
            allowed: self.allowed / 100.0,
        };
        let (mut card, arrays) = choice.student.clone().into_parts();
        card.accuracy = vec![int8.clone()];
        if let Some(quantisation) = &mut card.quantisation {
            quantisation.gate = Some(gate.clone());
        }
        choice.student = StudentFile::new(card, arrays)?;
        Ok(Some(gate))
    }
}

fn faces(pictures: &[Picture]) -> anyhow::Result<Vec<Face<'_>>> {
    let face = |picture| {
        let picture: &Picture = picture;
        Face::new(picture.as_bytes(), picture.width(), picture.height())
    };
    Ok(pictures.iter().map(face).collect::<Result<_, _>>()?)
}

/// What came of it.
struct Found {
    choice: Choice,
    drifts: Vec<Drift>,
    gate: Option<Gate>,
    /// Of the files before and after.
    bytes: [u64; 2],
}

impl Found {
    fn to_json(&self, out: Option<&PathBuf>) -> Value {
        let way = |options: &QuantiseOptions| {
            json!({
                "range": options.range.to_string(),
                "biases_corrected": options.correct_bias,
                "channels_equalised": options.equalise,
            })
        };
        let tried = self.choice.tried.iter().map(|tried| {
            let mut row = way(&tried.options);
            row["cosine"] = tried.cosine.into();
            row
        });
        let drift =
            self.drifts.iter().map(|drift| json!({"layer": drift.layer, "cosine": drift.cosine}));
        let passed = self.gate.as_ref().map(Gate::passed);
        json!({
            "out": out,
            "digest": self.choice.student.digest(),
            "bytes_before": self.bytes[0],
            "bytes": self.bytes[1],
            "tried": tried.collect::<Vec<_>>(),
            "chosen": way(&self.choice.options),
            "drift": drift.collect::<Vec<_>>(),
            "gate": self.gate,
            "passed": passed,
        })
    }

    fn to_text(&self) -> String {
        let mut ways = Rows::new(["way", "cosine of embeddings"]);
        for tried in &self.choice.tried {
            let chosen = if tried.options == self.choice.options { " (chosen)" } else { "" };
            ways.push([tried.options.to_string(), format!("{:.6}{chosen}", tried.cosine)]);
        }
        let mut layers = Rows::new(["layer", "cosine"]);
        for drift in &self.drifts {
            layers.push([drift.layer.clone(), format!("{:.6}", drift.cosine)]);
        }
        let [before, after] = self.bytes;
        let mut text = format!(
            "{}\n{}\n{before} bytes before, {after} after\n",
            ways.to_text(),
            layers.to_text()
        );
        if let Some(gate) = &self.gate {
            let [float, int8, allowed] = [gate.float, gate.int8, gate.allowed].map(|v| 100.0 * v);
            text += &format!(
                "{} at {}: {float:.2} % in f32, {int8:.2} % in int8, {allowed} points may be lost: {}\n",
                gate.protocol,
                gate.size,
                if gate.passed() { "passed" } else { "failed" }
            );
        }
        text
    }
}
