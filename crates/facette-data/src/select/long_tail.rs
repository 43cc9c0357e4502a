//! Classes of very unequal size.

use crate::{DataError, Dataset};

impl Dataset {
    /// A long-tailed part of the data set: class `c` of `C` keeps
    /// `n_max * ratio^(-c / (C - 1))` of its pictures, rounded down, at least one, where `n_max`
    /// is the size of the largest class; drawn from the stream `select/long-tail`.
    ///
    /// Cui et al., "Class-Balanced Loss Based on Effective Number of Samples", CVPR 2019, section
    /// 5.1, whose imbalance factor `ratio` is.
    ///
    /// # Errors
    /// [`DataError::Selection`] if the ratio is not a number of at least 1.
    pub fn long_tail(&self, ratio: f64, seed: u64) -> Result<Self, DataError> {
        if !(ratio >= 1.0 && ratio.is_finite()) {
            let problem = format!("a long tail of ratio {ratio}; expected 1 or more");
            return Err(DataError::selection(problem));
        }
        let largest = self.by_class().iter().map(Vec::len).max().unwrap_or(0) as f64;
        let last = (self.classes().len().max(2) - 1) as f64;
        self.draw_per_class("select/long-tail", seed, |label, count| {
            let wanted = largest * ratio.powf(-(label as f64) / last);
            // Powers of round ratios fall a rounding error short of whole numbers.
            count.min(((wanted + 1e-9).floor() as usize).max(1))
        })
    }
}
