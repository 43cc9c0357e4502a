//! What a network is, without a tensor framework: its graph, its counts, its card and its student
//! file.
//!
//! A [`Graph`] is a list of nodes in execution order. The trainable executor, the runtime, the
//! exporters and `inspect` all read the same graph, so a network is described once.
//!
//! Without the feature `std`, which is on by default, student files and state dicts are read from
//! bytes and written to bytes; `alloc` is all that is needed.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod array;
mod assemble;
mod build;
mod card;
mod check;
mod count;
mod error;
mod file;
mod graph;
mod import;
mod op;
mod quantisation;
mod safetensors_file;
mod strict_json;
mod tensor;
#[cfg(feature = "std")]
mod write;

pub use array::{Array, Arrays};
pub use assemble::Part;
pub use build::Builder;
pub use card::{
    Accuracy, CARD_VERSION, Card, ChannelOrder, EmbeddingCard, InputCard, Norm, Threshold,
};
pub use count::Counts;
pub use error::GraphError;
pub use file::StudentFile;
pub use graph::{Graph, Input, Node, NodeId, Taps};
pub use import::{Imported, StateDict};
pub use op::{Conv, Op, Pool, Shape};
pub use quantisation::{ByteCode, Gate, Quantisation};
pub use tensor::{TensorKind, TensorSpec};
