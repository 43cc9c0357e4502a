//! What heads that compare by angle have in common.

use burn::tensor::{IndexingUpdateOp, Int, Tensor};
use facette_graph::{TensorKind, TensorSpec};
use facette_nets::{Init, Knowledge, Parameters};

use crate::batch::Batch;
use crate::error::DistilError;
use crate::normalise::{EPS, rows};
use crate::term::Context;

/// Class weights `[classes, d]`, drawn from N(0, 0.01^2) as insightface does.
pub(crate) struct ClassWeights {
    pub(crate) parameters: Parameters,
    classes: usize,
}

impl ClassWeights {
    /// # Errors
    /// If the data has no labels.
    pub(crate) fn new(owner: &str, context: &Context<'_>) -> Result<Self, DistilError> {
        let classes = context.classes(owner)?;
        let spec = TensorSpec {
            name: "weight".into(),
            shape: vec![classes, context.student.embedding],
            kind: TensorKind::Weight,
        };
        Ok(Self { parameters: context.parameters(owner, vec![spec], Init::Head), classes })
    }

    /// The weights, `[classes, d]`.
    pub(crate) fn weight(&self) -> Tensor<2> {
        self.parameters.at(0).shaped::<2>()
    }

    /// Divides every class weight by its length, for heads whose weights live on the sphere.
    pub(crate) fn put_on_sphere(&mut self) {
        let unit = rows(self.weight(), EPS);
        let parameter = self.parameters.at_mut(0);
        parameter.set(unit.reshape([parameter.spec.len()]));
    }

    /// Embeddings and labels of the batch.
    ///
    /// # Errors
    /// If labels are missing or too large.
    pub(crate) fn inputs(
        &self,
        owner: &str,
        knowledge: &Knowledge,
        batch: &Batch,
    ) -> Result<(Tensor<2>, Tensor<1, Int>), DistilError> {
        let x = knowledge.embedding.clone();
        let labels = batch.labels(owner, x.dims()[0], self.classes)?;
        Ok((x, labels))
    }
}

/// Entries of `scores` `[n, k]` at the labels `[n]`; `[n, 1]`.
pub fn at_labels(scores: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<2> {
    let n = scores.dims()[0];
    scores.gather(1, labels.reshape([n, 1]))
}

/// `scores` `[n, k]` with `delta` `[n, 1]` added at the labels `[n]`.
pub fn add_at_labels(scores: Tensor<2>, labels: Tensor<1, Int>, delta: Tensor<2>) -> Tensor<2> {
    let n = scores.dims()[0];
    scores.scatter(1, labels.reshape([n, 1]), delta, IndexingUpdateOp::Add)
}

/// `sqrt(1 - c^2)` of cosines `c`, with a finite gradient at the poles.
pub(crate) fn sine(cosine: Tensor<2>) -> Tensor<2> {
    let product = cosine.clone().neg().add_scalar(1.0) * cosine.add_scalar(1.0);
    product.clamp_min(1e-12).sqrt()
}
