//! Convolutions whose operands are rounded to bfloat16, with sums in `f32`: half the bytes to move,
//! and the format of AMX's tiles.
//!
//! Operands and results stay `f32`, so that weights lose nothing from step to step; each operand is
//! rounded to the nearest bfloat16, ties to even, where a product needs it. Products of two such
//! numbers are exact in `f32`, so that levels differ by the order of their sums alone.
//!
//! [`Level::Amx`] multiplies tiles of bfloat16 and [`Level::Scalar`] does the same in plain loops; the
//! other levels round and use their kernels of [`super`], which is no faster than `f32` but lets any
//! processor train as one with AMX does. Groups of channels take that way everywhere.
//!
//! Planes are laid on grids (`grid.rs`), pixel after pixel with zeros between rows and pictures, so that
//! a tap of the kernel is one step along the grid, for every stride and in both directions: operands
//! are copied once, without im2col and almost without turning anything around.

mod gather;
mod grid;
mod pack;
mod rounding;
mod tiles;
mod weight_gradient;

use self::gather::Gather;
use self::grid::Grid;
use self::tiles::Tiles;
use super::{ConvShape, layer};
use crate::fresh::{Fresh, fresh, written};
use crate::{Level, check_len};

pub use rounding::round;

/// `y = conv(x, w) + bias` of rounded `x` and `w`; otherwise as [`conv2d`](super::conv2d).
///
/// # Panics
/// Where a slice is not as long as the shape says.
pub fn conv2d_vec(s: &ConvShape, x: &[f32], w: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    // SAFETY: a convolution writes every element of its output.
    unsafe { written(s.output_len(), |y| forward(Level::current(), s, x, w, bias, y)) }
}

/// [`conv2d_vec`] to a slice, with the kernels of a given level.
///
/// # Panics
/// Where a slice is not as long as the shape says.
pub fn conv2d_at(
    level: Level,
    s: &ConvShape,
    x: &[f32],
    w: &[f32],
    bias: Option<&[f32]>,
    y: &mut [f32],
) {
    // SAFETY: the kernels write initialised values.
    forward(level, s, x, w, bias, unsafe { fresh(y) });
}

/// The gradient by the input from rounded `dy` and `w`.
///
/// # Panics
/// Where a slice is not as long as the shape says.
pub fn conv2d_input_gradient_vec(s: &ConvShape, dy: &[f32], w: &[f32]) -> Vec<f32> {
    // SAFETY: the input gradient is written in full, zeros where no output sees an input.
    unsafe { written(s.input_len(), |dx| input_gradient(Level::current(), s, dy, w, dx)) }
}

/// [`conv2d_input_gradient_vec`] to a slice, with the kernels of a given level.
///
/// # Panics
/// Where a slice is not as long as the shape says.
pub fn conv2d_input_gradient_at(
    level: Level,
    s: &ConvShape,
    dy: &[f32],
    w: &[f32],
    dx: &mut [f32],
) {
    // SAFETY: the kernels write initialised values.
    input_gradient(level, s, dy, w, unsafe { fresh(dx) });
}

/// The gradient by the weight from rounded `x` and `dy`.
///
/// # Panics
/// Where a slice is not as long as the shape says.
pub fn conv2d_weight_gradient_vec(s: &ConvShape, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let mut dw = vec![0.0; s.weight_len()];
    conv2d_weight_gradient_at(Level::current(), s, x, dy, &mut dw);
    dw
}

/// [`conv2d_weight_gradient_vec`] to a slice, with the kernels of a given level.
///
/// # Panics
/// Where a slice is not as long as the shape says.
pub fn conv2d_weight_gradient_at(
    level: Level,
    s: &ConvShape,
    x: &[f32],
    dy: &[f32],
    dw: &mut [f32],
) {
    check_len("x", x.len(), s.input_len());
    check_len("dy", dy.len(), s.output_len());
    check_len("dw", dw.len(), s.weight_len());
    match tiles(level, s, Grid::forward) {
        Some((tiles, grid)) => weight_gradient::run(s, &grid, tiles, level, x, dy, dw),
        None => {
            let (x, dy) = (rounding::rounded(level, x), rounding::rounded(level, dy));
            layer::conv2d_weight_gradient_at(level, s, &x, &dy, dw);
        }
    }
}

fn forward(level: Level, s: &ConvShape, x: &[f32], w: &[f32], bias: Option<&[f32]>, y: &mut Fresh) {
    check_len("x", x.len(), s.input_len());
    check_len("w", w.len(), s.weight_len());
    check_len("bias", bias.map_or(s.out_channels, <[f32]>::len), s.out_channels);
    check_len("y", y.len(), s.output_len());
    let Some((tiles, grid)) = tiles(level, s, Grid::forward) else {
        let (x, w) = (rounding::rounded(level, x), rounding::rounded(level, w));
        return layer::forward(level, s, &x, &w, bias, y);
    };
    let gather = Gather {
        source_channels: s.in_channels,
        channels: s.out_channels,
        weight_steps: [s.in_channels * s.taps(), s.taps()],
        kernel: s.kernel,
        grid,
    };
    gather.run(tiles, level, s.batch, x, w, bias, y);
}

fn input_gradient(level: Level, s: &ConvShape, dy: &[f32], w: &[f32], dx: &mut Fresh) {
    check_len("dy", dy.len(), s.output_len());
    check_len("w", w.len(), s.weight_len());
    check_len("dx", dx.len(), s.input_len());
    let Some((tiles, grid)) = tiles(level, s, Grid::transposed) else {
        let (dy, w) = (rounding::rounded(level, dy), rounding::rounded(level, w));
        return layer::input_gradient(level, s, &dy, &w, dx);
    };
    let gather = Gather {
        source_channels: s.out_channels,
        channels: s.in_channels,
        weight_steps: [s.taps(), s.in_channels * s.taps()],
        kernel: s.kernel,
        grid,
    };
    gather.run(tiles, level, s.batch, dy, w, None, dx);
}

/// The tiles of a level and the grid to use them on, where both serve.
fn tiles(
    level: Level,
    s: &ConvShape,
    grid: impl Fn(&ConvShape) -> Grid,
) -> Option<(&'static Tiles, Grid)> {
    let tiles = Tiles::of(level).filter(|_| s.options.groups == 1)?;
    Some((tiles, grid(s))).filter(|(_, grid)| grid.is_dense())
}
