//! Winograd's F(2x2, 3x3) in floats: 16 products for 4 outputs in the place of 36.
//!
//! From the interpolation points 0, +-1 and infinity (Lavin and Gray, 2016): pictures and sums are
//! only added up, and the kernel's halves are rounded once.

use core::array::from_fn;

use crate::infer::lanes::Lanes;

#[inline(always)]
pub(super) fn input<L: Lanes>([a, b, c, d]: [L; 4]) -> [L; 4] {
    [a.sub(c), b.add(c), c.sub(b), b.sub(d)]
}

#[inline(always)]
pub(super) fn output<L: Lanes>([a, b, c, d]: [L; 4]) -> [L; 2] {
    [a.add(b).add(c), b.sub(c).sub(d)]
}

pub(super) fn kernel(weight: [f32; 9]) -> [[f32; 4]; 4] {
    let line = |[a, b, c]: [f64; 3]| [a, 0.5 * (a + b + c), 0.5 * (a - b + c), c];
    let weight = weight.map(f64::from);
    let columns: [[f64; 4]; 3] = from_fn(|j| line([weight[j], weight[3 + j], weight[6 + j]]));
    let rows: [[f64; 4]; 4] = from_fn(|i| line([columns[0][i], columns[1][i], columns[2][i]]));
    rows.map(|row| row.map(|value| value as f32))
}
