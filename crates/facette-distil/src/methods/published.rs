//! The published baselines: which terms, at which weights.
//!
//! Where a source says nothing of labels and soft logits, labels stand at weight 1 and soft logits at 0. Methods whose
//! published form has stages of training say so: each stage names its method.

use super::baseline::{Baseline, PLAIN};

/// FitNet's hints.
pub const FITNET: Baseline = Baseline {
    id: "fitnet",
    about: "the map of one stage, regressed, beside the labels",
    source: "arXiv 1412.6550; HobbitLong/RepDistiller",
    terms: &[("fitnet", 100.0, "")],
    ..PLAIN
};

/// Attention transfer.
pub const AT: Baseline = Baseline {
    id: "at",
    about: "where in the picture the teacher is active, beside the labels",
    source: "arXiv 1612.03928; HobbitLong/RepDistiller",
    terms: &[("at", 1000.0, "")],
    ..PLAIN
};

/// Similarity preservation.
pub const SP: Baseline = Baseline {
    id: "sp",
    about: "which pictures excite the last stage alike, beside the labels",
    source: "arXiv 1907.09682; HobbitLong/RepDistiller",
    terms: &[("sp", 3000.0, "")],
    ..PLAIN
};

/// RepDistiller's correlation.
pub const CC: Baseline = Baseline {
    id: "cc",
    about: "errors of neighbouring pictures in a learned space, beside the labels",
    source: "HobbitLong/RepDistiller",
    terms: &[("cc", 0.02, "")],
    ..PLAIN
};

/// Correlation congruence.
pub const CCKD: Baseline = Baseline {
    id: "cckd",
    about: "Gaussian kernel matrices of the batch, beside the labels",
    source: "arXiv 1904.01802 with RepDistiller's weight of its surrogate",
    terms: &[("cckd", 0.02, "")],
    ..PLAIN
};

/// Variational information distillation.
pub const VID: Baseline = Baseline {
    id: "vid",
    about: "maps that predict the teacher's, beside the labels",
    source: "arXiv 1904.05835; HobbitLong/RepDistiller",
    terms: &[("vid", 1.0, "")],
    ..PLAIN
};

/// Relational distillation.
pub const RKD: Baseline = Baseline {
    id: "rkd",
    about: "relative distances and angles of the batch, beside the labels",
    source: "arXiv 1904.05068; HobbitLong/RepDistiller",
    terms: &[("rkd_distance", 25.0, ""), ("rkd_angle", 50.0, "")],
    ..PLAIN
};

/// Probabilistic knowledge transfer.
pub const PKT: Baseline = Baseline {
    id: "pkt",
    about: "who is near whom in the batch, beside the labels",
    source: "arXiv 1803.10837; HobbitLong/RepDistiller",
    terms: &[("pkt", 30000.0, "")],
    ..PLAIN
};

/// Neuron selectivity transfer.
pub const NST: Baseline = Baseline {
    id: "nst",
    about: "what channels respond to, beside the labels",
    source: "arXiv 1707.01219; HobbitLong/RepDistiller",
    terms: &[("nst", 50.0, "")],
    ..PLAIN
};

/// Contrastive representation distillation.
pub const CRD: Baseline = Baseline {
    id: "crd",
    about: "the teacher's view of a picture told from others', beside the labels",
    source: "arXiv 1910.10699; HobbitLong/RepDistiller",
    terms: &[("crd", 0.8, "")],
    ..PLAIN
};

/// Decoupled distillation.
pub const DKD: Baseline = Baseline {
    id: "dkd",
    about: "the label's probability and the rest's ranking apart, beside the labels",
    source: "arXiv 2203.08679; megvii-research/mdistiller",
    terms: &[("dkd", 1.0, "")],
    ..PLAIN
};

/// Activation boundaries: an initial stage without labels, then labels alone (`none`). RepDistiller takes 30 epochs of it.
pub const AB: Baseline = Baseline {
    id: "ab",
    about: "an initial stage: on which side of zero each neuron stands; labels alone follow",
    source: "arXiv 1811.03233; HobbitLong/RepDistiller helper/pretrain.py",
    gamma: 0.0,
    terms: &[("ab", 1.0, "")],
    ..PLAIN
};

