//! How fast can a student run? A student file to embeddings on one CPU core, without a tensor
//! framework.
//!
//! A [`Recognizer`] is a student file folded once into a flat plan: batch normalisation in the
//! weights, activation and residual sum in the layers before them, weights packed for the core at
//! hand, every buffer laid out. Faces then cost no allocation. The card's picture (size, resampling
//! kernel, normalisation, order of channels) is made inside, from 8-bit RGB pixels of any size.
//!
//! ```no_run
//! use facette_runtime::{Face, Recognizer};
//!
//! # fn pixels() -> Vec<u8> { vec![0; 3 * 112 * 112] }
//! let recognizer = Recognizer::load("models/facette-16.safetensors")?;
//! let mut scratch = recognizer.scratch(1);
//! let (one, other) = (pixels(), pixels());
//! let a = recognizer.embed(&mut scratch, Face::new(&one, 112, 112)?)?.to_vec();
//! let b = recognizer.embed(&mut scratch, Face::new(&other, 112, 112)?)?.to_vec();
//! println!("{}", recognizer.similarity(&a, &b));
//! # Ok::<(), facette_runtime::RuntimeError>(())
//! ```
//!
//! [`quantise`] makes an int8 student of a float one. Its maps are bytes and its sums whole numbers,
//! and its embeddings are the same bytes on every instruction set.
//!
//! Without the feature `std`, which is on by default, students are loaded from bytes and faces
//! embedded all the same, with nothing but `alloc`; files, threads, quantisation and measurements
//! are left out.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "std")]
mod bench;
mod bytes;
mod error;
mod fold;
mod fuse;
mod input;
mod plan;
#[cfg(feature = "std")]
mod quantise;
mod rearrange;
mod recognizer;
mod scratch;
mod slots;
mod step;

#[cfg(feature = "std")]
pub use bench::{BenchOptions, Measured, bench};
pub use error::RuntimeError;
pub use facette_kernels::Level;
pub use fold::fold;
pub use input::Face;
#[cfg(feature = "std")]
pub use quantise::{
    Choice, Drift, QuantiseOptions, Range, Tried, choose, drift, equalise, quantise,
};
pub use recognizer::Recognizer;
pub use scratch::Scratch;
