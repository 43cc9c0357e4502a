//! Bringing pictures and planes to another size, by the rules of Pillow, OpenCV and PyTorch.
//!
//! # Numerics
//! Every kernel is separable and becomes one [`Axis`] of `f64` weights a direction; what differs
//! is the arithmetic that applies them.
//!
//! * [`resize`], antialiased kernels: Pillow's 8-bit arithmetic. Weights are rounded to 22 bits,
//!   the horizontal pass comes first, and its result is rounded to 8 bits before the vertical one.
//!   Bit-exact.
//! * [`resize`], all other kernels: `f32`, rounded once at the end. Within one grey level of
//!   OpenCV, whose own 8-bit paths round differently in each version.
//! * [`resize_plane`] and [`View`](crate::View): `f32` without rounding or clamping.

mod eight_bit;

pub use eight_bit::resize;

use facette_resize::{Axis, Border, Interval, Kernel, resample};

use crate::ImageError;

/// The nearest of 0..=255.
pub(crate) fn to_byte(value: f32) -> u8 {
    (value + 0.5).clamp(0.0, 255.0) as u8
}

/// Resamples one plane of `width` x `height` values into `target`, of `target_width` x
/// `target_height`. Values keep their scale; nothing is rounded or clamped, so that bicubic and
/// Lanczos kernels overshoot at edges.
///
/// # Errors
/// [`ImageError::Size`] for a side of zero, [`ImageError::Buffer`] if a slice has another length.
///
/// ```
/// use facette_image::{Kernel, resize_plane};
/// let mut mean = [0.0];
/// resize_plane(&[1.0, 2.0, 3.0, 6.0], (2, 2), &mut mean, (1, 1), Kernel::Area).unwrap();
/// assert_eq!(mean, [3.0]);
/// ```
pub fn resize_plane(
    source: &[f32],
    (width, height): (usize, usize),
    target: &mut [f32],
    (target_width, target_height): (usize, usize),
    kernel: Kernel,
) -> Result<(), ImageError> {
    let checks = [
        ("source plane", width, height, source.len()),
        ("target plane", target_width, target_height, target.len()),
    ];
    for (what, width, height, found) in checks {
        if width == 0 || height == 0 {
            let expected = "both sides must be at least 1";
            return Err(ImageError::Size { what, width, height, expected });
        }
        let expected = width.saturating_mul(height);
        if found != expected {
            return Err(ImageError::Buffer { what, expected, found });
        }
    }
    let (mut xs, mut ys) = (Axis::default(), Axis::default());
    xs.fill(kernel, width, Interval::whole(width), target_width, Border::Replicate);
    ys.fill(kernel, height, Interval::whole(height), target_height, Border::Replicate);
    resample::<f32, 1>(source, width, &xs, &ys, &mut Vec::new(), target);
    Ok(())
}
