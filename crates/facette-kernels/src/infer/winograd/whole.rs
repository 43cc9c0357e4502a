//! Winograd's F(4x4, 3x3) in whole numbers, without a rounding anywhere.
//!
//! Interpolating at 0, +-1, +-2 and infinity (Lavin and Gray, 2016), the transform of the picture
//! has integer entries that add up to at most 10 a row: twice applied to differences of bytes,
//! `|v| <= 100 * 255`, it fits 16 bits. That of the kernel has fractions; here each of its rows is
//! multiplied by its denominator, which leaves `|u| <= 49 * 127`, and the denominators are put
//! back, times 24, into the last transform. It therefore yields 576 times the convolution, in
//! arithmetic modulo 2^32: `576 = 9 * 64`, of which 9 has an inverse modulo 2^32. What is left is
//! `64 y`, a number of 32 bits as long as `|y| < 2^25`, and a shift makes it `y`: the very sum that
//! the plain loops yield. Intermediate values may run over; that is what arithmetic modulo 2^32 is
//! for.
//!
//! The published integer variants round the transformed kernel to 8 bits or stop at F(2x2, 3x3);
//! to carry the exact product through a modular inverse costs nothing but one multiplication.

use std::array::from_fn;

/// Largest sum of weight magnitudes for which `255 * sum < 2^25`.
pub(in crate::infer) const LIMIT: u32 = (1 << 25) / 255;

/// `9 * INVERSE = 1` modulo 2^32.
const INVERSE: i32 = 954_437_177;

#[inline(always)]
fn combine<const N: usize>(factors: [i16; N], x: [[i16; 8]; N]) -> [i16; 8] {
    from_fn(|lane| {
        let mut sum = 0_i16;
        for i in 0..N {
            sum = sum.wrapping_add(factors[i].wrapping_mul(x[i][lane]));
        }
        sum
    })
}

#[inline(always)]
pub(in crate::infer) fn input([a, b, c, d, e, f]: [[i16; 8]; 6]) -> [[i16; 8]; 6] {
    let (even, odd) = (combine([1, -4], [e, c]), combine([1, -4], [d, b]));
    let (near, far) = (combine([1, -1], [e, c]), combine([2, -2], [d, b]));
    [
        combine([4, -5, 1], [a, c, e]),
        combine([1, 1], [even, odd]),
        combine([1, -1], [even, odd]),
        combine([1, 1], [near, far]),
        combine([1, -1], [near, far]),
        combine([4, -5, 1], [b, d, f]),
    ]
}

#[inline(always)]
pub(in crate::infer) fn output(m: [[i32; 8]; 6]) -> [[i32; 8]; 4] {
    let mut y = [[0; 8]; 4];
    for lane in 0..8 {
        let [a, b, c, d, e, f] = m.map(|m| m[lane]);
        let (near, nearer) = (b.wrapping_add(c), c.wrapping_sub(b));
        let (far, farther) = (d.wrapping_add(e), d.wrapping_sub(e));
        let sum = |x: i32, y: i32| x.wrapping_add(y);
        y[0][lane] = sum(a.wrapping_mul(6), sum(far, near.wrapping_mul(-4)));
        y[1][lane] = sum(nearer.wrapping_mul(4), farther.wrapping_mul(2));
        y[2][lane] = far.wrapping_sub(near).wrapping_mul(4);
        y[3][lane] =
            sum(nearer.wrapping_mul(4), sum(farther.wrapping_mul(8), f.wrapping_mul(24)));
    }
    y
}

#[inline(always)]
pub(in crate::infer) fn settle(sum: i32) -> i32 {
    sum.wrapping_mul(INVERSE) >> 6
}

pub(in crate::infer) fn kernel(weight: [i8; 9]) -> [i16; 36] {
    let line = |[a, b, c]: [i16; 3]| {
        [a, a + b + c, a - b + c, a + 2 * b + 4 * c, a - 2 * b + 4 * c, c]
    };
    let weight = weight.map(i16::from);
    let columns: [[i16; 6]; 3] = from_fn(|j| line([weight[j], weight[3 + j], weight[6 + j]]));
    let rows: [[i16; 6]; 6] = from_fn(|i| line([columns[0][i], columns[1][i], columns[2][i]]));
    from_fn(|i| rows[i / 6][i % 6])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_has_its_inverse() {
        assert_eq!(INVERSE.wrapping_mul(9), 1);
    }

    #[test]
    fn the_largest_values_fit() {
        // All signs as the rows of the transform want them.
        let signs = [[4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, -2, -1, 2, 1, 0]];
        for row in signs {
            let most: i32 = row.iter().map(|&s: &i32| s.abs() * 255).sum();
            let tile: [[i16; 8]; 6] = from_fn(|i| [255 * row[i].signum() as i16; 8]);
            assert!(input(tile).iter().any(|line| i32::from(line[0]) == most));
            assert!(10 * most <= i32::from(i16::MAX));
        }
        assert_eq!(kernel([127; 9])[3 * 6 + 3], 49 * 127);
    }
}
