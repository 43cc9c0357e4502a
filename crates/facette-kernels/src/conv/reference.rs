//! Convolution by its definition: slow, in `f64`, for tests to compare with.

use super::{ConvShape, taps::AxisTaps};

/// Calls `visit(x index, w index, y index)` for every product of the convolution.
fn products(s: &ConvShape, mut visit: impl FnMut(usize, usize, usize)) {
    let (rows, columns) = (AxisTaps::forward(s, 0), AxisTaps::forward(s, 1));
    for n in 0..s.batch {
        for o in 0..s.out_channels {
            for c in 0..s.in_group() {
                let in_channel = o / s.out_group() * s.in_group() + c;
                for y in 0..s.out_height {
                    for x in 0..s.out_width {
                        for row in rows.at(y) {
                            for column in columns.at(x) {
                                let input = ((n * s.in_channels + in_channel) * s.height
                                    + row.source)
                                    * s.width
                                    + column.source;
                                let weight = ((o * s.in_group() + c) * s.kernel[0] + row.tap)
                                    * s.kernel[1]
                                    + column.tap;
                                let output =
                                    ((n * s.out_channels + o) * s.out_height + y) * s.out_width + x;
                                visit(input, weight, output);
                            }
                        }
                    }
                }
            }
        }
    }
}

fn narrow(sum: &[f64]) -> Vec<f32> {
    sum.iter().map(|v| *v as f32).collect()
}

/// The output of [`conv2d`](super::conv2d).
pub fn conv2d(s: &ConvShape, x: &[f32], w: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    let plane = s.out_height * s.out_width;
    let channel = |i: usize| i / plane % s.out_channels;
    let mut y: Vec<f64> =
        (0..s.output_len()).map(|i| bias.map_or(0.0, |b| f64::from(b[channel(i)]))).collect();
    products(s, |i, k, o| y[o] += f64::from(x[i]) * f64::from(w[k]));
    narrow(&y)
}

/// The result of [`conv2d_input_gradient`](super::conv2d_input_gradient).
pub fn input_gradient(s: &ConvShape, dy: &[f32], w: &[f32]) -> Vec<f32> {
    let mut dx = vec![0.0; s.input_len()];
    products(s, |i, k, o| dx[i] += f64::from(dy[o]) * f64::from(w[k]));
    narrow(&dx)
}

/// The result of [`conv2d_weight_gradient`](super::conv2d_weight_gradient).
pub fn weight_gradient(s: &ConvShape, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let mut dw = vec![0.0; s.weight_len()];
    products(s, |i, k, o| dw[k] += f64::from(x[i]) * f64::from(dy[o]));
    narrow(&dw)
}
