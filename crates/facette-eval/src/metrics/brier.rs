//! Brier score of a classifier.

use super::softmax::softmax;
use super::top_k::check_labels;
use crate::{EvalError, Outputs};

/// Squared distance between the predicted probabilities and the one-hot truth, summed over the
/// classes and averaged over the rows: 0 (certain and right) to 2 (certain and wrong). Fails as
/// [`label_ranks`](super::top_k::label_ranks) does.
pub fn brier(logits: &Outputs, labels: &[usize]) -> Result<f64, EvalError> {
    check_labels(logits, labels)?;
    let score = |(row, &label): (&[f32], &usize)| -> f64 {
        let truth = |class| if class == label { 1.0 } else { 0.0 };
        softmax(row).iter().enumerate().map(|(class, p)| (p - truth(class)).powi(2)).sum()
    };
    Ok(logits.rows().zip(labels).map(score).sum::<f64>() / labels.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds() {
        let sure = Outputs::new(vec![100.0, 0.0], 2).unwrap();
        assert!(brier(&sure, &[0]).unwrap() < 1e-9);
        assert!((brier(&sure, &[1]).unwrap() - 2.0).abs() < 1e-9);
        let even = Outputs::new(vec![0.0, 0.0], 2).unwrap();
        assert!((brier(&even, &[1]).unwrap() - 0.5).abs() < 1e-12);
    }
}
