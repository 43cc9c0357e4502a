//! Few pictures of every identity.

use crate::{DataError, Dataset};

impl Dataset {
    /// At most `most` pictures of every identity, drawn from the stream `select/most`.
    ///
    /// # Errors
    /// [`DataError::Selection`] if `most` is 0.
    pub fn at_most_per_identity(&self, most: usize, seed: u64) -> Result<Self, DataError> {
        if most == 0 {
            return Err(DataError::selection("at most 0 pictures of every identity is none"));
        }
        self.draw_per_class("select/most", seed, |_, count| count.min(most))
    }

    /// The share `share` of the pictures of every identity, rounded, at least one, drawn from the
    /// stream `select/share`.
    ///
    /// # Errors
    /// [`DataError::Selection`] if the share is not above 0 and at most 1.
    pub fn share_of_each_identity(&self, share: f64, seed: u64) -> Result<Self, DataError> {
        if !(share > 0.0 && share <= 1.0) {
            let problem = format!("a share of {share}; expected above 0 and at most 1");
            return Err(DataError::selection(problem));
        }
        self.draw_per_class("select/share", seed, |_, count| {
            ((count as f64 * share).round() as usize).max(1)
        })
    }
}
