//! The smooth L1 (Huber) function.

use burn::tensor::Tensor;

/// `x^2 / 2` where `|x| < 1`, `|x| - 1/2` elsewhere, element by element (PyTorch's `smooth_l1_loss`
/// with beta 1).
pub fn smooth_l1<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let size = x.abs();
    let near = size.clone().clamp_max(1.0);
    // With a = |x| and c = min(a, 1): c (a - c / 2) is both branches at once.
    near.clone() * (size - near.mul_scalar(0.5))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{device, values};

    #[test]
    fn both_branches_and_their_slopes() {
        let x = Tensor::<1>::from_floats([-3.0, -0.5, 0.0, 0.5, 2.0], &device()).require_grad();
        let y = smooth_l1(x.clone());
        assert_eq!(values(&y), [2.5, 0.125, 0.0, 0.125, 1.5]);
        let grad = x.grad(&y.sum().backward()).unwrap();
        assert_eq!(values(&grad), [-1.0, -0.5, 0.0, 0.5, 1.0]);
    }
}
