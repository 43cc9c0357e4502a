//! Losses, one a file: the pure function, the term that owns what the loss learns, and its entry
//! in [`TERMS`].

pub mod ab;
pub mod at;
pub mod cc;
pub mod cckd;
pub mod centre;
pub mod cosine;
pub mod crd;
pub mod cross_entropy;
pub mod darkrank;
pub mod dkd;
pub mod fitnet;
pub mod fsp;
pub mod ft;
pub mod horkd;
pub mod kd;
pub mod nst;
pub mod paraphraser;
pub mod pkt;
pub mod relation;
pub mod rkd_angle;
pub mod rkd_distance;
pub mod self_kd;
pub mod sp;
pub mod squared;
pub mod triplet;
pub mod vid;

use crate::heads::{adaface, arcface, asoftmax, cosface, normface, softmax, sphereface};
use crate::term::TermSpec;

/// Every term recipes may name, heads included.
pub const TERMS: &[&dyn TermSpec] = &[
    &cross_entropy::CrossEntropySpec,
    &kd::KdSpec,
    &squared::SquaredSpec,
    &cosine::CosineSpec,
    &relation::RelationSpec,
    &rkd_distance::RkdDistanceSpec,
    &rkd_angle::RkdAngleSpec,
    &pkt::PktSpec,
    &cc::CcSpec,
    &cckd::CckdSpec,
    &darkrank::DarkRankSpec,
    &dkd::DkdSpec,
    &at::AtSpec,
    &sp::SpSpec,
    &nst::NstSpec,
    &fsp::FspSpec,
    &fitnet::FitNetSpec,
    &vid::VidSpec,
    &ab::AbSpec,
    &ft::FtSpec,
    &crd::CrdSpec,
    &horkd::HorkdSpec,
    &self_kd::SelfKdSpec,
    &centre::CentreSpec,
    &triplet::TripletSpec,
    &softmax::SoftmaxSpec,
    &normface::NormFaceSpec,
    &arcface::ArcFaceSpec,
    &cosface::CosFaceSpec,
    &asoftmax::ASoftmaxSpec,
    &sphereface::SphereFaceSpec,
    &adaface::AdaFaceSpec,
];
