//! Protocols, metrics, figures and reports: how good is a model, and how sure are we?

pub mod conventions;
mod error;
pub mod metrics;
mod outputs;
mod registry;
mod verification;

pub use error::EvalError;
pub use outputs::Outputs;
pub use verification::{FoldedAccuracy, VerificationSet};
