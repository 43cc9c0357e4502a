//! A moving average of the weights, which is judged and saved in their place.

use burn::tensor::{Tensor, TensorData};
use facette_nets::{Network, Parameters, read};
use serde::{Deserialize, Serialize};

use crate::error::TrainError;

/// How far back the average reaches.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AverageSettings {
    /// Share of the average that is kept at every step.
    pub decay: f64,
    /// Whether young averages forget faster, `min(decay, (1 + t) / (10 + t))`, so that the first
    /// random weights do not linger.
    pub warm_up: bool,
}

impl Default for AverageSettings {
    fn default() -> Self {
        Self { decay: 0.999, warm_up: true }
    }
}

/// Exponential moving average over everything a network owns, running statistics included.
#[derive(Debug, Clone)]
pub struct Average {
    settings: AverageSettings,
    updates: u64,
    values: Vec<Vec<f32>>,
}

impl Average {
    /// An average that starts at the network's present weights.
    ///
    /// # Errors
    /// If the device cannot be read.
    pub fn new(settings: AverageSettings, parameters: &Parameters) -> Result<Self, TrainError> {
        Ok(Self { settings, updates: 0, values: host(parameters)? })
    }

    /// Moves towards the present weights.
    ///
    /// # Errors
    /// If the device cannot be read.
    pub fn update(&mut self, parameters: &Parameters) -> Result<(), TrainError> {
        let t = self.updates as f64;
        let decay = match self.settings.warm_up {
            true => self.settings.decay.min((1.0 + t) / (10.0 + t)),
            false => self.settings.decay,
        };
        self.updates += 1;
        let fresh = (1.0 - decay) as f32;
        for (average, now) in self.values.iter_mut().zip(host(parameters)?) {
            for (a, w) in average.iter_mut().zip(now) {
                *a += fresh * (w - *a);
            }
        }
        Ok(())
    }

    /// Steps taken and values, in the order of the parameters.
    pub fn state(&self) -> (u64, &[Vec<f32>]) {
        (self.updates, &self.values)
    }

    /// Takes up an earlier state.
    pub fn resume(&mut self, updates: u64, values: Vec<Vec<f32>>) {
        self.updates = updates;
        self.values = values;
    }

    /// A copy of `network` for judging, with the averaged weights.
    pub fn applied(&self, network: &Network) -> Network {
        let mut copy = network.frozen();
        for (parameter, values) in copy.parameters_mut().iter_mut().zip(&self.values) {
            let device = parameter.value.device();
            let data = TensorData::new(values.clone(), [values.len()]);
            parameter.set(Tensor::from_data(data, &device));
        }
        copy
    }
}

fn host(parameters: &Parameters) -> Result<Vec<Vec<f32>>, TrainError> {
    parameters.iter().map(|p| Ok(read(&p.spec.name, &p.value)?)).collect()
}
