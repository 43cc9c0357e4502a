//! Winograd's transforms for tiles of 4x4 outputs of a 3x3 kernel, F(4x4, 3x3).
//!
//! Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016. An output tile is
//! `A' [(G g G') * (B' d B)] A` with the elementwise product summed over channels: 36 products in the
//! place of 144. By transposition, the gradient of the kernel is `G' [(B' d B) * (A y A')] G`.
//!
//! Numerics: the matrices come from the interpolation points 0, +-5/8, +-3/2 and infinity instead of
//! the paper's 0, +-1, +-2: all constants are of the order of one and the points exact in `f32`, and
//! the rounding error is about twice that of the plain sum, where the paper's is five times as large.

use super::Vector;

const A: f32 = 0.625;
const B: f32 = 1.5;
const A2: f32 = A * A;
const B2: f32 = B * B;
/// Reciprocals of the products of differences between a point and all others: for 0, +-A, +-B.
const N0: f32 = 1.0 / (A2 * B2);
const NA: f32 = 1.0 / (2.0 * A2 * (A2 - B2));
const NB: f32 = 1.0 / (2.0 * B2 * (B2 - A2));

/// Rows and columns of the transformed tile.
pub(crate) const POINTS: usize = 36;

/// A transform of one line of I elements to O; a tile is transformed along columns, then rows.
pub(crate) trait Line<const I: usize, const O: usize> {
    fn line<V: Vector>(x: [V; I]) -> [V; O];
}

/// `B'`: an input tile of 6.
pub(crate) struct Input;
/// `A'`: from the products to 4 outputs.
pub(crate) struct Output;
/// `A`: 4 output gradients to the products' gradients.
pub(super) struct OutputGradient;
/// `G`: a kernel of 3.
pub(super) struct Weight;
/// `G'`: from the products' sums to the gradient of a kernel of 3.
pub(super) struct WeightGradient;

impl Line<6, 6> for Input {
    #[inline(always)]
    fn line<V: Vector>(d: [V; 6]) -> [V; 6] {
        let even_a = d[2].scale_add(-B2, d[4]);
        let odd_a = d[1].scale_add(-B2, d[3]);
        let even_b = d[2].scale_add(-A2, d[4]);
        let odd_b = d[1].scale_add(-A2, d[3]);
        [
            d[0].scale_add(A2 * B2, d[2].scale_add(-(A2 + B2), d[4])),
            odd_a.scale_add(A, even_a),
            odd_a.scale_add(-A, even_a),
            odd_b.scale_add(B, even_b),
            odd_b.scale_add(-B, even_b),
            d[1].scale_add(A2 * B2, d[3].scale_add(-(A2 + B2), d[5])),
        ]
    }
}

impl Line<6, 4> for Output {
    #[inline(always)]
    fn line<V: Vector>(m: [V; 6]) -> [V; 4] {
        let (even_a, odd_a) = (m[1].add(m[2]), m[1].sub(m[2]));
        let (even_b, odd_b) = (m[3].add(m[4]), m[3].sub(m[4]));
        [
            m[0].add(even_a).add(even_b),
            odd_a.scale(A).add(odd_b.scale(B)),
            even_a.scale(A2).add(even_b.scale(B2)),
            odd_a.scale_add(A2 * A, odd_b.scale_add(B2 * B, m[5])),
        ]
    }
}

impl Line<4, 6> for OutputGradient {
    #[inline(always)]
    fn line<V: Vector>(y: [V; 4]) -> [V; 6] {
        let even_a = y[2].scale_add(A2, y[0]);
        let odd_a = y[3].scale_add(A2, y[1]);
        let even_b = y[2].scale_add(B2, y[0]);
        let odd_b = y[3].scale_add(B2, y[1]);
        [
            y[0],
            odd_a.scale_add(A, even_a),
            odd_a.scale_add(-A, even_a),
            odd_b.scale_add(B, even_b),
            odd_b.scale_add(-B, even_b),
            y[3],
        ]
    }
}

impl Line<3, 6> for Weight {
    #[inline(always)]
    fn line<V: Vector>(g: [V; 3]) -> [V; 6] {
        let even_a = g[2].scale_add(A2, g[0]).scale(NA);
        let even_b = g[2].scale_add(B2, g[0]).scale(NB);
        [
            g[0].scale(N0),
            g[1].scale_add(A * NA, even_a),
            g[1].scale_add(-A * NA, even_a),
            g[1].scale_add(B * NB, even_b),
            g[1].scale_add(-B * NB, even_b),
            g[2],
        ]
    }
}

