//! Methods, one a file: which streams exist, which learn, and which terms tie them together.

pub mod alone;
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
pub mod mdd;
pub mod none;
pub mod published;
pub mod relational_subsets;
pub mod reskd;
pub mod rim;
pub mod rim_fhn;
pub mod terms;

use crate::method::MethodSpec;

/// Every method recipes may name.
pub const METHODS: &[&dyn MethodSpec] = &[
    &none::NoneSpec,
    &kd::KdSpec,
    &feature::FeatureSpec,
    &bridge::BridgeSpec,
    &bridge_adapt::BridgeAdaptSpec,
    &published::FITNET,
    &published::AT,
    &published::SP,
    &published::CC,
    &published::CCKD,
    &published::VID,
    &published::RKD,
    &published::PKT,
    &published::NST,
    &published::CRD,
    &published::DKD,
    &published::AB,
    &published::FSP,
    &published::FT,
    &published::DARKRANK,
    &published::MKD,
    &published::AFD,
    &published::REVIEWKD,
    &published::KDSVD,
    &published::DIST,
    &published::STKD,
    &published::HORKD,
    &published::SIMKD,
    &published::SKD,
    &published::FSLR,
    &published::PROXYLESS,
    &published::MARGIN_DISTILLATION,
    &published::ADADISTILL,
    &published::FSKD,
    &published::RCO,
    &published::POCKETNET_MULTISTEP,
    &published::TA,
    &reskd::ResKdSpec,
    &rim_fhn::RimFhnSpec,
    &rim::RimSpec,
    &mdd::MddSpec,
    &relational_subsets::RelationalSubsetsSpec,
    &published::SNAPSHOT,
    &dml::DmlSpec,
    &alone::CL_ILR,
    &alone::ONE,
    &alone::OKDDIP,
    &alone::SELF_KD,
    &ekd::EkdSpec,
    &terms::TermsSpec,
];
