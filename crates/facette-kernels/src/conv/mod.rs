//! Two-dimensional convolution, forwards and backwards.

#[cfg(feature = "std")]
pub mod bf16;
#[cfg(feature = "std")]
mod depthwise;
#[cfg(feature = "std")]
mod gather;
#[cfg(feature = "std")]
mod layer;
#[cfg(feature = "std")]
pub mod reference;
mod shape;
#[cfg(feature = "std")]
mod subsample;
#[cfg_attr(not(feature = "std"), expect(dead_code, reason = "training needs std"))]
pub(crate) mod taps;
#[cfg(feature = "std")]
mod weight_gradient;
#[cfg(feature = "std")]
mod winograd;

#[cfg(feature = "std")]
pub use layer::{
    conv2d, conv2d_at, conv2d_bias_gradient, conv2d_input_gradient, conv2d_input_gradient_at,
    conv2d_input_gradient_vec, conv2d_vec, conv2d_weight_gradient, conv2d_weight_gradient_at,
    conv2d_weight_gradient_vec,
};
pub use shape::{ConvOptions, ConvShape};
