//! What a network is, without a tensor framework: its graph, its counts, its card and its student
//! file.
//!
//! A [`Graph`] is a list of nodes in execution order. The trainable executor, the runtime, the
//! exporters and `inspect` all read the same graph, so a network is described once.

mod build;
mod count;
mod error;
mod graph;
mod op;
mod tensor;

pub use build::Builder;
pub use count::Counts;
pub use error::GraphError;
pub use graph::{Graph, Input, Node, NodeId, Taps};
pub use op::{Conv, Op, Pool, Shape};
pub use tensor::{TensorKind, TensorSpec};
