//! Heads: terms that classify by the embedding with class weights of their own, which stay
//! behind when training ends.

pub mod adadistill;
pub mod adaface;
pub mod angular;
pub mod arcface;
pub mod asoftmax;
pub mod cosface;
pub(crate) mod inherited;
pub mod margin_distillation;
pub mod normface;
pub mod proxyless;
pub mod softmax;
pub mod sphereface;
