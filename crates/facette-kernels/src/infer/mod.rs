//! Layers of a network that no longer learns: weights packed once, everything after the sum fused.
//!
//! Activations lie pixel by pixel, `[picture][row][column][channel]`, each pixel padded to a
//! multiple of [`LANES`] channels (see [`pitch`]); what the padding holds is of no account. They are
//! `f32`, or bytes with a [`Code`]. A [`Conv`] in one of four arithmetics does the multiplying:
//!
//! * [`Fused`]: `f32` with fused multiply-adds and Winograd's shortcut, in tiles of 4x4 outputs or, on
//!   maps no larger than that, of 2x2, the fastest way in floats;
//! * [`Exact`]: `f32`, every product and sum rounded for itself and in one order, so that each
//!   instruction set yields the same bytes;
//! * [`Whole`]: bytes by int8 weights in whole numbers. Integer sums are exact in any order, which
//!   Winograd's shortcut is made use of as well, so each instruction set yields the same bytes;
//! * [`Fixed`]: `f32` of a known range, such as pictures, in fixed point of 16 bits, summed in
//!   whole numbers as well and thus the same everywhere, too.
//!
//! What follows the sum is `f32` without fused operations and therefore the same everywhere, too.
//! Nothing here allocates after construction but [`Work`], which grows to what a layer needs.

mod aligned;
mod arithmetic;
mod bytes;
mod conv;
mod depthwise;
mod direct;
mod dot;
mod finish;
mod fixed;
mod lanes;
mod level_task;
mod normalise;
mod padded;
mod panels;
mod pointwise;
mod pool;
mod settle;
mod tile;
mod unrolled;
mod value;
mod winograd;
mod work;

#[cfg(target_arch = "x86_64")]
mod bytes_amx;
#[cfg(target_arch = "x86_64")]
mod dot_amx;
#[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
mod dot_neon;
#[cfg(target_arch = "x86_64")]
mod dot_vnni;
#[cfg(target_arch = "x86_64")]
mod following;
#[cfg(target_arch = "x86_64")]
mod hand_avx512;
#[cfg(target_arch = "x86_64")]
mod lanes_avx2;
#[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
mod lanes_neon;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod lanes_simd128;
#[cfg(target_arch = "x86_64")]
mod settle_avx512;
#[cfg(target_arch = "x86_64")]
mod tile_avx2;
#[cfg(target_arch = "x86_64")]
mod tile_avx512;
#[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
mod tile_neon;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod tile_simd128;
#[cfg(target_arch = "x86_64")]
mod tile_sse2;

pub use aligned::{Aligned, Plain};
pub use arithmetic::{Arithmetic, Exact, Fixed, Fused, Whole};
pub use conv::Conv;
pub use dot::Held;
pub use finish::{Finish, Rectifier};
pub use normalise::normalise;
pub use pointwise::pointwise;
pub use pool::{Window, average, global_average, maximum};
pub use tile::{Peak, multiply_adds};
pub use value::{Code, Source, Target, Value};
pub use work::Work;

/// Channels that are computed side by side.
pub const LANES: usize = 8;

/// Values from one pixel to the next: the channels and their padding.
#[inline]
pub const fn pitch(channels: usize) -> usize {
    channels.next_multiple_of(LANES)
}
