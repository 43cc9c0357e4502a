//! Heads: terms that classify by the embedding with class weights of their own, which stay
//! behind when training ends.

pub mod angular;
pub mod arcface;
pub mod cosface;
pub mod normface;
pub mod softmax;
