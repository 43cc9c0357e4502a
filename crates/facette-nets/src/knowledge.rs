//! What one forward pass yields.

use burn::tensor::{Int, Tensor};

/// What one forward pass of a network over a batch of `n` pictures yields. Every term reads it.
#[derive(Debug, Clone)]
pub struct Knowledge {
    /// Output of the stem, `[n, c, h, w]`, where wanted and marked.
    pub stem: Option<Tensor<4>>,
    /// Output map of every stage, shallow to deep, `[n, c, h, w]`; empty unless wanted.
    pub stages: Vec<Tensor<4>>,
    /// The same before each stage's last activation; empty unless wanted.
    pub before_activation: Vec<Tensor<4>>,
    /// The vector a face is compared by (of a classifier the pooled penultimate feature),
    /// `[n, d]`, not normalised.
    pub embedding: Tensor<2>,
    /// Class scores, `[n, classes]`, where the network classifies.
    pub logits: Option<Tensor<2>>,
}

impl Knowledge {
    /// Only an embedding, e.g. from a features file or an ONNX model.
    pub fn from_embedding(embedding: Tensor<2>) -> Self {
        Self { stem: None, stages: vec![], before_activation: vec![], embedding, logits: None }
    }

    /// The pictures at `places`, `[m]`.
    pub fn select(&self, places: &Tensor<1, Int>) -> Self {
        let map = |map: &Tensor<4>| map.clone().select(0, places.clone());
        Self {
            stem: self.stem.as_ref().map(map),
            stages: self.stages.iter().map(map).collect(),
            before_activation: self.before_activation.iter().map(map).collect(),
            embedding: self.embedding.clone().select(0, places.clone()),
            logits: self.logits.as_ref().map(|logits| logits.clone().select(0, places.clone())),
        }
    }

    /// This knowledge added to that of another network: embeddings (of equal length), class scores
    /// where both have some, stage maps where all are of equal shape. Through the other's no gradient
    /// flows.
    pub fn added_to(self, base: Self) -> Self {
        let base = base.detach();
        let alike = |a: &[Tensor<4>], b: &[Tensor<4>]| {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.dims() == b.dims())
        };
        let add = |own: Vec<Tensor<4>>, other: Vec<Tensor<4>>| match alike(&own, &other) {
            true => own.into_iter().zip(other).map(|(own, other)| other + own).collect(),
            false => own,
        };
        Self {
            stem: self.stem,
            stages: add(self.stages, base.stages),
            before_activation: add(self.before_activation, base.before_activation),
            embedding: base.embedding + self.embedding,
            logits: base.logits.zip(self.logits).map(|(other, own)| other + own),
        }
    }

    /// The same values, through which no gradient flows.
    pub fn detach(self) -> Self {
        let all = |list: Vec<Tensor<4>>| list.into_iter().map(Tensor::detach).collect();
        Self {
            stem: self.stem.map(Tensor::detach),
            stages: all(self.stages),
            before_activation: all(self.before_activation),
            embedding: self.embedding.detach(),
            logits: self.logits.map(Tensor::detach),
        }
    }
}
