//! Methods, one a file: which streams exist, which learn, and which terms tie them together.

pub mod bridge;
pub mod bridge_adapt;
pub mod dml;
pub mod ekd;
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
    &dml::DmlSpec,
    &ekd::EkdSpec,
    &terms::TermsSpec,
];
