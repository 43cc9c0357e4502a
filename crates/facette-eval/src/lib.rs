//! Protocols, metrics, figures and reports: how good is a model, and how sure are we?
//!
//! Anything that turns pictures into rows of numbers is an [`Embedder`]. A [protocol](protocols)
//! shows it pictures and gives a [`Judgement`]; [figures] draw what it rests on; a [report] puts
//! both on one page.

mod atomic;
pub mod conventions;
mod embedder;
mod embedding;
mod error;
pub mod figures;
mod judgement;
pub mod metrics;
mod named_values;
mod outputs;
pub mod protocols;
mod registry;
pub mod report;
mod sizes;
pub mod table;
mod verification;

pub use embedder::{Embedder, ModelInfo};
pub use embedding::Flip;
pub use error::EvalError;
pub use judgement::{
    Classification, Evidence, Identification, Judged, Judgement, LeftOut, Outcome, PairEvidence,
    Tpir, Verification, VerificationScores,
};
pub use named_values::NamedValues;
pub use outputs::Outputs;
pub use sizes::Sizes;
pub use verification::{FoldedAccuracy, VerificationSet};
