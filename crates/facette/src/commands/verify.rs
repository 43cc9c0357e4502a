//! `facette verify`: are these two faces the same person?

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use facette_image::Picture;
use serde_json::json;

use crate::exit::Outcome;
use crate::model::{self, Model, Precision, Preprocessing};
use crate::output::print;

/// Says whether two aligned face crops show the same person
#[derive(Debug, Args)]
#[command(
    long_about = "\
Says whether two aligned face crops show the same person.

A crop holds one face, upright, cut close around it, as data sets of aligned faces do; the picture \
may be larger or smaller than the model's input. Exit code 0 means the same person, 1 another \
person, 2 that something went wrong.",
    after_help = "\
Examples:
  facette verify ann-1.jpg ann-2.jpg
  facette verify door.png ann-1.jpg --model facette-32 --json
  facette verify a.jpg b.jpg --model runs/mine --threshold 0.4 --quiet && echo welcome"
)]
pub(crate) struct Verify {
    /// The first crop
    a: PathBuf,
    /// The second crop
    b: PathBuf,
    /// A student file, run folder, ONNX file, or a model that facette brings along
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// Cosine from which two faces are one person's, in place of the model's own
    #[arg(long, value_name = "COSINE", value_parser = cosine, allow_negative_numbers = true)]
    threshold: Option<f64>,
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
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl Verify {
    /// Compares and answers.
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        let pictures = [read(&self.a)?, read(&self.b)?];
        let side = smaller_side(&pictures);
        let (name, preprocessing) = (self.model.as_deref(), &self.preprocessing);
        let model = model::open(name, Some(side), preprocessing, self.precision)?;
        let threshold = match self.threshold {
            Some(threshold) => threshold,
            None => own_threshold(&model, side)?,
        };
        let [a, b] = embed(&model, &pictures)?;
        let cosine = similarity(&a, &b);
        let same = cosine > threshold;
        let text = match self.json {
            true => {
                let answer = json!({
                    "same": same,
                    "cosine": cosine,
                    "threshold": threshold,
                    "model": model.name(),
                    "precision": model.info()?.precision,
                });
                serde_json::to_string_pretty(&answer)? + "\n"
            }
            false => {
                let (answer, sign) = if same { ("yes", ">") } else { ("no", "<=") };
                format!("{answer}: cosine {cosine:.4} {sign} threshold {threshold:.4}\n")
            }
        };
        print(&text)?;
        Ok(if same { Outcome::Yes } else { Outcome::No })
    }
}

fn cosine(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "expected a number from -1 to 1".to_owned())?;
    match (-1.0..=1.0).contains(&value) {
        true => Ok(value),
        false => Err("expected a number from -1 to 1".to_owned()),
    }
}

fn read(path: &Path) -> anyhow::Result<Picture> {
    let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
    Picture::decode(&bytes).with_context(|| path.display().to_string())
}

/// The shortest side of both pictures.
fn smaller_side(pictures: &[Picture; 2]) -> usize {
    let [a, b] = pictures.each_ref().map(|picture| picture.width().min(picture.height()));
    a.min(b)
}

/// The model's threshold for pictures of `side` pixels, which it sees no larger than its input.
fn own_threshold(model: &Model, side: usize) -> anyhow::Result<f64> {
    match model.threshold(side.min(model.view().size.width)) {
        Some(threshold) => Ok(threshold),
        None => bail!(
            "{}: no threshold in its card; give one with --threshold, or let `facette eval MODEL \
             --protocol lfw --no-flip --into-card thresholds ...` find it on pairs of your own",
            model.name()
        ),
    }
}

fn embed(model: &Model, pictures: &[Picture; 2]) -> anyhow::Result<[Vec<f32>; 2]> {
    let view = model.view();
    let mut planes = vec![0.0; 2 * view.len()];
    for (picture, planes) in pictures.iter().zip(planes.chunks_exact_mut(view.len())) {
        view.clean(picture, false, planes)?;
    }
    let mut embedder = model.embedder(false)?;
    let values = embedder.embed(&planes, 2).map_err(anyhow::Error::from_boxed)?;
    let (a, b) = values.split_at(embedder.dim());
    Ok([a.to_vec(), b.to_vec()])
}

fn similarity(a: &[f32], b: &[f32]) -> f64 {
    let dot = |x: &[f32], y: &[f32]| -> f64 {
        x.iter().zip(y).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum()
    };
    let lengths = (dot(a, a) * dot(b, b)).sqrt();
    if lengths > 0.0 { (dot(a, b) / lengths).clamp(-1.0, 1.0) } else { 0.0 }
}
