//! Winograd's F(4x4, 3x3) in whole numbers, without a rounding anywhere.
//!
//! Interpolating at 0, +-1, +-2 and infinity (Lavin and Gray, 2016), the transform of the picture
//! has integer entries that add up to at most 10 a row: twice applied to differences of bytes,
//! `|v| <= 100 * 255`, it fits 16 bits. That of the kernel has fractions; here its rows are multiplied
//! by 24, the last by 12, for which the last transform makes up: `|u| <= 144 * 128` fits 16 bits as
//! well. Together they yield 576 times the convolution, in arithmetic modulo 2^32: `576 = 9 * 64`, of
//! which 9 has an inverse modulo 2^32. What is left is `64 y`, a number of 32 bits as long as
//! `|y| < 2^25`, and a shift makes it `y`: the very sum that the plain loops yield. Intermediate
//! values may run over; that is what arithmetic modulo 2^32 is for.
//!
//! The published integer variants round the transformed kernel to 8 bits or stop at F(2x2, 3x3);
//! to carry the exact product through a modular inverse costs nothing but one multiplication.

use core::array::from_fn;

use crate::infer::lanes::{Additive, Ints};

/// Largest sum of weight magnitudes for which `255 * sum < 2^25`.
pub(super) const LIMIT: u32 = (1 << 25) / 255;

/// `9 * INVERSE = 1` modulo 2^32.
pub(super) const INVERSE: i32 = 954_437_177;

#[inline(always)]
pub(super) fn input<V: Additive>([a, b, c, d, e, f]: [V; 6]) -> [V; 6] {
    // 4 x - 5 y + z
    let ends = |x: V, y: V, z: V| x.sub(y).left::<2>().sub(y).add(z);
    let (even, odd) = (e.sub(c.left::<2>()), d.sub(b.left::<2>()));
    let (near, far) = (e.sub(c), d.sub(b).left::<1>());
    [ends(a, c, e), even.add(odd), even.sub(odd), near.add(far), near.sub(far), ends(b, d, f)]
}

#[inline(always)]
pub(super) fn output<V: Additive>([a, b, c, d, e, f]: [V; 6]) -> [V; 4] {
    let (near, nearer) = (b.add(c), c.sub(b));
    let (far, farther) = (d.add(e), d.sub(e).left::<1>());
    [
        a.sub(near).add(far),
        nearer.add(farther),
        far.left::<2>().sub(near),
        farther.left::<1>().add(f).left::<1>().add(nearer),
    ]
}

#[inline(always)]
pub(super) fn settle<V: Ints>(sum: V) -> V {
    sum.times(INVERSE).right::<6>()
}

pub(super) fn kernel(weight: [i8; 9]) -> [[i16; 6]; 6] {
    let line = |[a, b, c]: [i16; 3]| {
        let (near, far) = (a + c, a + 4 * c);
        [6 * a, 4 * (near + b), 4 * (near - b), far + 2 * b, far - 2 * b, 12 * c]
    };
    let weight = weight.map(i16::from);
    let columns: [[i16; 6]; 3] = from_fn(|j| line([weight[j], weight[3 + j], weight[6 + j]]));
    from_fn(|i| line([columns[0][i], columns[1][i], columns[2][i]]))
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
        let largest =
            |weight| kernel([weight; 9]).as_flattened().iter().map(|u| i32::from(*u)).max();
        assert_eq!(largest(127), Some(144 * 127));
    }
}
