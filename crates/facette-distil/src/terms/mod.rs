//! Losses, one a file: the pure function, the term that owns what the loss learns, and its entry
//! in [`TERMS`].

pub mod centre;
pub mod cosine;
pub mod cross_entropy;
pub mod kd;
pub mod relation;
pub mod squared;

use crate::heads::{arcface, cosface, normface, softmax};
use crate::term::TermSpec;

/// Every term recipes may name, heads included.
pub const TERMS: &[&dyn TermSpec] = &[
    &cross_entropy::CrossEntropySpec,
    &kd::KdSpec,
    &squared::SquaredSpec,
    &cosine::CosineSpec,
    &relation::RelationSpec,
    &centre::CentreSpec,
    &softmax::SoftmaxSpec,
    &normface::NormFaceSpec,
    &arcface::ArcFaceSpec,
    &cosface::CosFaceSpec,
];
