//! Networks: what they cost, what they compute, what they learn, and how they are kept.

mod golden;
mod gradients;
mod onnx;
mod onnx_bytes;
mod plans;
mod precision;
mod registry;
mod runtime;
mod shared_data;
mod support;
mod weights;
