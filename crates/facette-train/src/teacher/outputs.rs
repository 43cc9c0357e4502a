//! Outputs of a finished teacher for a whole training set.

use burn::tensor::{Device, Tensor, TensorData};
use facette_nets::Knowledge;

/// One row of values per picture: the embedding, then the class scores where there are some.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outputs {
    embedding: usize,
    classes: Option<usize>,
    rows: Vec<f32>,
    device: Device,
}

impl Outputs {
    /// Takes over rows of `embedding + classes` values each; knowledge is put on `device`.
    pub(crate) fn new(
        embedding: usize,
        classes: Option<usize>,
        rows: Vec<f32>,
        device: Device,
    ) -> Self {
        debug_assert!(rows.len().is_multiple_of(embedding + classes.unwrap_or(0)));
        Self { embedding, classes, rows, device }
    }

    /// Length of an embedding.
    pub(crate) fn embedding(&self) -> usize {
        self.embedding
    }

    /// Classes scored.
    pub(crate) fn classes(&self) -> Option<usize> {
        self.classes
    }

    /// Pictures with a row.
    pub(crate) fn len(&self) -> usize {
        self.rows.len() / self.width()
    }

    fn width(&self) -> usize {
        self.embedding + self.classes.unwrap_or(0)
    }

    fn row(&self, index: usize) -> &[f32] {
        &self.rows[index * self.width()..][..self.width()]
    }

    fn part(&self, indices: &[usize], start: usize, length: usize) -> TensorData {
        let values: Vec<f32> =
            indices.iter().flat_map(|&i| &self.row(i)[start..start + length]).copied().collect();
        TensorData::new(values, [indices.len(), length])
    }

    /// The outputs for some pictures.
    pub(crate) fn knowledge(&self, indices: &[usize]) -> Knowledge {
        let embedding = self.part(indices, 0, self.embedding);
        let mut knowledge = Knowledge::from_embedding(Tensor::from_data(embedding, &self.device));
        knowledge.logits = self.classes.map(|classes| {
            Tensor::from_data(self.part(indices, self.embedding, classes), &self.device)
        });
        knowledge
    }

    /// The embeddings of some pictures as pictures of one pixel, `[n, d, 1, 1]`.
    pub(crate) fn vectors(&self, indices: &[usize], device: &Device) -> Tensor<4> {
        let data = self.part(indices, 0, self.embedding);
        Tensor::<2>::from_data(data, device).reshape([indices.len(), self.embedding, 1, 1])
    }
}
