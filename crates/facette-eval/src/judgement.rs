//! What a protocol found: one JSON object with keys in a fixed order.

use serde::{Deserialize, Serialize};

use crate::metrics::cmc::ProbeMatch;
use crate::metrics::roc::Roc;
use crate::metrics::val_at_far::ValAtFar;
use crate::{EvalError, ModelInfo, NamedValues};

/// The result of one protocol on one model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// Registry name of the protocol.
    pub protocol: String,
    /// The numbers.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// The model they belong to.
    pub model: ModelInfo,
}

/// The numbers of a protocol, by kind of task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "a program holds a handful of them")]
pub enum Outcome {
    /// Are these two the same person?
    Verification(Verification),
    /// Who of the gallery is this?
    Identification(Identification),
    /// Which class is this?
    Classification(Classification),
}

/// Pictures and pairs that could not be judged because a picture is missing or unreadable.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Distinct pictures.
    pub pictures: usize,
    /// Pairs, probes or samples.
    pub samples: usize,
}

/// Result of k-fold verification.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verification {
    /// Pairs judged.
    pub pairs: usize,
    /// Of those, pairs of one person.
    pub same_pairs: usize,
    /// Number of folds. With 1 the threshold was chosen on the pairs it is tested on.
    pub folds: usize,
    /// Side in pixels of the second picture, which is the smaller one where the two differ.
    pub size: usize,
    /// Sides of the first and the second picture.
    pub sizes: [usize; 2],
    /// Whether mirror images were used.
    pub flip: bool,
    /// How: `none`, `sum` or `concat`.
    pub flip_rule: String,
    /// Registry name of the convention by which thresholds were chosen.
    pub convention: String,
    /// The measures.
    #[serde(flatten)]
    pub scores: VerificationScores,
    /// What [`VerificationScores::threshold`] measures and on which side of it a pair is taken for
    /// one person.
    pub threshold_unit: String,
    /// The same measures without mirror images, where those were used.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub without_flip: Option<VerificationScores>,
    /// What was left out.
    pub left_out: LeftOut,
}

/// The measures of verification. Rates are 0..1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VerificationScores {
    /// Mean accuracy over folds.
    pub accuracy: f64,
    /// Its population standard deviation over folds.
    pub accuracy_std: f64,
    /// Area under the exact ROC of all pairs, by squared distance of unit embeddings.
    pub auc: f64,
    /// Equal error rate of that ROC.
    pub eer: f64,
    /// Highest true accept rate at a false accept rate of **at most** the key.
    pub tar_at_far: NamedValues<f64>,
    /// facenet's VAL@FAR: thresholds from the other folds.
    pub val_at_far: NamedValues<ValAtFar>,
    /// Mean of the thresholds chosen for the folds.
    pub threshold: f64,
    /// Accuracy of each fold.
    pub accuracy_per_fold: Vec<f64>,
    /// Threshold chosen for each fold.
    pub threshold_per_fold: Vec<f64>,
}

/// Result of identification. Rates are 0..1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Identification {
    /// Entries of the gallery.
    pub gallery: usize,
    /// Identities in the gallery.
    pub identities: usize,
    /// Probes whose identity is in the gallery.
    pub probes: usize,
    /// Probes whose identity is not.
    pub strangers: usize,
    /// Side in pixels of the probes.
    pub size: usize,
    /// Sides of gallery entries and probes.
    pub sizes: [usize; 2],
    /// Whether mirror images were used.
    pub flip: bool,
    /// How: `none`, `sum` or `concat`.
    pub flip_rule: String,
    /// Seed of the split.
    pub seed: u64,
    /// Share of probes found among the first k, by k.
    pub rank: NamedValues<f64>,
    /// Open set, where there are strangers: share of probes found first **and** above the threshold
    /// that lets in the key's share of strangers.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tpir_at_fpir: Option<NamedValues<Tpir>>,
    /// What was left out.
    pub left_out: LeftOut,
}

/// Open-set identification at one false positive identification rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tpir {
    /// Cosine at and above which a probe is taken for known.
    pub threshold: f64,
    /// Share of strangers at or above it.
    pub fpir: f64,
    /// Share of known probes at or above it and within the first k, by k.
    pub rank: NamedValues<f64>,
}

/// Result of classification. Rates are 0..1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Classification {
    /// Pictures judged.
    pub pictures: usize,
    /// Classes of the model.
    pub classes: usize,
    /// Side in pixels of the pictures.
    pub size: usize,
    /// Whether logits were averaged with those of the mirror image.
    pub flip: bool,
    /// Share of pictures whose class has the largest logit.
    pub top1: f64,
    /// Share of pictures whose class is among the five largest.
    pub top5: f64,
    /// Mean over the classes of the share of their pictures with the right largest logit.
    pub mean_class_accuracy: f64,
    /// Mean cross entropy in nats.
    pub nll: f64,
    /// Expected calibration error with 15 bins.
    pub ece: f64,
    /// Brier score, 0..2.
    pub brier: f64,
    /// What was left out.
    pub left_out: LeftOut,
}

/// A judgement and what figures are drawn from.
#[derive(Debug, Clone)]
pub struct Judged {
    /// The numbers.
    pub judgement: Judgement,
    /// What they were computed from.
    pub evidence: Evidence,
}

/// What a judgement rests on.
#[derive(Debug, Clone)]
pub enum Evidence {
    /// Every pair's distance.
    Pairs(PairEvidence),
    /// Every probe's rank and scores.
    Probes(Vec<ProbeMatch>),
    /// Rank, from 0, of every picture's class.
    Classes(Vec<usize>),
}

/// Distances of all pairs.
#[derive(Debug, Clone)]
pub struct PairEvidence {
    /// Squared distance of the unit embeddings of every pair judged, 0..4.
    pub distances: Vec<f64>,
    /// Whether the pair shows one person.
    pub same: Vec<bool>,
    /// Names of its two pictures.
    pub names: Vec<(String, String)>,
}

impl PairEvidence {
    /// The exact ROC; scores are negative distances.
    ///
    /// # Errors
    /// As [`Roc::new`].
    pub fn roc(&self) -> Result<Roc, EvalError> {
        let scores: Vec<f64> = self.distances.iter().map(|d| -d).collect();
        Roc::new(&scores, &self.same)
    }

    /// The `count` pairs judged most wrongly where a pair is taken for one person below
    /// `threshold`, the worst first.
    pub fn worst(&self, threshold: f64, count: usize) -> Vec<usize> {
        let excess = |i: usize| {
            let over = self.distances[i] - threshold;
            if self.same[i] { over } else { -over }
        };
        let is_wrong = |i: &usize| (self.distances[*i] < threshold) != self.same[*i];
        let mut wrong: Vec<usize> = (0..self.same.len()).filter(is_wrong).collect();
        wrong.sort_by(|&a, &b| excess(b).total_cmp(&excess(a)));
        wrong.truncate(count);
        wrong
    }
}

impl Judgement {
    /// The numbers of verification, where it is one.
    pub fn verification(&self) -> Option<&Verification> {
        match &self.outcome {
            Outcome::Verification(outcome) => Some(outcome),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_pairs_come_first() {
        let evidence = PairEvidence {
            distances: vec![0.5, 1.5, 1.9, 0.9, 0.2],
            same: vec![true, true, true, false, false],
            names: vec![Default::default(); 5],
        };
        assert_eq!(evidence.worst(1.0, 9), [2, 4, 1, 3]);
        assert_eq!(evidence.worst(1.0, 2), [2, 4]);
        assert_eq!(evidence.roc().unwrap().points().len(), 6);
    }
}
