//! Convolution, normalisation and GEMM kernels, chosen at run time for the core at hand.

mod activation;
mod error;
mod fresh;
mod level;
mod pointwise;
mod reduce;
mod scratch;
mod simd;

pub mod conv;
pub mod linear;
pub mod norm;
pub mod pool;

pub use activation::{
    Activation, ChannelShape, activation, activation_at, activation_backward,
    activation_backward_at,
};
pub use error::KernelError;
pub use fresh::keep_freed_memory;
pub use level::Level;

/// Refuses a slice whose length is not the shape's: the caller's mistake, not the input's.
#[track_caller]
fn check_len(name: &str, found: usize, expected: usize) {
    assert!(found == expected, "{name} has {found} elements, the shape says {expected}");
}
