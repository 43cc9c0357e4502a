//! Networks and ONNX models as what protocols judge.

use std::error::Error;

use anyhow::Context;
use burn::tensor::{Tensor, TensorData};
use facette_eval::Embedder;
use facette_image::View;
use facette_nets::{Network, OnnxModel, read};

/// A network, read at its embedding or at its class scores.
pub(crate) struct OfNetwork<'a> {
    network: Network,
    view: &'a View,
    logits: bool,
    dim: usize,
}

impl<'a> OfNetwork<'a> {
    /// `network` must be without autodiff and take what `view` makes.
    ///
    /// # Errors
    /// If class scores are wanted and it has none.
    pub(crate) fn new(network: Network, view: &'a View, logits: bool) -> anyhow::Result<Self> {
        let dim = match logits {
            true => network.classes().context(
                "the model scores no classes; set `classifier = true` under [student] of its \
                 recipe, or judge it by another protocol",
            )?,
            false => network.embedding_dim(),
        };
        Ok(Self { network, view, logits, dim })
    }
}

impl Embedder for OfNetwork<'_> {
    fn input(&self) -> &View {
        self.view
    }

    fn dim(&self) -> usize {
        self.dim
    }

    fn embed(
        &mut self,
        planes: &[f32],
        count: usize,
    ) -> Result<Vec<f32>, Box<dyn Error + Send + Sync>> {
        let shape = [count, self.view.planes(), self.view.size.height, self.view.size.width];
        let data = TensorData::new(planes.to_vec(), shape);
        let knowledge = self.network.infer(Tensor::from_data(data, self.network.device()));
        let rows = match (self.logits, knowledge.logits) {
            (true, Some(logits)) => logits,
            _ => knowledge.embedding,
        };
        Ok(read("embedding", &rows)?)
    }
}

/// An ONNX model.
pub(super) struct OfOnnx<'a> {
    pub(super) model: &'a OnnxModel,
    pub(super) view: &'a View,
}

impl Embedder for OfOnnx<'_> {
    fn input(&self) -> &View {
        self.view
    }

    fn dim(&self) -> usize {
        self.model.dim()
    }

    fn embed(
        &mut self,
        planes: &[f32],
        count: usize,
    ) -> Result<Vec<f32>, Box<dyn Error + Send + Sync>> {
        Ok(self.model.run(planes, count)?)
    }
}
