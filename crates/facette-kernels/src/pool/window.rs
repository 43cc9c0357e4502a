//! Means and maxima over windows, with the meaning of PyTorch's `AvgPool2d` (padding counted as
//! zeros) and `MaxPool2d` (padding never the maximum), both with `ceil_mode=False`.

use rayon::prelude::*;

use crate::conv::{ConvOptions, ConvShape, taps::AxisTaps};
use crate::{KernelError, check_len};

/// The checked geometry of a pooling window over `[batch, channels, height, width]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolShape {
    window: ConvShape,
}

impl PoolShape {
    /// Checks a geometry; `input` is `[batch, channels, height, width]`.
    ///
    /// # Errors
    /// Where a size is zero, the window does not fit the padded input, or the padding is more than
    /// half of the window, so that a window might see nothing but padding.
    pub fn new(
        input: [usize; 4],
        kernel: [usize; 2],
        stride: [usize; 2],
        padding: [usize; 2],
    ) -> Result<Self, KernelError> {
        for (axis, i) in [("rows", 0), ("columns", 1)] {
            if padding[i] > kernel[i] / 2 {
                return Err(KernelError::Padding { axis, padding: padding[i], window: kernel[i] });
            }
        }
        // A depthwise geometry, which has the sizes of a pooling window.
        let options = ConvOptions { stride, padding, groups: input[1], ..ConvOptions::default() };
        let window = ConvShape::new(input, input[1], kernel, options)?;
        Ok(Self { window })
    }

    /// Rows of the output.
    pub fn out_height(&self) -> usize {
        self.window.out_height
    }

    /// Columns of the output.
    pub fn out_width(&self) -> usize {
        self.window.out_width
    }

    /// Elements of the input.
    pub fn input_len(&self) -> usize {
        self.window.input_len()
    }

    /// Elements of the output.
    pub fn output_len(&self) -> usize {
        self.window.output_len()
    }

    fn axes(&self) -> (AxisTaps, AxisTaps) {
        (AxisTaps::forward(&self.window, 0), AxisTaps::forward(&self.window, 1))
    }

    /// Elements of an input plane and of an output plane.
    fn planes(&self) -> [usize; 2] {
        [self.window.height * self.window.width, self.window.out_height * self.window.out_width]
    }
}

/// Planes of one task.
const PLANES: usize = 64;

/// `y` = the largest element of each window.
///
/// # Panics
/// Where a slice is not as long as the shape says.
pub fn max_pool(s: &PoolShape, x: &[f32], y: &mut [f32]) {
    check_len("x", x.len(), s.input_len());
    check_len("y", y.len(), s.output_len());
    let (rows, columns) = s.axes();
    let [from, to] = s.planes();
    y.par_chunks_mut(PLANES * to).zip(x.par_chunks(PLANES * from)).for_each(|(y, x)| {
        for (y, x) in y.chunks_exact_mut(to).zip(x.chunks_exact(from)) {
            for (i, y) in y.iter_mut().enumerate() {
                *y = x[largest(s, &rows, &columns, i, x)];
            }
        }
    });
}

/// The index in `x` of the largest element of window `i`: the first of equals, and a NaN before any.
fn largest(s: &PoolShape, rows: &AxisTaps, columns: &AxisTaps, i: usize, x: &[f32]) -> usize {
    let (row, column) = (i / s.window.out_width, i % s.window.out_width);
    let mut best = usize::MAX;
    for row in rows.at(row) {
        for column in columns.at(column) {
            let at = row.source * s.window.width + column.source;
            if best == usize::MAX || x[at] > x[best] || (x[at].is_nan() && !x[best].is_nan()) {
                best = at;
            }
        }
    }
    best
}

/// The gradient of [`max_pool`]: each window's `dy` goes to its largest element, the first of equals.
///
/// # Panics
/// Where a slice is not as long as the shape says.
pub fn max_pool_backward(s: &PoolShape, x: &[f32], dy: &[f32], dx: &mut [f32]) {
    check_len("x", x.len(), s.input_len());
    check_len("dy", dy.len(), s.output_len());
    check_len("dx", dx.len(), s.input_len());
    let (rows, columns) = s.axes();
    let [from, to] = s.planes();
    (dx.par_chunks_mut(PLANES * from), x.par_chunks(PLANES * from), dy.par_chunks(PLANES * to))
        .into_par_iter()
        .for_each(|(dx, x, dy)| {
            dx.fill(0.0);
            let planes = dx.chunks_exact_mut(from).zip(x.chunks_exact(from));
            for ((dx, x), dy) in planes.zip(dy.chunks_exact(to)) {
                for (i, dy) in dy.iter().enumerate() {
                    dx[largest(s, &rows, &columns, i, x)] += dy;
                }
            }
        });
}

/// `y` = the mean of each window, padding counted as zeros.
///
/// # Panics
/// Where a slice is not as long as the shape says.
pub fn average_pool(s: &PoolShape, x: &[f32], y: &mut [f32]) {
    check_len("x", x.len(), s.input_len());
    check_len("y", y.len(), s.output_len());
    let (rows, columns) = s.axes();
    let [from, to] = s.planes();
    let share = 1.0 / s.window.taps() as f32;
    y.par_chunks_mut(PLANES * to).zip(x.par_chunks(PLANES * from)).for_each(|(y, x)| {
        for (y, x) in y.chunks_exact_mut(to).zip(x.chunks_exact(from)) {
            for (row, y) in y.chunks_exact_mut(s.window.out_width).enumerate() {
                for (column, y) in y.iter_mut().enumerate() {
                    let mut sum = 0.0;
                    for row in rows.at(row) {
                        for column in columns.at(column) {
                            sum += x[row.source * s.window.width + column.source];
                        }
                    }
                    *y = sum * share;
                }
            }
        }
    });
}

/// The gradient of [`average_pool`].
///
/// # Panics
/// Where a slice is not as long as the shape says.
pub fn average_pool_backward(s: &PoolShape, dy: &[f32], dx: &mut [f32]) {
    check_len("dy", dy.len(), s.output_len());
    check_len("dx", dx.len(), s.input_len());
    let (rows, columns) = s.axes();
    let [from, to] = s.planes();
    let share = 1.0 / s.window.taps() as f32;
    dx.par_chunks_mut(PLANES * from).zip(dy.par_chunks(PLANES * to)).for_each(|(dx, dy)| {
        dx.fill(0.0);
        for (dx, dy) in dx.chunks_exact_mut(from).zip(dy.chunks_exact(to)) {
            for (row, dy) in dy.chunks_exact(s.window.out_width).enumerate() {
                for (column, dy) in dy.iter().enumerate() {
                    for row in rows.at(row) {
                        for column in columns.at(column) {
                            dx[row.source * s.window.width + column.source] += dy * share;
                        }
                    }
                }
            }
        }
    });
}
