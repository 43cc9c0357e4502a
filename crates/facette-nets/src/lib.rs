//! Networks: the registry of architectures, and a trainable executor with taps at every stage.
//!
//! A [`Network`] runs a [`facette_graph::Graph`] on any device of the training framework. Its
//! weights are a flat, named list ([`Parameters`]) with PyTorch's names, so that optimisers,
//! checkpoints and student files need to know nothing of architectures.

mod error;
pub mod fast;
mod knowledge;
mod nets;
mod network;
mod onnx;
pub mod ops;
mod parameters;
mod plan;
mod precision;
mod registry;
mod settings;
mod spec;
mod weights;

pub use error::NetsError;
pub use knowledge::Knowledge;
pub use network::{Mode, Network};
pub use onnx::{OnnxModel, OnnxOptions};
pub use parameters::{Init, Parameter, Parameters, read};
pub use plan::{Shared, Wanted};
pub use precision::Precision;
pub use registry::{NETS, build, find};
pub use spec::{Entry, NetOptions, NetSpec};
