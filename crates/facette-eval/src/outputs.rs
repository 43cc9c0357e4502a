//! What a model gave for a list of pictures.

use crate::EvalError;
use crate::metrics::distance::norm;

/// One row of `width` finite numbers for every picture: embeddings, or logits.
#[derive(Debug, Clone, PartialEq)]
pub struct Outputs {
    values: Vec<f32>,
    width: usize,
}

impl Outputs {
    /// Rows of `width` numbers, one after the other.
    ///
    /// Fails where `width` is 0, the length is not a multiple of it, or a number is not finite.
    pub fn new(values: Vec<f32>, width: usize) -> Result<Self, EvalError> {
        if width == 0 || !values.len().is_multiple_of(width) {
            return Err(EvalError::Shape {
                what: "model outputs".into(),
                expected: format!("a multiple of the row width {width}"),
                found: format!("{} values", values.len()),
            });
        }
        if let Some(i) = values.iter().position(|v| !v.is_finite()) {
            return Err(EvalError::NotFinite {
                what: "model outputs".into(),
                row: i / width,
                value: f64::from(values[i]),
            });
        }
        Ok(Self { values, width })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.values.len() / self.width
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Numbers in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Row `i`.
    pub fn row(&self, i: usize) -> &[f32] {
        &self.values[i * self.width..(i + 1) * self.width]
    }

    /// All rows in order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.values.chunks_exact(self.width)
    }

    /// The rows with these indices, in this order; an index may come twice.
    pub fn select(&self, indices: impl IntoIterator<Item = usize>) -> Self {
        let values = indices.into_iter().flat_map(|i| self.row(i)).copied().collect();
        Self { values, width: self.width }
    }

    /// Every row divided by its Euclidean length. A zero row stays zero
    /// (`sklearn.preprocessing.normalize`).
    pub fn normalised(&self) -> Self {
        let mut values = self.values.clone();
        for row in values.chunks_exact_mut(self.width) {
            let length = norm(row);
            if length > 0.0 {
                row.iter_mut().for_each(|v| *v = (f64::from(*v) / length) as f32);
            }
        }
        Self { values, width: self.width }
    }

    /// Fails where `labels` are not one per row.
    pub(crate) fn expect_rows(&self, what: &str, labels: usize) -> Result<(), EvalError> {
        if labels == self.len() {
            return Ok(());
        }
        Err(EvalError::Shape {
            what: what.into(),
            expected: format!("one label for each of {} rows", self.len()),
            found: labels.to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_their_lengths() {
        let outputs = Outputs::new(vec![3.0, 4.0, 0.0, 0.0], 2).unwrap();
        assert_eq!(outputs.len(), 2);
        assert_eq!(outputs.normalised().row(0), [0.6, 0.8]);
        assert_eq!(outputs.normalised().row(1), [0.0, 0.0]);
        assert_eq!(outputs.select([1, 0, 0]).len(), 3);
    }

    #[test]
    fn impossible_outputs_are_refused() {
        assert!(Outputs::new(vec![1.0; 3], 2).is_err());
        assert!(Outputs::new(vec![], 0).is_err());
        let error = Outputs::new(vec![1.0, 2.0, 3.0, f32::NAN], 2).unwrap_err();
        assert!(error.to_string().contains("row 1"), "{error}");
    }
}
