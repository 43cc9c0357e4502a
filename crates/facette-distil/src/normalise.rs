//! Vectors of unit length.

use burn::tensor::Tensor;

/// Lengths up to which a vector counts as zero, PyTorch's `F.normalize` default.
pub const EPS: f64 = 1e-12;

/// Every row of `x` `[n, d]` divided by its Euclidean length. A row no longer than `eps` becomes
/// zero and gets no gradient (PyTorch divides by `eps`, which sends gradients of 1e12 into a
/// network whose output is zero).
pub fn rows(x: Tensor<2>, eps: f64) -> Tensor<2> {
    let squares = x.clone().square().sum_dim(1);
    let zero = squares.clone().lower_equal_elem(eps * eps);
    let inverse = squares.clamp_min(eps * eps).sqrt().recip().mask_fill(zero, 0.0);
    x * inverse
}

/// `x` `[n, d]` with mean 0 and variance 1 in every column, by the batch's mean and biased variance (eps 1e-5).
pub fn columns(x: Tensor<2>) -> Tensor<2> {
    let centred = x.clone() - x.mean_dim(0);
    let variance = centred.clone().square().mean_dim(0);
    centred / variance.add_scalar(1e-5).sqrt()
}

/// Batch normalisation of `x` `[n, d]` in training, with `scale` and `shift` `[d]`.
pub fn batch_norm(x: Tensor<2>, scale: Tensor<1>, shift: Tensor<1>) -> Tensor<2> {
    columns(x) * scale.unsqueeze::<2>() + shift.unsqueeze::<2>()
}

/// Cosines between all rows of `a` `[n, d]` and `b` `[m, d]`, `[n, m]`; 0 where a row is zero.
pub fn cosines(a: Tensor<2>, b: Tensor<2>) -> Tensor<2> {
    rows(a, EPS).matmul(rows(b, EPS).transpose())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{device, values};

    #[test]
    fn zero_rows_stay_zero_and_get_no_gradient() {
        let x = Tensor::<2>::from_floats([[3.0, 4.0], [0.0, 0.0]], &device()).require_grad();
        let y = rows(x.clone(), EPS);
        let found = values(&y);
        assert!((found[0] - 0.6).abs() < 1e-6 && (found[1] - 0.8).abs() < 1e-6, "{found:?}");
        assert_eq!(found[2..], [0.0, 0.0]);
        let grads = y.sum().backward();
        let grad = values(&x.grad(&grads).unwrap());
        assert!((grad[0] - 0.032).abs() < 1e-6 && (grad[1] + 0.024).abs() < 1e-6, "{grad:?}");
        assert_eq!(grad[2..], [0.0, 0.0]);
    }
}
