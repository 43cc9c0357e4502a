//! What each case means in terms of this crate, one case a file.

use burn::tensor::Tensor;

use crate::case::Case;

mod arcface;
mod cosface;
mod cross_entropy;
mod kd;
mod softmax;

/// What a runner computed for an output.
pub(crate) enum Found {
    /// A loss, whose gradient is compared too.
    Loss(Tensor<1>),
    /// Values, flat.
    Values(Tensor<1>),
}

/// How a case is computed here.
pub(crate) struct Runner {
    /// Name in the index.
    pub(crate) case: &'static str,
    /// Computes an output; none for conventions this crate does not offer.
    pub(crate) run: fn(&Case, &str) -> Option<Found>,
    /// Outputs whose gradient at kinks of degenerate inputs is a convention.
    pub(crate) kinked: &'static [&'static str],
}

/// Every case this crate can compute.
pub(crate) const RUNNERS: &[Runner] = &[
    Runner { case: "ce_label_smoothing", run: cross_entropy::run, kinked: &[] },
    Runner { case: "kd", run: kd::run, kinked: &[] },
    Runner { case: "softmax_linear", run: softmax::run, kinked: &[] },
    Runner { case: "arcface_fallback", run: arcface::fallback, kinked: &[] },
    Runner { case: "arcface_true", run: arcface::saturated, kinked: &[] },
    Runner { case: "arcface_insightface", run: arcface::straight_through, kinked: &[] },
    Runner { case: "arcface_opensphere", run: arcface::straight_through_unit, kinked: &[] },
    Runner { case: "cosface", run: cosface::run, kinked: &[] },
];

/// Cases whose terms are still to be written.
pub(crate) const NOT_YET_BUILT: &[&str] = &[
    "ab",
    "adaface",
    "at",
    "cc",
    "cckd_gaussian",
    "crd",
    "darkrank",
    "dkd",
    "dml",
    "ekd",
    "fitnet",
    "fsp",
    "ft",
    "horkd",
    "nst",
    "okddip",
    "one_gate",
    "pkt",
    "rkd_angle",
    "rkd_distance",
    "selfkd_byot",
    "sp",
    "sphereface_asoftmax",
    "sphereface_opensphere",
    "triplet",
    "vid",
];