impl Line<6, 3> for WeightGradient {
    #[inline(always)]
    fn line<V: Vector>(z: [V; 6]) -> [V; 3] {
        let (even_a, odd_a) = (z[1].add(z[2]), z[1].sub(z[2]));
        let (even_b, odd_b) = (z[3].add(z[4]), z[3].sub(z[4]));
        [
            z[0].scale(N0).add(even_a.scale_add(NA, even_b.scale(NB))),
            odd_a.scale_add(A * NA, odd_b.scale(B * NB)),
            even_a.scale_add(A2 * NA, even_b.scale_add(B2 * NB, z[5])),
        ]
    }
}

/// `G g G'` of a 3x3 kernel, computed in `f64` and rounded once.
pub(crate) fn kernel(weight: [f32; 9]) -> [[f32; 6]; 6] {
    let [a, b] = [A, B].map(f64::from);
    let [a2, b2] = [a * a, b * b];
    let n0 = 1.0 / (a2 * b2);
    let na = 1.0 / (2.0 * a2 * (a2 - b2));
    let nb = 1.0 / (2.0 * b2 * (b2 - a2));
    let line = |[x, y, z]: [f64; 3]| {
        let (even_a, even_b) = ((x + a2 * z) * na, (x + b2 * z) * nb);
        let (odd_a, odd_b) = (a * na * y, b * nb * y);
        [x * n0, even_a + odd_a, even_a - odd_a, even_b + odd_b, even_b - odd_b, z]
    };
    let g = weight.map(f64::from);
    let columns: [[f64; 6]; 3] = core::array::from_fn(|j| line([g[j], g[3 + j], g[6 + j]]));
    let rows: [[f64; 6]; 6] =
        core::array::from_fn(|i| line([columns[0][i], columns[1][i], columns[2][i]]));
    rows.map(|row| row.map(|value| value as f32))
}

/// Index of a transform in [`Kernels::transform`](super::Kernels::transform).
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Input,
    Output,
    OutputGradient,
    Weight,
    WeightGradient,
}

/// `count` tiles in a row to transform; the element (i, j) of a tile lies at
/// `i * pitch[0] + j * pitch[1]` and holds `lanes` lanes, 8 or 16.
pub(crate) struct Transform {
    pub(crate) from: *const f32,
    pub(crate) from_pitch: [isize; 2],
    /// Elements from one tile to the next.
    pub(crate) from_step: usize,
    pub(crate) into: *mut f32,
    pub(crate) into_pitch: [usize; 2],
    pub(crate) into_step: usize,
    pub(crate) count: usize,
    pub(crate) lanes: usize,
    /// Added to every result.
    pub(crate) bias: f32,
}

/// Transforms the tiles of `t` along columns, then along rows.
///
/// # Safety
/// The extents of `t` must be those of its buffers, and the processor must have V's instructions.
#[inline(always)]
pub(super) unsafe fn run<V: Vector, T: Line<I, O>, const I: usize, const O: usize>(t: &Transform) {
    let bias = V::splat(t.bias);
    for tile in 0..t.count {
        for lane in (0..t.lanes).step_by(8) {
            let from = t.from.wrapping_add(tile * t.from_step + lane);
            let into = t.into.wrapping_add(tile * t.into_step + lane);
            let mut half = [[bias; I]; O];
            for j in 0..I {
                let column = core::array::from_fn(|i| {
                    let at = i as isize * t.from_pitch[0] + j as isize * t.from_pitch[1];
                    // SAFETY: the caller vouches for I by I elements of each tile.
                    unsafe { V::load(from.wrapping_offset(at)) }
                });
                for (half, value) in half.iter_mut().zip(T::line(column)) {
                    half[j] = value;
                }
            }
            for (i, half) in half.into_iter().enumerate() {
                for (j, value) in T::line(half).into_iter().enumerate() {
                    let at = i * t.into_pitch[0] + j * t.into_pitch[1];
                    // SAFETY: the caller vouches for O by O elements of each tile.
                    unsafe { value.add(bias).store(into.wrapping_add(at)) };
                }
            }
        }
    }
}
