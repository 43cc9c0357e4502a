//! Models on the command line: student files, run folders, ONNX files, and those that ship.

pub(crate) mod card;
mod embedder;
mod onnx;
mod open;
mod precision;

pub(crate) use card::IntoCard;
pub(crate) use embedder::OfNetwork;
pub(crate) use onnx::Preprocessing;
pub(crate) use open::open;
pub(crate) use precision::Precision;

use facette_eval::{Embedder, ModelInfo};
use facette_graph::{Card, StudentFile};
use facette_image::{Channels, PerChannel, Size, View};
use facette_nets::OnnxModel;
use facette_runtime::Recognizer;
use precision::Output;
use serde_json::{Value, json};

/// A model that is ready to be used.
pub(crate) struct Model {
    name: String,
    bytes: u64,
    view: View,
    body: Body,
}

enum Body {
    Student {
        file: Box<StudentFile>,
        /// Whether it is run in bytes.
        int8: bool,
    },
    Onnx(Box<OnnxModel>),
}

impl Model {
    /// A student that was read, which has so many `bytes`.
    pub(crate) fn of_student(
        name: String,
        bytes: u64,
        file: StudentFile,
        precision: Precision,
    ) -> anyhow::Result<Self> {
        let view = view_of(file.card())?;
        let int8 = precision.is_int8(&name, &file)?;
        Ok(Self { name, bytes, view, body: Body::Student { file: Box::new(file), int8 } })
    }

    /// The student file it is, if it is one.
    pub(crate) fn student(&self) -> Option<&StudentFile> {
        match &self.body {
            Body::Student { file, .. } => Some(file),
            Body::Onnx(_) => None,
        }
    }

    /// The student as it is run: without what the card says of bytes where it is run in floats.
    pub(crate) fn runnable(&self) -> anyhow::Result<Option<StudentFile>> {
        match &self.body {
            Body::Student { file, int8 } => {
                precision::prepared(file, *int8, Output::Embedding).map(Some)
            }
            Body::Onnx(_) => Ok(None),
        }
    }

    /// Bytes of its file.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What results call it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// How it wants to see a picture.
    pub(crate) fn view(&self) -> &View {
        &self.view
    }

    /// Cosine above which two faces captured at `side` pixels are one person's: the most accurate
    /// threshold of the card for the nearest capture size.
    pub(crate) fn threshold(&self, side: usize) -> Option<f64> {
        let thresholds =
            self.student()?.card().thresholds.iter().filter(|threshold| threshold.far.is_none());
        let nearest = thresholds.min_by_key(|threshold| threshold.capture.abs_diff(side));
        nearest.map(|threshold| threshold.threshold)
    }

    /// Something that turns planes into embeddings, or into class scores where `logits`.
    pub(crate) fn embedder(&self, logits: bool) -> anyhow::Result<Box<dyn Embedder + '_>> {
        match &self.body {
            Body::Student { file, int8 } => {
                let output = if logits { Output::Logits } else { Output::Embedding };
                let recognizer = Recognizer::new(precision::prepared(file, *int8, output)?)?;
                Ok(Box::new(embedder::OfStudent::new(recognizer, &self.view)))
            }
            Body::Onnx(model) => {
                Ok(Box::new(embedder::OfOnnx { model: model.as_ref(), view: &self.view }))
            }
        }
    }

    /// What results say about it.
    pub(crate) fn info(&self) -> anyhow::Result<ModelInfo> {
        let (digest, parameters, precision) = match &self.body {
            Body::Student { file, int8 } => {
                let precision = if *int8 { "int8" } else { "f32" };
                (file.digest(), file.card().graph.counts()?.parameters, Some(precision.to_owned()))
            }
            Body::Onnx(model) => (model.digest(), model.parameters(), None),
        };
        Ok(ModelInfo {
            name: self.name.clone(),
            digest: digest.to_owned(),
            parameters: Some(parameters as u64),
            precision,
        })
    }

    /// Everything there is to say about it.
    pub(crate) fn facts(&self) -> anyhow::Result<Value> {
        Ok(match &self.body {
            Body::Student { file, int8 } => {
                let card = file.card();
                let quantisation = card.quantisation.as_ref();
                let counts = card.graph.counts()?;
                json!({
                    "architecture": card.architecture,
                    "settings": card.settings,
                    "parameters": counts.parameters,
                    "macs": counts.macs,
                    "activations": counts.activations,
                    "bytes": self.bytes,
                    "digest": file.digest(),
                    "input": card.input,
                    "embedding": card.embedding.dim,
                    "embedding_norm": card.embedding.norm,
                    "precision": if *int8 { "int8" } else { "f32" },
                    "quantisation": quantisation.map(|q| &q.calibration),
                    "gate": quantisation.and_then(|q| q.gate.as_ref()),
                    "classes": card.graph.taps.logits.is_some(),
                    "thresholds": card.thresholds,
                    "accuracy": card.accuracy,
                    "recipe": card.recipe,
                    "data": card.data,
                    "teacher": card.teacher,
                    "terms": card.terms,
                    "provenance": card.provenance,
                    "facette": card.facette,
                })
            }
            Body::Onnx(model) => json!({
                "architecture": "onnx",
                "parameters": model.parameters(),
                "macs": null,
                "bytes": self.bytes,
                "digest": model.digest(),
                "input": {
                    "width": self.view.size.width,
                    "height": self.view.size.height,
                    "channels": self.view.channels,
                    "mean": self.view.mean,
                    "std": self.view.std,
                    "resize": self.view.kernel,
                },
                "embedding": model.dim(),
                "output": model.output(),
                "terms": null,
            }),
        })
    }
}

/// The view that a card describes.
fn view_of(card: &Card) -> anyhow::Result<View> {
    use facette_graph::ChannelOrder;
    let input = &card.input;
    let per_channel = |values: &[f64]| {
        let of = |i: usize| values.get(i).or(values.first()).copied().unwrap_or_default() as f32;
        PerChannel([of(0), of(1), of(2)])
    };
    let view = View {
        size: Size { width: input.width, height: input.height },
        kernel: serde_json::from_value(json!(input.resize))
            .map_err(|e| anyhow::anyhow!("card, field \"input.resize\": {e}"))?,
        channels: match input.channels {
            ChannelOrder::Rgb => Channels::Rgb,
            ChannelOrder::Bgr => Channels::Bgr,
            ChannelOrder::Grey => Channels::Grey,
        },
        mean: per_channel(&input.mean),
        std: per_channel(&input.std),
        ..View::default()
    };
    view.check()?;
    Ok(view)
}
