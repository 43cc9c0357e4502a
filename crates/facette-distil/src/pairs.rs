//! Differences and distances between the pictures of a batch.

use burn::tensor::{Bool, Tensor};

/// Squared distances below this count as this, so that roots keep a finite gradient.
const SMALLEST: f64 = 1e-12;

/// `x_j - x_i` for all pairs of rows of `x` `[n, d]`; `[n, n, d]`, first index `i`.
pub fn differences(x: Tensor<2>) -> Tensor<3> {
    let [n, d] = x.dims();
    x.clone().reshape([1, n, d]) - x.reshape([n, 1, d])
}

/// Squared Euclidean distances between all rows of `x` `[n, d]`; `[n, n]`.
///
/// Taken from the differences themselves: `|a|^2 + |b|^2 - 2ab` would leave round-off of about
/// 1e-7 `|a|^2` where rows nearly coincide, which the root turns into 1e-3.
pub fn squared_distances(x: Tensor<2>) -> Tensor<2> {
    let n = x.dims()[0];
    differences(x).square().sum_dim(2).reshape([n, n])
}

/// Euclidean distances between all rows of `x` `[n, d]`, at least 1e-6 off the diagonal and 0 on
/// it; `[n, n]`. Rows that coincide get no gradient from each other.
pub fn distances(x: Tensor<2>) -> Tensor<2> {
    without_diagonal(squared_distances(x).clamp_min(SMALLEST).sqrt())
}

/// `matrix` `[n, n]` with zeros on the diagonal.
pub fn without_diagonal(matrix: Tensor<2>) -> Tensor<2> {
    let [n, m] = matrix.dims();
    // `diag_mask` is false on the diagonal.
    let diagonal = Tensor::<2, Bool>::diag_mask([n, m], 0, &matrix.device()).bool_not();
    matrix.mask_fill(diagonal, 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{device, values};

    #[test]
    fn distances_by_hand_with_a_finite_gradient_at_coinciding_rows() {
        let x = Tensor::<2>::from_floats([[0.0, 0.0], [3.0, 4.0], [3.0, 4.0]], &device());
        let x = x.require_grad();
        let d = distances(x.clone());
        let found = values(&d);
        for (found, expected) in found.iter().zip([0.0, 5.0, 5.0, 5.0, 0.0, 1e-6, 5.0, 1e-6, 0.0]) {
            assert!((found - expected).abs() < 1e-9, "{found} {expected}");
        }
        let grad = values(&x.grad(&d.sum().backward()).unwrap());
        for (found, expected) in grad.iter().zip([-2.4, -3.2, 1.2, 1.6, 1.2, 1.6]) {
            assert!((found - expected).abs() < 1e-6, "{grad:?}");
        }
    }
}
