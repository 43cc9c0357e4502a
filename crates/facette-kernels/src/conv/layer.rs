//! The layer: forward pass, and the gradients by input, weight and bias.

use crate::fresh::{Fresh, fresh, written};
use crate::{Level, check_len, simd::Kernels};

use super::depthwise::{self, Planes};
use super::gather::{Gather, PackedWeight};
use super::taps::AxisTaps;
use super::winograd::{self, WeightLayout};
use super::{ConvShape, subsample, weight_gradient};

/// `y = conv(x, w) + bias`; see [`ConvShape`] for the layouts, `bias` is `[out_channels]`.
///
/// # Panics
/// Where a slice is not as long as the shape says.
pub fn conv2d(s: &ConvShape, x: &[f32], w: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
    conv2d_at(Level::current(), s, x, w, bias, y);
}

/// [`conv2d`] to a new vector.
///
/// # Panics
/// Where a slice is not as long as the shape says.
pub fn conv2d_vec(s: &ConvShape, x: &[f32], w: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    // SAFETY: a convolution writes every element of its output.
    unsafe { written(s.output_len(), |y| forward(Level::current(), s, x, w, bias, y)) }
}

/// [`conv2d`] with the kernels of a given level.
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

/// Writes every element of `y`.
pub(super) fn forward(
    level: Level,
    s: &ConvShape,
    x: &[f32],
    w: &[f32],
    bias: Option<&[f32]>,
    y: &mut Fresh,
) {
    check_len("x", x.len(), s.input_len());
    check_len("w", w.len(), s.weight_len());
    check_len("bias", bias.map_or(s.out_channels, <[f32]>::len), s.out_channels);
    check_len("y", y.len(), s.output_len());
    if let Some(dense) = subsample::dense(s) {
        return forward(level, &dense, &subsample::gather(s, x), w, bias, y);
    }
    let (rows, columns) = (AxisTaps::forward(s, 0), AxisTaps::forward(s, 1));
    let (source, size) = ([s.height, s.width], [s.out_height, s.out_width]);
    if s.is_depthwise() {
        depthwise::run(s, level, &Planes { source, size, rows, columns }, x, w, bias, y);
        return;
    }
    if winograd::pays(s, &rows, &columns) {
        let gather = winograd::Gather {
            batch: s.batch,
            source_channels: s.in_channels,
            source_size: source,
            channels: s.out_channels,
            size,
            padding: s.options.padding,
        };
        let layout = WeightLayout { steps: [s.in_channels * 9, 9], turned: false };
        gather.run(Kernels::of(level), x, w, &layout, bias, y);
        return;
    }
    let gather = Gather {
        batch: s.batch,
        groups: s.options.groups,
        kernel: s.kernel,
        source_channels: s.in_channels,
        source_size: source,
        channels: s.out_channels,
        size,
        rows,
        columns,
    };
    let row = s.in_group() * s.taps();
    let packed = PackedWeight::new(&gather, w, [s.out_group() * row, row, s.taps()]);
    gather.run(Kernels::of(level), x, &packed, bias, y);
}

/// The gradient of [`conv2d`] by its input: writes every element of `dx` from `dy`, shaped as the
/// output.
///
/// # Panics
/// Where a slice is not as long as the shape says.
pub fn conv2d_input_gradient(s: &ConvShape, dy: &[f32], w: &[f32], dx: &mut [f32]) {
    conv2d_input_gradient_at(Level::current(), s, dy, w, dx);
}

/// [`conv2d_input_gradient`] to a new vector.
///
/// # Panics
/// Where a slice is not as long as the shape says.
pub fn conv2d_input_gradient_vec(s: &ConvShape, dy: &[f32], w: &[f32]) -> Vec<f32> {
    // SAFETY: the input gradient is written in full, zeros where no output sees an input.
    unsafe { written(s.input_len(), |dx| input_gradient(Level::current(), s, dy, w, dx)) }
}

/// [`conv2d_input_gradient`] with the kernels of a given level.
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

/// Writes every element of `dx`.
pub(super) fn input_gradient(level: Level, s: &ConvShape, dy: &[f32], w: &[f32], dx: &mut Fresh) {
    check_len("dy", dy.len(), s.output_len());
    check_len("w", w.len(), s.weight_len());
    check_len("dx", dx.len(), s.input_len());
    if let Some(dense) = subsample::dense(s) {
        let mut met = vec![0.0; dense.input_len()];
        conv2d_input_gradient_at(level, &dense, dy, w, &mut met);
        return subsample::scatter(s, &met, dx);
    }
    let (rows, columns) = (AxisTaps::transposed(s, 0), AxisTaps::transposed(s, 1));
    let (source, size) = ([s.out_height, s.out_width], [s.height, s.width]);
    if s.is_depthwise() {
        depthwise::run(s, level, &Planes { source, size, rows, columns }, dy, w, None, dx);
        return;
    }
    if winograd::pays(s, &rows, &columns) {
        let gather = winograd::Gather {
            batch: s.batch,
            source_channels: s.out_channels,
            source_size: source,
            channels: s.in_channels,
            size,
            padding: s.options.padding.map(|p| 2 - p),
        };
        let layout = WeightLayout { steps: [9, s.in_channels * 9], turned: true };
        gather.run(Kernels::of(level), dy, w, &layout, None, dx);
        return;
    }
    let gather = Gather {
        batch: s.batch,
        groups: s.options.groups,
        kernel: s.kernel,
        source_channels: s.out_channels,
        source_size: source,
        channels: s.in_channels,
        size,
        rows,
        columns,
    };
    let row = s.in_group() * s.taps();
    let packed = PackedWeight::new(&gather, w, [s.out_group() * row, s.taps(), row]);
    gather.run(Kernels::of(level), dy, &packed, None, dx);
}

/// The gradient of [`conv2d`] by its weight: writes every element of `dw`.
///
/// # Panics
/// Where a slice is not as long as the shape says.
pub fn conv2d_weight_gradient(s: &ConvShape, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    conv2d_weight_gradient_at(Level::current(), s, x, dy, dw);
}

/// [`conv2d_weight_gradient`] with the kernels of a given level.
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
    if let Some(dense) = subsample::dense(s) {
        return conv2d_weight_gradient_at(level, &dense, &subsample::gather(s, x), dy, dw);
    }
    let (rows, columns) = (AxisTaps::forward(s, 0), AxisTaps::forward(s, 1));
    if s.is_depthwise() {
        depthwise::weight_gradient(s, level, x, dy, dw);
    } else if winograd::pays(s, &rows, &columns) {
        winograd::weight_gradient(s, Kernels::of(level), x, dy, dw);
    } else {
        weight_gradient::run(s, Kernels::of(level), x, dy, dw);
    }
}

/// [`conv2d_weight_gradient`] to a new vector.
///
/// # Panics
/// Where a slice is not as long as the shape says.
pub fn conv2d_weight_gradient_vec(s: &ConvShape, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let mut dw = vec![0.0; s.weight_len()];
    conv2d_weight_gradient(s, x, dy, &mut dw);
    dw
}

/// The gradient of [`conv2d`] by its bias: `db[channel]` is the sum of `dy` over pictures and pixels.
///
/// # Panics
/// Where a slice is not as long as the shape says.
pub fn conv2d_bias_gradient(s: &ConvShape, dy: &[f32], db: &mut [f32]) {
    check_len("dy", dy.len(), s.output_len());
    check_len("db", db.len(), s.out_channels);
    crate::reduce::sum_by_channel(Level::current(), dy, s.out_height * s.out_width, db);
}
