//! What a card says about bytes: which activations and weights are stored in 8 bits, and what the
//! bytes stand for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::array::{Array, Arrays};
use crate::error::GraphError;
use crate::graph::{Graph, NodeId};

/// An int8 student: weights symmetric with one step a channel, activations asymmetric bytes.
///
/// Weights are whole multiples of their channel's step, from -127 to 127, and are stored as `I8`;
/// in memory they are the `f32` they stand for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Quantisation {
    /// How the ranges were found, in words.
    pub calibration: String,
    /// Nodes whose values are bytes; all others are `f32`.
    pub activations: Vec<ByteCode>,
    /// Of every int8 weight tensor the step of each output channel.
    pub weights: BTreeMap<String, Vec<f32>>,
    /// What the bytes cost in accuracy, where that was measured. Since version 1.2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Gate>,
}

/// Accuracy with and without bytes, measured on the same pairs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// Protocol and its list, e.g. `lfw (pairs.txt)`.
    pub protocol: String,
    /// Side of the pictures in pixels.
    pub size: usize,
    /// Accuracy of the float student that the bytes were made from, 0 to 1.
    pub float: f64,
    /// Accuracy of the bytes, 0 to 1.
    pub int8: f64,
    /// How much lower the bytes may be, 0 to 1.
    pub allowed: f64,
}

impl Gate {
    /// Whether the bytes lose no more than is allowed.
    pub fn passed(&self) -> bool {
        // Accuracies are counts over counts, whose difference is a little off in floats.
        self.float - self.int8 <= self.allowed + 1e-9
    }
}

/// What a node's bytes stand for: `scale * (byte - zero)`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ByteCode {
    /// The node.
    pub node: NodeId,
    /// Step from one byte to the next.
    pub scale: f32,
    /// The byte that stands for 0.
    pub zero: u8,
}

impl Quantisation {
    pub(crate) fn check(&self, graph: &Graph) -> Result<(), GraphError> {
        let refuse = |field: &str, problem: String| {
            Err(GraphError::card(format!("quantisation.{field}"), problem))
        };
        let step = |step: f32| step > 0.0 && step.is_normal() && step.recip().is_normal();
        let mut before = 0;
        for code in &self.activations {
            if code.node <= before || code.node >= graph.nodes.len() {
                let problem = format!("nodes rise from 1 to {}, found {code:?}", graph.nodes.len());
                return refuse("activations", problem);
            }
            if !step(code.scale) {
                return refuse("activations", format!("needs a positive scale, found {code:?}"));
            }
            before = code.node;
        }
        let specs = graph.tensors();
        for (name, steps) in &self.weights {
            let spec = specs.iter().find(|spec| spec.name == *name && spec.shape.len() > 1);
            let Some(spec) = spec else {
                return refuse("weights", format!("{name:?} is no weight of the graph"));
            };
            if steps.len() != spec.shape[0] || steps.iter().any(|&s| !step(s)) {
                let problem = format!("{name:?} needs {} positive steps", spec.shape[0]);
                return refuse("weights", problem);
            }
        }
        if let Some(gate) = &self.gate {
            let shares = [gate.float, gate.int8, gate.allowed];
            let possible = shares.iter().all(|share| (0.0..=1.0).contains(share));
            if !possible || gate.protocol.is_empty() || gate.size == 0 {
                return refuse("gate", format!("impossible: {gate:?}"));
            }
        }
        Ok(())
    }

    /// Whether it was measured that the bytes may stand for the floats.
    pub fn is_trusted(&self) -> bool {
        self.gate.as_ref().is_some_and(Gate::passed)
    }

    /// The integers of a weight tensor that [`Quantisation::weights`] names.
    ///
    /// # Errors
    /// If a weight is no whole multiple of its step, or not within 127 steps.
    pub fn integers(&self, name: &str, array: &Array) -> Result<Vec<i8>, GraphError> {
        let steps = self.weights.get(name).map_or(&[][..], Vec::as_slice);
        let row = (array.values.len() / steps.len().max(1)).max(1);
        let mut integers = Vec::with_capacity(array.values.len());
        for (i, values) in array.values.chunks(row).enumerate() {
            let step = steps.get(i).copied().unwrap_or(f32::NAN);
            let mut whole = true;
            integers.extend(values.iter().map(|&value| {
                // To the nearest: what is cut off is half a step too much. NaN becomes 0.
                let steps = value / step;
                let integer = (steps + 0.5_f32.copysign(steps)) as i8;
                whole &= f32::from(integer) * step == value && integer != i8::MIN;
                integer
            }));
            if !whole {
                let wrong = |(at, value): &(usize, &f32)| {
                    f32::from(integers[i * row + at]) * step != **value
                        || integers[i * row + at] == i8::MIN
                };
                let found = values.iter().enumerate().find(wrong);
                let found = found.map(|(at, value)| format!("{value} at {}", i * row + at));
                return Err(GraphError::Tensor {
                    name: name.to_owned(),
                    expected: format!("whole multiples of {step}, at most 127"),
                    found: found.unwrap_or_default(),
                    remedy: "quantise the student anew",
                });
            }
        }
        Ok(integers)
    }

    /// Turns the integers that were read into the weights they stand for.
    pub(crate) fn expand(&self, arrays: &mut Arrays) {
        for (name, steps) in &self.weights {
            if let Some(array) = arrays.get_mut(name) {
                let row = (array.values.len() / steps.len()).max(1);
                for (values, step) in array.values.chunks_mut(row).zip(steps) {
                    values.iter_mut().for_each(|value| *value *= step);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantisation(steps: &[f32]) -> Quantisation {
        let weights = BTreeMap::from([("w".to_owned(), steps.to_vec())]);
        Quantisation { calibration: String::new(), activations: Vec::new(), weights, gate: None }
    }

    #[test]
    fn integers_are_found_again_and_nothing_else_is() {
        let steps = [0.1, 0.003_217];
        let whole: Vec<i8> = (-127..=127).chain((-127..=127).rev()).collect();
        let values = whole.iter().enumerate().map(|(i, &w)| f32::from(w) * steps[i / 255]);
        let mut array = Array { shape: vec![2, 255], values: values.collect() };
        assert_eq!(quantisation(&steps).integers("w", &array).unwrap(), whole);
        for wrong in [0.35, 12.8, -12.8, 1e30, f32::NAN, 0.100_000_01] {
            array.values[130] = wrong;
            let error = quantisation(&steps).integers("w", &array).unwrap_err().to_string();
            assert!(
                error.contains("whole multiples of 0.1") && error.contains("at 130"),
                "{error}"
            );
        }
        assert!(quantisation(&steps).integers("x", &array).is_err());
    }

    #[test]
    fn gates_allow_what_they_say() {
        let gate =
            |float, int8| Gate { protocol: "lfw".into(), size: 16, float, int8, allowed: 0.003 };
        assert!(gate(0.923, 0.92).passed() && gate(0.9, 0.95).passed());
        assert!(!gate(0.923, 0.9199).passed());
        let trusted = |gate| Quantisation { gate, ..quantisation(&[]) }.is_trusted();
        assert!(trusted(Some(gate(0.9, 0.9))) && !trusted(Some(gate(0.9, 0.8))) && !trusted(None));
    }
}
