//! Methods, one a file: which streams exist, which learn, and which terms tie them together.

pub mod baseline;
pub mod bridge;
pub mod bridge_adapt;
pub mod dml;
pub mod ekd;
/// The method that CONTRIBUTING adds, compiled and tested where it would stand.
#[cfg(test)]
#[path = "../../../../docs/examples/method.rs"]
pub mod example;
pub mod feature;
pub mod kd;
pub mod none;
pub mod terms;

use crate::method::MethodSpec;

/// Every method recipes may name.
pub const METHODS: &[&dyn MethodSpec] = &[
    &none::NoneSpec,
    &kd::KdSpec,
    &feature::FeatureSpec,
    &bridge::BridgeSpec,
    &bridge_adapt::BridgeAdaptSpec,
    &baseline::FITNET,
    &baseline::AT,
    &baseline::SP,
    &baseline::CC,
    &baseline::CCKD,
    &baseline::VID,
    &baseline::RKD,
    &baseline::PKT,
    &baseline::NST,
    &baseline::CRD,
    &baseline::DKD,
    &dml::DmlSpec,
    &ekd::EkdSpec,
    &terms::TermsSpec,
];
