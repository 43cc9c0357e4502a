//! What each case means in terms of this crate, one case a file.

use burn::tensor::Tensor;

use crate::case::Case;

mod adaface;
mod arcface;
mod cosface;
mod crd;
mod cross_entropy;
mod dkd;
mod dml;
mod ekd;
mod ft;
mod horkd;
mod kd;
mod maps;
mod okddip;
mod one;
mod regressors;
mod relations;
mod self_kd;
mod softmax;
mod sphereface;
mod triplet;

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
    Runner { case: "dkd", run: dkd::run, kinked: &[] },
    Runner { case: "rkd_distance", run: relations::rkd_distance, kinked: &["rep_combined"] },
    Runner { case: "rkd_angle", run: relations::rkd_angle, kinked: &["loss", "td"] },
    Runner { case: "pkt", run: relations::pkt, kinked: &[] },
    Runner { case: "cc", run: relations::correlation, kinked: &[] },
    Runner { case: "cckd_gaussian", run: relations::cckd_gaussian, kinked: &[] },
    Runner { case: "darkrank", run: relations::darkrank, kinked: &[] },
    Runner { case: "at", run: maps::at, kinked: &[] },
    Runner { case: "sp", run: maps::sp, kinked: &["loss"] },
    Runner { case: "nst", run: maps::nst, kinked: &[] },
    Runner { case: "fsp", run: maps::fsp, kinked: &[] },
    Runner { case: "ab", run: maps::ab, kinked: &[] },
    Runner { case: "fitnet", run: regressors::fitnet, kinked: &[] },
    Runner { case: "vid", run: regressors::vid, kinked: &[] },
    Runner { case: "ft", run: ft::run, kinked: &[] },
    Runner { case: "crd", run: crd::run, kinked: &[] },
    Runner { case: "horkd", run: horkd::run, kinked: horkd::KINKED },
    Runner { case: "dml", run: dml::run, kinked: &[] },
    Runner { case: "one_gate", run: one::run, kinked: &[] },
    Runner { case: "okddip", run: okddip::run, kinked: &[] },
    Runner { case: "selfkd_byot", run: self_kd::run, kinked: &[] },
    Runner { case: "ekd", run: ekd::run, kinked: &[] },
    Runner { case: "triplet", run: triplet::run, kinked: triplet::KINKED },
    Runner { case: "softmax_linear", run: softmax::run, kinked: &[] },
    Runner { case: "arcface_fallback", run: arcface::fallback, kinked: &[] },
    Runner { case: "arcface_true", run: arcface::saturated, kinked: &[] },
    Runner { case: "arcface_insightface", run: arcface::straight_through, kinked: &[] },
    Runner { case: "arcface_opensphere", run: arcface::straight_through_unit, kinked: &[] },
    Runner { case: "cosface", run: cosface::run, kinked: &[] },
    Runner { case: "sphereface_asoftmax", run: sphereface::asoftmax, kinked: &[] },
    Runner { case: "sphereface_opensphere", run: sphereface::opensphere, kinked: &[] },
    Runner { case: "adaface", run: adaface::run, kinked: &[] },
];
