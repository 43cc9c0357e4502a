//! Convolution, normalisation and GEMM kernels, chosen at run time for the core at hand.
//!
//! Layers of a network in training, forwards and backwards, on contiguous `f32` slices: tensors are
//! `[batch, channels, height, width]`, weights `[out, in / groups, rows, columns]`, as PyTorch has
//! them. [`conv`] holds the convolutions, [`linear`] the fully connected layer, [`norm`] batch
//! normalisation fused with residual sum and activation, [`pool`] the poolings. [`infer`] holds the
//! layers of a network that no longer learns, in `f32` and int8.
//!
//! Work is shared out on rayon's global pool in parts that the shape alone decides: results are the
//! same bytes for any number of threads. [`Level`] says which instruction set is used; another set is
//! another file beside the existing ones, held to the same tests. This is the only crate of the
//! workspace with `unsafe` code.
//!
//! Without the feature `std`, which is on by default, there is [`infer`] alone, and `alloc` is all it
//! needs: no threads, no environment variable, and the instruction sets that the target has.
//!
//! ```
//! use facette_kernels::conv::{ConvOptions, ConvShape, conv2d_vec};
//!
//! let options = ConvOptions { padding: [1, 1], ..ConvOptions::default() };
//! let shape = ConvShape::new([1, 1, 3, 3], 1, [3, 3], options)?;
//! let ones = [1.0; 9];
//! let y = conv2d_vec(&shape, &ones, &ones, None);
//! assert_eq!(y, [4.0, 6.0, 4.0, 6.0, 9.0, 6.0, 4.0, 6.0, 4.0]);
//! # Ok::<(), facette_kernels::KernelError>(())
//! ```

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "std")]
mod activation;
mod error;
#[cfg_attr(not(feature = "std"), expect(dead_code, reason = "training needs std"))]
mod fresh;
mod level;
#[cfg(feature = "std")]
mod pointwise;
#[cfg(feature = "std")]
mod reduce;
#[cfg(feature = "std")]
mod scratch;
#[cfg_attr(not(feature = "std"), expect(dead_code, reason = "training needs std"))]
mod simd;

pub mod conv;
pub mod infer;
#[cfg(feature = "std")]
pub mod linear;
#[cfg(feature = "std")]
pub mod norm;
#[cfg(feature = "std")]
pub mod pool;

#[cfg(feature = "std")]
pub use activation::{
    Activation, ChannelShape, activation, activation_at, activation_backward,
    activation_backward_at,
};
pub use error::KernelError;
#[cfg(feature = "std")]
pub use fresh::keep_freed_memory;
pub use level::Level;

/// Refuses a slice whose length is not the shape's: the caller's mistake, not the input's.
#[track_caller]
fn check_len(name: &str, found: usize, expected: usize) {
    assert!(found == expected, "{name} has {found} elements, the shape says {expected}");
}
