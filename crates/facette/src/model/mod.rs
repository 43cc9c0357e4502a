//! Models on the command line: student files, run folders, ONNX files, and those that ship.

pub(crate) mod card;
mod embedder;
mod onnx;
mod open;

pub(crate) use card::IntoCard;
pub(crate) use embedder::OfNetwork;
pub(crate) use onnx::Preprocessing;
pub(crate) use open::open;

use burn::tensor::Device;
use facette_eval::{Embedder, ModelInfo};
use facette_graph::{Card, StudentFile};
use facette_image::{Channels, PerChannel, Size, View};
use facette_nets::{Network, OnnxModel};
use serde_json::{Value, json};

/// A model that is ready to be used.
pub(crate) struct Model {
    name: String,
    bytes: u64,
    view: View,
    body: Body,
}

enum Body {
    Student(Box<StudentFile>),
    Onnx(Box<OnnxModel>),
}

impl Model {
    fn student(name: String, bytes: u64, file: StudentFile) -> anyhow::Result<Self> {
        let view = view_of(file.card())?;
        Ok(Self { name, bytes, view, body: Body::Student(Box::new(file)) })
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
        let Body::Student(file) = &self.body else { return None };
        let thresholds = file.card().thresholds.iter().filter(|threshold| threshold.far.is_none());
        let nearest = thresholds.min_by_key(|threshold| threshold.capture.abs_diff(side));
        nearest.map(|threshold| threshold.threshold)
    }

    /// Something that turns planes into embeddings, or into class scores where `logits`.
    pub(crate) fn embedder(&self, logits: bool) -> anyhow::Result<Box<dyn Embedder + '_>> {
        match &self.body {
            Body::Student(file) => {
                let network = Network::load(file, &Device::flex())?;
                Ok(Box::new(OfNetwork::new(network, &self.view, logits)?))
            }
            Body::Onnx(model) => {
                Ok(Box::new(embedder::OfOnnx { model: model.as_ref(), view: &self.view }))
            }
        }
    }

    /// What results say about it.
    pub(crate) fn info(&self) -> anyhow::Result<ModelInfo> {
        let (digest, parameters) = match &self.body {
            Body::Student(file) => (file.digest(), file.card().graph.counts()?.parameters),
            Body::Onnx(model) => (model.digest(), model.parameters()),
        };
        let parameters = Some(parameters as u64);
        Ok(ModelInfo { name: self.name.clone(), digest: digest.to_owned(), parameters })
    }

    /// Everything there is to say about it.
    pub(crate) fn facts(&self) -> anyhow::Result<Value> {
        Ok(match &self.body {
            Body::Student(file) => {
                let card = file.card();
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
