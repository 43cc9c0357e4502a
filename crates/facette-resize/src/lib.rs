//! From bytes of any size to the numbers that a network reads.
//!
//! Every [`Kernel`] is separable and becomes one [`Axis`] of weights a direction; [`resample`]
//! applies two of them in `f32`, and [`normalise`] turns the planes of red, green and blue into
//! those that a network was trained on. Training and serving both go through here, so that a
//! student never meets pictures made otherwise than those it learnt from.
//!
//! The crate does without the standard library, and its results are the same bytes on every
//! system: sines come from `libm`.
//!
//! ```
//! use facette_resize::{Axis, Border, Interval, Kernel, resample};
//!
//! let grey = [0_u8, 10, 20, 30];
//! let mut axis = Axis::default();
//! axis.fill(Kernel::Area, 2, Interval::whole(2), 1, Border::Replicate);
//! let mut mean = [0.0];
//! resample::<u8, 1>(&grey, 2, &axis, &axis, &mut Vec::new(), &mut mean);
//! assert_eq!(mean, [15.0]);
//! ```

#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod axis;
mod border;
mod kernel;
mod normalise;
mod separable;

pub use axis::{Axis, Interval};
pub use border::Border;
pub use kernel::{Kernel, Window};
pub use normalise::{Channels, normalise, scale};
pub use separable::resample;
