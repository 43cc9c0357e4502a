//! Protocols: what is asked of a model, on which pictures, and how the answers are counted.

mod classification;
mod closed_set;
mod identification;
mod images;
mod lfw;
mod options;
mod split;

pub use images::Images;
pub use lfw::VerificationTrial;
pub use options::{ClosedSet, ProtocolOptions};

use std::path::PathBuf;

use facette_data::Report;

use crate::registry::{Named, find};
use crate::{Embedder, EvalError, Judged, ModelInfo};

/// One protocol.
pub trait ProtocolSpec: Sync {
    /// Its name in recipes, flags and results.
    fn name(&self) -> &'static str;
    /// What it measures and by whose rule, in a sentence or two.
    fn about(&self) -> &'static str;
    /// Whether it needs a list of pairs.
    fn needs_pairs(&self) -> bool {
        false
    }
    /// Whether the model's rows must be logits; otherwise they are embeddings.
    fn needs_logits(&self) -> bool {
        false
    }
    /// Shows the model the pictures and counts. `report` is told how far it is.
    ///
    /// # Errors
    /// If pictures or pairs cannot be read, an option is impossible, or the model fails.
    fn judge(
        &self,
        subject: Subject<'_>,
        request: &Request,
        report: Report<'_>,
    ) -> Result<Judged, EvalError>;
}

/// The model under judgement.
pub struct Subject<'a> {
    /// What computes.
    pub embedder: &'a mut dyn Embedder,
    /// What results say about it.
    pub info: ModelInfo,
}

/// Where the pictures are and how the protocol is to be run.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The pictures.
    pub images: Images,
    /// The list of pairs, for protocols that need one.
    pub pairs: Option<PathBuf>,
    /// Everything else.
    pub options: ProtocolOptions,
}

/// All protocols.
pub const PROTOCOLS: &[&dyn ProtocolSpec] =
    &[&lfw::Lfw, &identification::Identify, &closed_set::Closed, &classification::Classify];

impl Named for dyn ProtocolSpec {
    fn name(&self) -> &'static str {
        ProtocolSpec::name(self)
    }
}

/// The protocol called `name`; fails with the known names and the nearest of them.
pub fn protocol(name: &str) -> Result<&'static dyn ProtocolSpec, EvalError> {
    find("protocol", PROTOCOLS, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_misspelt_ones_are_guessed() {
        for (place, spec) in PROTOCOLS.iter().enumerate() {
            assert!(PROTOCOLS[..place].iter().all(|other| other.name() != spec.name()));
            assert!(!spec.about().is_empty());
            assert_eq!(protocol(spec.name()).unwrap().name(), spec.name());
        }
        let message = protocol("identifcation").err().unwrap().to_string();
        assert!(message.contains("did you mean 'identification'?"), "{message}");
        assert!(protocol("zzz").err().unwrap().to_string().contains("known: lfw, "));
    }
}
