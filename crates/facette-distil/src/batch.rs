//! What terms know of a batch besides the knowledge of the streams.

use burn::tensor::{Int, Tensor};

/// What terms know of a batch of `n` pictures besides the knowledge of the streams.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Class of every picture, `[n]`, `0..classes`; empty where the data has no labels.
    pub labels: Vec<usize>,
    /// The same on the streams' device.
    pub labels_tensor: Tensor<1, Int>,
    /// Place of every picture in the training set, `[n]`; keys of memory banks.
    pub indices: Vec<usize>,
    /// Share of the stage's steps already done, `0..1`.
    pub progress: f64,
    /// Epoch of the stage, from 0.
    pub epoch: usize,
    /// Step of the stage, from 0; index of random streams.
    pub step: u64,
}
