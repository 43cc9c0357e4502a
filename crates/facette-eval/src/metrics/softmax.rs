//! Class probabilities and the cross entropy of a classifier.

use super::top_k::check_labels;
use crate::{EvalError, Outputs};

/// `exp(z_i) / sum exp(z)`, computed without overflow.
pub fn softmax(logits: &[f32]) -> Vec<f64> {
    let log_sum = log_sum_exp(logits);
    logits.iter().map(|&z| (f64::from(z) - log_sum).exp()).collect()
}

/// Mean cross entropy in nats: `-log softmax(z)_y` averaged over the rows. Fails as
/// [`label_ranks`](super::top_k::label_ranks) does.
pub fn negative_log_likelihood(logits: &Outputs, labels: &[usize]) -> Result<f64, EvalError> {
    check_labels(logits, labels)?;
    let loss = |(row, &label): (&[f32], &usize)| log_sum_exp(row) - f64::from(row[label]);
    Ok(logits.rows().zip(labels).map(loss).sum::<f64>() / labels.len() as f64)
}

fn log_sum_exp(logits: &[f32]) -> f64 {
    let largest = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    largest + logits.iter().map(|&z| (f64::from(z) - largest).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extreme_logits_do_not_overflow() {
        let p = softmax(&[1e30, 0.0, -1e30]);
        assert_eq!(p, [1.0, 0.0, 0.0]);
        let even = Outputs::new(vec![5.0; 4], 4).unwrap();
        let nll = negative_log_likelihood(&even, &[2]).unwrap();
        assert!((nll - 4.0f64.ln()).abs() < 1e-12);
    }
}
