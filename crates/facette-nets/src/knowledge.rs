//! What one forward pass yields.

use burn::tensor::Tensor;

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
