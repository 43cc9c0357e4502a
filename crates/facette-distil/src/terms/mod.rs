//! Losses, one a file: the pure function, the term that owns what the loss learns, and its entry
//! in [`TERMS`].

pub mod ab;
pub mod afd;
pub mod at;
pub mod cc;
pub mod cckd;
pub mod centre;
pub mod cl_ilr;
pub mod coral;
pub mod cosine;
pub mod crd;
pub mod cross_entropy;
pub mod darkrank;
pub mod dist;
pub mod dkd;
pub mod fitnet;
pub mod fskd;
pub mod fsp;
pub mod ft;
pub mod horkd;
pub mod kd;
pub mod kdsvd;
pub mod maps;
pub mod mkd;
pub mod nst;
pub mod okddip;
pub mod one;
pub mod paraphraser;
pub mod pkt;
pub mod relation;
pub mod relation_module;
pub mod reviewkd;
pub mod rkd_angle;
pub mod rkd_distance;
pub mod selective;
pub mod self_kd;
pub mod sp;
pub mod squared;
pub mod stkd;
pub mod subset_kd;
pub mod triplet;
pub mod vid;

use crate::heads::{
    adadistill, adaface, arcface, asoftmax, cosface, margin_distillation, normface, proxyless,
    softmax, sphereface,
};
use crate::term::TermSpec;

/// Every term recipes may name, heads included.
pub const TERMS: &[&dyn TermSpec] = &[
    &cross_entropy::CrossEntropySpec,
    &kd::KdSpec,
    &squared::SquaredSpec,
    &cosine::CosineSpec,
    &relation::RelationSpec,
    &coral::CoralSpec,
    &rkd_distance::RkdDistanceSpec,
    &rkd_angle::RkdAngleSpec,
    &pkt::PktSpec,
    &cc::CcSpec,
    &cckd::CckdSpec,
    &darkrank::DarkRankSpec,
    &mkd::MkdSpec,
    &dkd::DkdSpec,
    &dist::DistSpec,
    &stkd::StkdSpec,
    &subset_kd::SubsetKdSpec,
    &at::AtSpec,
    &sp::SpSpec,
    &nst::NstSpec,
    &fsp::FspSpec,
    &fitnet::FitNetSpec,
    &fskd::FskdSpec,
    &vid::VidSpec,
    &maps::MapsSpec,
    &ab::AbSpec,
    &ft::FtSpec,
    &afd::AfdSpec,
    &reviewkd::ReviewKdSpec,
    &kdsvd::KdSvdSpec,
    &crd::CrdSpec,
    &horkd::HorkdSpec,
    &selective::SelectiveSpec,
    &relation_module::RelationModuleSpec,
    &self_kd::SelfKdSpec,
    &cl_ilr::ClIlrSpec,
    &one::OneSpec,
    &okddip::OkddipSpec,
    &centre::CentreSpec,
    &triplet::TripletSpec,
    &softmax::SoftmaxSpec,
    &normface::NormFaceSpec,
    &arcface::ArcFaceSpec,
    &cosface::CosFaceSpec,
    &asoftmax::ASoftmaxSpec,
    &sphereface::SphereFaceSpec,
    &adaface::AdaFaceSpec,
    &adadistill::AdaDistillSpec,
    &proxyless::ProxylessSpec,
    &margin_distillation::MarginDistillationSpec,
];
