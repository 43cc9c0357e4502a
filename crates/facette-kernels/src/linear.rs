//! Fully connected layers, `y = x w^T + bias`: a convolution on planes of one pixel.

use crate::KernelError;
use crate::conv::{self, ConvOptions, ConvShape};

/// The checked geometry of a linear layer: input `[batch, inputs]`, weight `[outputs, inputs]`,
/// output `[batch, outputs]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinearShape(ConvShape);

impl LinearShape {
    /// Checks a geometry; the batch may be zero.
    ///
    /// # Errors
    /// Where inputs or outputs are zero, or a tensor could not be addressed.
    pub fn new(batch: usize, inputs: usize, outputs: usize) -> Result<Self, KernelError> {
        for (field, value) in [("inputs", inputs), ("outputs", outputs)] {
            if value == 0 {
                return Err(KernelError::Zero { field });
            }
        }
        ConvShape::new([batch, inputs, 1, 1], outputs, [1, 1], ConvOptions::default()).map(Self)
    }
}

/// `y = x w^T + bias`, with `bias` `[outputs]`.
///
/// # Panics
/// Where a slice is not as long as the shape says.
pub fn linear(s: &LinearShape, x: &[f32], w: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
    conv::conv2d(&s.0, x, w, bias, y);
}

/// The gradient of [`linear`] by its input: `dx = dy w`.
///
/// # Panics
/// Where a slice is not as long as the shape says.
pub fn linear_input_gradient(s: &LinearShape, dy: &[f32], w: &[f32], dx: &mut [f32]) {
    conv::conv2d_input_gradient(&s.0, dy, w, dx);
}

/// The gradient of [`linear`] by its weight: `dw = dy^T x`.
///
/// # Panics
/// Where a slice is not as long as the shape says.
pub fn linear_weight_gradient(s: &LinearShape, x: &[f32], dy: &[f32], dw: &mut [f32]) {
    conv::conv2d_weight_gradient(&s.0, x, dy, dw);
}

/// The gradient of [`linear`] by its bias: the sum of `dy` over the batch.
///
/// # Panics
/// Where a slice is not as long as the shape says.
pub fn linear_bias_gradient(s: &LinearShape, dy: &[f32], db: &mut [f32]) {
    conv::conv2d_bias_gradient(&s.0, dy, db);
}
