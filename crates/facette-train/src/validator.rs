//! How a student is judged while it learns. The judging itself is done elsewhere.

use std::collections::BTreeMap;

use facette_image::View;
use facette_nets::Network;

/// A judgement.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// What checkpoints are compared by; higher is better.
    pub score: f64,
    /// Everything that was measured, by name.
    pub figures: BTreeMap<String, f64>,
}

/// Judges a student on data that it does not learn from.
pub trait Validator {
    /// Judges `student` (frozen, as it would be saved), which is shown pictures through `view`.
    /// The same student must get the same judgement.
    ///
    /// # Errors
    /// Whatever the protocol says; it ends the run.
    fn judge(
        &mut self,
        student: &Network,
        view: &View,
    ) -> Result<Judgement, Box<dyn std::error::Error + Send + Sync>>;
}
