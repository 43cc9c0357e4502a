//! Expected calibration error of a classifier.

use super::softmax::softmax;
use super::top_k::label_ranks;
use crate::{EvalError, Outputs};

/// `sum over bins of share * |accuracy - mean confidence|`, with `bins` equal bins `(lo, hi]` over
/// (0, 1] and the largest softmax probability as confidence. 0..1.
///
/// Source: Guo et al. 2017, in the form of gpleiss/temperature_scaling `_ECELoss`. Fails as
/// [`label_ranks`] does, or where `bins` is 0.
pub fn expected_calibration_error(
    logits: &Outputs,
    labels: &[usize],
    bins: usize,
) -> Result<f64, EvalError> {
    if bins == 0 {
        return Err(EvalError::Option {
            option: "bins".into(),
            value: "0".into(),
            expected: "at least 1".into(),
        });
    }
    let ranks = label_ranks(logits, labels)?;
    // Per bin: right answers less the sum of confidences. The share and the mean cancel.
    let mut gaps = vec![0.0; bins];
    for (row, rank) in logits.rows().zip(&ranks) {
        let confidence = softmax(row).into_iter().fold(0.0, f64::max);
        let bin = ((confidence * bins as f64).ceil() as usize).clamp(1, bins) - 1;
        gaps[bin] += f64::from(u8::from(*rank == 0)) - confidence;
    }
    Ok(gaps.iter().map(|gap: &f64| gap.abs()).sum::<f64>() / labels.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overconfident_and_right() {
        // Two rows with confidence 0.5 (right, by the lower class) and one with nearly 1 (wrong).
        let logits = Outputs::new(vec![0.0, 0.0, 0.0, 0.0, 50.0, 0.0], 2).unwrap();
        let ece = expected_calibration_error(&logits, &[0, 0, 1], 10).unwrap();
        assert!((ece - (1.0 + 1.0) / 3.0).abs() < 1e-9, "{ece}");
        assert!(expected_calibration_error(&logits, &[0, 0, 1], 0).is_err());
    }
}
