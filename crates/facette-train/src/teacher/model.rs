//! A finished teacher that can be run.

use burn::tensor::{Device, Tensor, TensorData};
use facette_distil::StreamShapes;
use facette_nets::{Knowledge, Network, OnnxModel, Wanted, read};

use crate::error::TrainError;

/// A finished teacher that can be run on its view of pictures.
pub(crate) enum Model {
    /// A model of another framework, known by its embedding only.
    Onnx(Box<OnnxModel>),
    /// A network of our own, frozen.
    Network(Box<Network>),
}

impl Model {
    /// Length of its embedding.
    pub(crate) fn embedding(&self) -> usize {
        match self {
            Self::Onnx(model) => model.dim(),
            Self::Network(network) => network.embedding_dim(),
        }
    }

    /// Classes it scores.
    pub(crate) fn classes(&self) -> Option<usize> {
        match self {
            Self::Onnx(_) => None,
            Self::Network(network) => network.classes(),
        }
    }

    /// What of it is read.
    pub(crate) fn output(&self) -> &str {
        match self {
            Self::Onnx(model) => model.output(),
            Self::Network(_) => "embedding and logits",
        }
    }

    /// Channels, rows and columns of the picture it takes.
    pub(crate) fn picture(&self) -> [usize; 3] {
        match self {
            Self::Onnx(model) => model.picture(),
            Self::Network(network) => {
                let input = network.graph().input;
                [input.channels, input.height, input.width]
            }
        }
    }

    /// The shapes of what it yields.
    ///
    /// # Errors
    /// [`TrainError::Graph`].
    pub(crate) fn shapes(&self) -> Result<StreamShapes, TrainError> {
        match self {
            Self::Onnx(model) => Ok(StreamShapes::embedding_only(model.dim())),
            Self::Network(network) => Ok(StreamShapes::of(network.graph())?),
        }
    }

    /// Says which taps a pass must keep.
    pub(crate) fn want(&mut self, wanted: Wanted) {
        if let Self::Network(network) = self {
            network.want(wanted);
        }
    }

    /// What it makes of pictures `[n, c, h, w]` in its view.
    ///
    /// # Errors
    /// [`TrainError::Nets`] if it fails.
    pub(crate) fn knowledge(&self, x: Tensor<4>) -> Result<Knowledge, TrainError> {
        match self {
            Self::Network(network) => Ok(network.infer(x.inner())),
            Self::Onnx(model) => {
                let (count, device) = (x.dims()[0], x.device().inner());
                let values = model.run(&read("pictures", &x)?, count)?;
                let data = TensorData::new(values, [count, model.dim()]);
                Ok(Knowledge::from_embedding(Tensor::from_data(data, &device)))
            }
        }
    }

    /// Embeddings, and class scores where there are some, of `count` pictures `[c, h, w]`.
    ///
    /// # Errors
    /// [`TrainError::Nets`] if it fails.
    pub(crate) fn run(
        &self,
        pictures: Vec<f32>,
        count: usize,
        device: &Device,
    ) -> Result<(Vec<f32>, Option<Vec<f32>>), TrainError> {
        match self {
            Self::Onnx(model) => Ok((model.run(&pictures, count)?, None)),
            Self::Network(network) => {
                let [c, h, w] = self.picture();
                let x = Tensor::from_data(TensorData::new(pictures, [count, c, h, w]), device);
                let knowledge = network.infer(x);
                let logits = knowledge.logits.map(|logits| read("logits", &logits)).transpose()?;
                Ok((read("embedding", &knowledge.embedding)?, logits))
            }
        }
    }
}
