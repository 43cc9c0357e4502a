//! Anything that turns pictures into rows of numbers.

use std::error::Error;

use facette_image::View;
use serde::{Deserialize, Serialize};

/// A model under judgement: a network in training, a student file, an ONNX model. Its rows are
/// embeddings, or logits where a protocol asks for a classifier.
pub trait Embedder: Send {
    /// How the model wants to see a picture; only the test-time part of the view is used.
    fn input(&self) -> &View;

    /// Numbers in a row: embedding dimensions, or classes.
    fn dim(&self) -> usize;

    /// The rows of `count` pictures: `planes` holds `count x channels x height x width` values in
    /// this order, as [`input`](Self::input) makes them; `count x dim` values come back. Rows are
    /// as the model gives them: not normalised, not averaged with a mirror image.
    ///
    /// # Errors
    /// Whatever stops the model; a wrong number of values is found by the caller.
    fn embed(
        &mut self,
        planes: &[f32],
        count: usize,
    ) -> Result<Vec<f32>, Box<dyn Error + Send + Sync>>;
}

/// What a result says about the model it belongs to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// Its name in tables and figures.
    pub name: String,
    /// Digest of its file, in hexadecimal; empty for a model that is in no file.
    pub digest: String,
    /// Number of parameters, where known.
    pub parameters: Option<u64>,
    /// What it computes in, `f32` or `int8`, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<String>,
}