/// Flow of the solution procedure: an initial stage without labels, then labels alone (`none`).
pub const FSP: Baseline = Baseline {
    id: "fsp",
    about: "an initial stage: how one stage leads to the next; labels alone follow",
    source: "Yim et al., CVPR 2017; HobbitLong/RepDistiller helper/pretrain.py",
    gamma: 0.0,
    terms: &[("fsp", 1.0, "")],
    ..PLAIN
};

/// Factor transfer.
pub const FT: Baseline = Baseline {
    id: "ft",
    about: "a translation of the last map against a paraphrase of the teacher's, beside the labels",
    source: "arXiv 1802.04977; HobbitLong/RepDistiller",
    terms: &[("ft", 200.0, "")],
    ..PLAIN
};

/// DarkRank, hard form, beside a triplet loss.
pub const DARKRANK: Baseline = Baseline {
    id: "darkrank",
    about: "the teacher's order of nearest neighbours beside a triplet loss",
    source: "arXiv 1707.01220; lenscloth/RKD run_distill.py (alpha 2, margin 0.2)",
    gamma: 0.0,
    terms: &[("triplet", 1.0, "margin = 0.2"), ("darkrank", 1.0, "alpha = 2.0")],
    ..PLAIN
};

/// Metric distillation from a relative teacher beside a triplet loss.
pub const MKD: Baseline = Baseline {
    id: "mkd",
    about: "distances of the batch against the teacher's beside a triplet loss",
    source: "Yu et al., CVPR 2019; yulu0724/EmbeddingDistillation (lambda of its figures, 0.1)",
    gamma: 0.0,
    terms: &[("triplet", 1.0, ""), ("mkd", 0.1, "")],
    ..PLAIN
};

/// Attention-based feature distillation.
pub const AFD: Baseline = Baseline {
    id: "afd",
    about: "teacher stages against the student stages they attend to, and soft logits",
    source: "arXiv 2102.02973; clovaai/attention-feature-distillation",
    gamma: 0.1,
    alpha: 0.9,
    terms: &[("afd", 200.0, "")],
    ..PLAIN
};

/// Knowledge review.
pub const REVIEWKD: Baseline = Baseline {
    id: "reviewkd",
    about: "stages fused from the deepest against the teacher's, beside the labels",
    source: "arXiv 2104.09044; megvii-research/mdistiller (weight 1; 0.6 to 8 by pair)",
    terms: &[("reviewkd", 1.0, "")],
    ..PLAIN
};

/// Singular value decomposition.
pub const KDSVD: Baseline = Baseline {
    id: "kdsvd",
    about: "how the leading directions of stages that follow each other relate, beside the labels",
    source: "Lee et al., ECCV 2018; HobbitLong/RepDistiller",
    terms: &[("kdsvd", 1.0, "")],
    ..PLAIN
};

/// Distillation with the reused teacher classifier.
pub const SIMKD: Baseline = Baseline {
    id: "simkd",
    about: "the embedding regressed to the teacher's feature; its classifier is reused",
    source: "arXiv 2203.14001; DefangChen/SimKD (the projector is the embedding layer)",
    gamma: 0.0,
    terms: &[("squared", 1.0, "project = \"none\"")],
    ..PLAIN
};

/// Selective distillation, after a stage of labels alone.
pub const SKD: Baseline = Baseline {
    id: "skd",
    about: "identities, and regression to the teacher of the faces a graph energy selects",
    source: "arXiv 1811.09998 (selection reconstructed)",
    gamma: 0.0,
    terms: &[("softmax", 1.0, ""), ("selective", 1.0, "")],
    ..PLAIN
};

/// Few-shot refinement, after a stage of `bridge`.
pub const FSLR: Baseline = Baseline {
    id: "fslr",
    about: "episodes: a relation module beside a little of the first stage's losses",
    source: "Ge et al., ACM MM 2019 (reconstructed)",
    gamma: 0.0,
    terms: &[("relation_module", 1.0, ""), ("softmax", 0.1, ""), ("squared", 0.1, "")],
    ..PLAIN
};

/// Distillation from a stronger teacher.
pub const DIST: Baseline = Baseline {
    id: "dist",
    about: "class scores that correlate with the teacher's, beside the labels",
    source: "arXiv 2205.10536; hunto/DIST_KD",
    terms: &[("dist", 1.0, "")],
    ..PLAIN
};

