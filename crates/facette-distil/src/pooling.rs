//! Maps of two networks brought to one size.

use burn::tensor::{Tensor, module};

/// Both maps at the size of the smaller one: the larger `[n, c, h, w]` is averaged down to
/// `h x h` of the smaller, square as in RepDistiller.
pub fn to_smaller(a: Tensor<4>, b: Tensor<4>) -> (Tensor<4>, Tensor<4>) {
    let (size_a, size_b) = (a.dims()[2], b.dims()[2]);
    match size_a.cmp(&size_b) {
        std::cmp::Ordering::Greater => (module::adaptive_avg_pool2d(a, [size_b; 2]), b),
        std::cmp::Ordering::Less => (a, module::adaptive_avg_pool2d(b, [size_a; 2])),
        std::cmp::Ordering::Equal => (a, b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{device, values};

    #[test]
    fn the_larger_is_averaged() {
        let large = Tensor::<1>::from_floats([1.0, 3.0, 5.0, 7.0], &device()).reshape([1, 1, 2, 2]);
        let small = Tensor::<1>::from_floats([2.0], &device()).reshape([1, 1, 1, 1]);
        let (a, b) = to_smaller(large.clone(), small.clone());
        assert_eq!((values(&a), values(&b)), (vec![4.0], vec![2.0]));
        let (a, b) = to_smaller(small, large);
        assert_eq!((values(&a), values(&b)), (vec![2.0], vec![4.0]));
    }
}
