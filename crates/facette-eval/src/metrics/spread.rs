//! Mean and spread of a measure over folds, seeds or classes.

/// Arithmetic mean; NaN for an empty slice.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Population standard deviation (divides by `n`), as the verification protocols report it over
/// folds (`numpy.std`).
pub fn population_std(values: &[f64]) -> f64 {
    let mean = mean(values);
    (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt()
}

/// Sample standard deviation (divides by `n - 1`), for runs that differ in their seed; 0 for one
/// value.
pub fn sample_std(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let mean = mean(values);
    (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        let values = [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0];
        assert_eq!(mean(&values), 5.0);
        assert_eq!(population_std(&values), 2.0);
        assert!((sample_std(&values) - (32.0f64 / 7.0).sqrt()).abs() < 1e-15);
        assert_eq!(sample_std(&[3.0]), 0.0);
    }
}