/// Similarity transfer.
pub const STKD: Baseline = Baseline {
    id: "stkd",
    about: "virtual pictures: mixed labels, the teacher's view of them and of their halves",
    source: "arXiv 2103.10047 (weights reconstructed)",
    gamma: 0.0,
    terms: &[("stkd", 1.0, "")],
    mixes: true,
    ..PLAIN
};

/// Hybrid order relational distillation; both of its stages, teacher to assistant and assistant to student.
pub const HORKD: Baseline = Baseline {
    id: "horkd",
    about: "instances, pairs, triples and class centres of the batch, beside the labels",
    source: "arXiv 2409.05384; teacher to assistant, then assistant to student",
    terms: &[("horkd", 1.0, "")],
    ..PLAIN
};

/// Route-constrained optimisation.
pub const RCO: Baseline = Baseline {
    id: "rco",
    about: "soft logits of anchors on the way the teacher came, one after the other",
    source: "arXiv 1904.09149 (equal intervals; weights of RepDistiller's kd)",
    gamma: 0.1,
    alpha: 0.9,
    route: true,
    ..PLAIN
};

/// PocketNet's multi-step distillation.
pub const POCKETNET_MULTISTEP: Baseline = Baseline {
    id: "pocketnet-multistep",
    about: "a margin head, and regression to the teacher as it was at the same epoch",
    source: "arXiv 2108.10710; fdbtrs/PocketNet train_mulit_step_kd.sh",
    gamma: 0.0,
    terms: &[("arcface", 1.0, ""), ("squared", 100.0, "normalise = true")],
    route: true,
    ..PLAIN
};

/// One hop of a chain of teacher assistants.
pub const TA: Baseline = Baseline {
    id: "ta",
    about: "one hop from teacher to assistant to student: soft logits beside the labels",
    source: "arXiv 1902.03393; imirzadeh/Teacher-Assistant-Knowledge-Distillation (searches both)",
    gamma: 0.5,
    alpha: 0.5,
    temperature: 5.0,
    ..PLAIN
};

/// Snapshot distillation: the last snapshot of a cycle teaches the next cycle.
pub const SNAPSHOT: Baseline = Baseline {
    id: "snapshot",
    about: "one cycle: labels, and the end of the last cycle as a teacher softened alone",
    source: "arXiv 1812.00123 (asymmetric temperature 2)",
    terms: &[(
        "kd",
        1.0,
        "temperature = 2.0\nstudent_temperature = 1.0\nsquared_temperature = false",
    )],
    ..PLAIN
};

/// Proxyless distillation.
pub const PROXYLESS: Baseline = Baseline {
    id: "proxyless",
    about: "a margin softmax by the teacher's frozen class weights, and nothing else",
    source: "arXiv 2011.00265 (details reconstructed)",
    gamma: 0.0,
    terms: &[("proxyless", 1.0, "")],
    ..PLAIN
};

/// Adaptive distillation.
pub const ADADISTILL: Baseline = Baseline {
    id: "adadistill",
    about: "a margin softmax whose class centres follow the teacher's embeddings, and nothing else",
    source: "arXiv 2407.01332; fdbtrs/AdaDistill",
    gamma: 0.0,
    terms: &[("adadistill", 1.0, "")],
    ..PLAIN
};

/// Feature similarity distillation.
pub const FSKD: Baseline = Baseline {
    id: "fskd",
    about: "a margin head, stage maps that point as the teacher's and relate alike within a person",
    source: "arXiv 2303.04681; gist-ailab/feature-similarity-KD",
    gamma: 0.0,
    terms: &[("cosface", 1.0, ""), ("fskd", 1.0, "")],
    ..PLAIN
};

/// Margin distillation.
pub const MARGIN_DISTILLATION: Baseline = Baseline {
    id: "margin-distillation",
    about: "a margin softmax by the teacher's frozen class weights, margins by its certainty",
    source: "arXiv 2003.02586; david-svitov/margindistillation",
    gamma: 0.0,
    terms: &[("margin_distillation", 1.0, "")],
    ..PLAIN
};
