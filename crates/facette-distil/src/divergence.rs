//! How far two sets of class scores are apart.

use burn::tensor::{Tensor, activation};

/// `mean_n sum_k p_t (log p_t - log p_s)` with `p = softmax(z / temperature)`, without the factor
/// `temperature^2`, `[1]`. Both `[n, k]`; gradient flows to both sides.
///
/// Both logarithms come from log-softmax, so a probability that underflows adds exactly 0.
pub fn kl(student: Tensor<2>, target: Tensor<2>, temperature: f64) -> Tensor<1> {
    let n = student.dims()[0] as f64;
    let log_s = activation::log_softmax(student.div_scalar(temperature), 1);
    let log_t = activation::log_softmax(target.div_scalar(temperature), 1);
    (log_t.clone().exp() * (log_t - log_s)).sum().div_scalar(n)
}

/// As [`kl`], with `FLOOR` added to the target's probabilities, which are not made to sum to 1
/// again: the form of ONE's and OKDDip's code.
pub fn kl_floored(student: Tensor<2>, target: Tensor<2>, temperature: f64) -> Tensor<1> {
    let n = student.dims()[0] as f64;
    let log_s = activation::log_softmax(student.div_scalar(temperature), 1);
    let q = activation::softmax(target.div_scalar(temperature), 1).add_scalar(FLOOR);
    (q.clone() * (q.log() - log_s)).sum().div_scalar(n)
}

/// What [`kl_floored`] adds to every probability of the target.
const FLOOR: f64 = 1e-7;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{device, scalar};

    #[test]
    fn a_floor_changes_little() {
        let s = Tensor::<2>::from_floats([[1.0, -1.0, 0.5]], &device());
        let t = Tensor::<2>::from_floats([[0.2, 3.0, 0.0]], &device());
        let (plain, floored) = (kl(s.clone(), t.clone(), 3.0), kl_floored(s, t, 3.0));
        assert!((scalar(&plain) - scalar(&floored)).abs() < 2e-6);
    }

    #[test]
    fn extreme_scores_stay_finite() {
        let s = Tensor::<2>::from_floats([[1e4, -1e4]], &device());
        let t = Tensor::<2>::from_floats([[-1e4, 1e4]], &device());
        assert_eq!(scalar(&kl(s.clone(), t, 1.0)), 2e4);
        assert_eq!(scalar(&kl(s.clone(), s, 1.0)), 0.0);
    }
}
