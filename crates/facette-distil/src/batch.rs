//! What terms know of a batch besides the knowledge of the streams.

use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::error::DistilError;
use crate::mix::Mix;

/// What terms know of a batch of `n` pictures besides the knowledge of the streams.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Class of every picture, `[n]`, `0..classes`; empty where the data has no labels.
    pub labels: Vec<usize>,
    /// The same on the streams' device.
    pub labels_tensor: Tensor<1, Int>,
    /// Domain of every picture, `[n]`, a place in [`crate::Context::domains`]; empty where the data has none.
    pub domains: Vec<usize>,
    /// Place of every picture in the training set, `[n]`; keys of memory banks.
    pub indices: Vec<usize>,
    /// Share of the stage's steps already done, `0..1`.
    pub progress: f64,
    /// Epoch of the stage, from 0.
    pub epoch: usize,
    /// Step of the stage, from 0; index of random streams.
    pub step: u64,
    /// How the pictures were mixed, where the method asks for that ([`crate::MethodSpec::mixes`]).
    pub mix: Option<Mix>,
}

impl Batch {
    /// The first batch of a stage. `labels` is empty where the data has none.
    pub fn first(labels: Vec<usize>, indices: Vec<usize>, device: &Device) -> Self {
        let values: Vec<i64> = labels.iter().map(|&label| label as i64).collect();
        let labels_tensor = Tensor::from_data(TensorData::new(values, [labels.len()]), device);
        let domains = Vec::new();
        Self {
            labels,
            labels_tensor,
            domains,
            indices,
            progress: 0.0,
            epoch: 0,
            step: 0,
            mix: None,
        }
    }

    /// Places of the pictures of the domains `wanted`.
    pub fn places_in(&self, wanted: &[usize]) -> Vec<usize> {
        let of = |place: &usize| wanted.contains(&self.domains[*place]);
        (0..self.domains.len()).filter(of).collect()
    }

    /// The pictures at `places`; mixtures are left behind.
    pub fn select(&self, places: &[usize]) -> Self {
        let of = |list: &[usize]| match list.is_empty() {
            true => Vec::new(),
            false => places.iter().map(|&place| list[place]).collect(),
        };
        let device = self.labels_tensor.device();
        let part = Self::first(of(&self.labels), of(&self.indices), &device);
        let Self { progress, epoch, step, .. } = *self;
        Self { domains: of(&self.domains), progress, epoch, step, ..part }
    }

    /// Labels of `count` pictures, all below `classes`, `[n]`.
    ///
    /// # Errors
    /// If the batch has no labels, or one that is not below `classes`.
    pub fn labels(
        &self,
        owner: &str,
        count: usize,
        classes: usize,
    ) -> Result<Tensor<1, Int>, DistilError> {
        let need = |found: String, remedy: &str| DistilError::Need {
            owner: owner.to_owned(),
            need: format!("{count} labels below {classes}"),
            found,
            remedy: remedy.to_owned(),
        };
        if self.labels.len() != count {
            let found = format!("{} labels", self.labels.len());
            return Err(need(found, "use labelled data, or set the weight of this term to 0"));
        }
        match self.labels.iter().find(|&&label| label >= classes) {
            None => Ok(self.labels_tensor.clone()),
            Some(label) => {
                Err(need(format!("label {label}"), "check the classes the data says it has"))
            }
        }
    }
}
