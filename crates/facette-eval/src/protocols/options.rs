//! How a protocol is run.

use facette_data::Split;
use serde::{Deserialize, Serialize};

use crate::conventions::CONVENTIONS;
use crate::embedding::Flip;
use crate::{EvalError, Sizes};

/// Options of all protocols; each reads those that concern it, as stated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProtocolOptions {
    /// Sides of the pictures shown; the model's own input size where left out. All protocols
    /// (classification uses the second).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<Sizes>,
    /// What is done with mirror images. All protocols.
    pub flip: Flip,
    /// How thresholds are chosen: a name of [`CONVENTIONS`]. `lfw`.
    pub convention: String,
    /// False accept rates at which true accept rates are reported, within 0..=1. `lfw`.
    pub far: Vec<f64>,
    /// Ranks reported, from 1. `identification`, `closed-set`.
    pub ranks: Vec<usize>,
    /// False positive identification rates of the open set, within 0..=1. `identification`.
    pub fpir: Vec<f64>,
    /// Pictures of an identity that go into the gallery. `identification`.
    pub gallery: usize,
    /// Share of identities kept out of the gallery, whose pictures are strangers, within 0..1.
    /// `identification`.
    pub strangers: f64,
    /// How many identities are drawn, how large each must be, and how many pictures of them are used.
    /// `closed-set`.
    pub closed_set: ClosedSet,
    /// Only the pictures that a split holds out, as a recipe's `data.split` does. `classification`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_out: Option<Split>,
    /// Seed of random splits. `identification`, `closed-set`.
    pub seed: u64,
    /// How many missing or unreadable pictures are left out instead of being an error. All.
    pub allow_bad: usize,
    /// Pictures given to the model at once. All.
    pub batch: usize,
}

/// The numbers of a closed set of identities, each with pictures to learn who it is from and pictures
/// to be asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClosedSet {
    /// Identities.
    pub identities: usize,
    /// Only identities with at least so many pictures are drawn.
    pub least: usize,
    /// Pictures of them that are used at all.
    pub pictures: usize,
    /// Of those, pictures that are asked about.
    pub probes: usize,
}

impl Default for ClosedSet {
    /// UCCS's: 180 identities, 4,825 pictures, 907 of them to be asked about; from identities of at
    /// least 27 pictures.
    fn default() -> Self {
        Self { identities: 180, least: 27, pictures: 4825, probes: 907 }
    }
}

impl Default for ProtocolOptions {
    /// The model's own size, mirror images summed, InsightFace's thresholds, FAR 1e-1 to 1e-3, ranks
    /// 1, 5 and 20, FPIR 0.01, 0.1 and 0.3, one gallery picture each, no strangers, nothing bad
    /// allowed, batches of 128.
    fn default() -> Self {
        Self {
            size: None,
            flip: Flip::Sum,
            convention: CONVENTIONS[0].name().into(),
            far: vec![1e-1, 1e-2, 1e-3],
            ranks: vec![1, 5, 20],
            fpir: vec![0.01, 0.1, 0.3],
            gallery: 1,
            strangers: 0.0,
            closed_set: ClosedSet::default(),
            held_out: None,
            seed: 1,
            allow_bad: 0,
            batch: 128,
        }
    }
}

impl ProtocolOptions {
    /// Refuses impossible values, naming the option.
    ///
    /// # Errors
    /// [`EvalError::Option`] or, for a convention that does not exist, [`EvalError::Unknown`].
    pub fn check(&self) -> Result<(), EvalError> {
        let refuse = |option: &str, value: String, expected: &str| {
            Err(EvalError::Option { option: option.into(), value, expected: expected.into() })
        };
        crate::conventions::convention(&self.convention)?;
        for (option, rates) in [("far", &self.far), ("fpir", &self.fpir)] {
            if let Some(rate) = rates.iter().find(|rate| !(0.0..=1.0).contains(*rate)) {
                return refuse(option, rate.to_string(), "rates within 0 to 1");
            }
        }
        if self.ranks.contains(&0) {
            return refuse("ranks", "0".into(), "ranks from 1");
        }
        if self.gallery == 0 {
            return refuse("gallery", "0".into(), "at least one picture of an identity");
        }
        if !(0.0..1.0).contains(&self.strangers) {
            return refuse("strangers", self.strangers.to_string(), "a share from 0 to below 1");
        }
        if self.batch == 0 {
            return refuse("batch", "0".into(), "at least 1");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_values_are_named() {
        assert!(ProtocolOptions::default().check().is_ok());
        let cases = [
            (r#"{"far": [2.0]}"#, "far = 2"),
            (r#"{"fpir": [-0.5]}"#, "fpir = -0.5"),
            (r#"{"ranks": [0]}"#, "ranks = 0"),
            (r#"{"gallery": 0}"#, "gallery = 0"),
            (r#"{"strangers": 1.0}"#, "strangers = 1"),
            (r#"{"batch": 0}"#, "batch = 0"),
            (r#"{"convention": "insightfase"}"#, "did you mean 'insightface'?"),
        ];
        for (text, expected) in cases {
            let options: ProtocolOptions = serde_json::from_str(text).unwrap();
            let message = options.check().unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
        assert!(serde_json::from_str::<ProtocolOptions>(r#"{"flipp": "sum"}"#).is_err());
        assert!(serde_json::from_str::<ProtocolOptions>(r#"{"size": 0}"#).is_err());
    }
}
