//! Triplet loss: a picture is nearer to another of its identity than to any of another's, by a margin.
//!
//! ```text
//! L = mean over triplets of max( d(a, p) - d(a, n) + margin, 0 )
//! ```
//!
//! | `mining` | triplets | source |
//! |---|---|---|
//! | `batch_hard` | every anchor with its farthest positive (itself where it has no other) and nearest negative | KaiyangZhou/deep-person-reid, margin 0.3 |
//! | `batch_hard_pairs` | the same for anchors that have another positive | pytorch-metric-learning's `BatchHardMiner`, there with `normalise`, `violating_only` and margin 0.2 |
//! | `hard_negative` | every positive pair with the anchor's nearest negative | lenscloth/RKD, margin 0.2 |
//! | `semi_hard` | every positive pair with the nearest negative beyond the positive, or else the farthest | lenscloth/RKD |
//! | `all` | every positive pair with every negative | lenscloth/RKD |
//!
//! Distances are Euclidean, not squared; coinciding pictures get no gradient from each other. Deviation:
//! RKD's forms add 1e-6 to every difference (PyTorch's `triplet_margin_loss`), this does not.
//! Source of the idea: Schroff et al. 2015 (arXiv 1503.03832); batch-hard: Hermans et al. 2017
//! (arXiv 1703.07737).

use burn::tensor::{Int, Tensor, TensorData};
use facette_nets::{Knowledge, read};
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::error::DistilError;
use crate::normalise::{EPS, rows};
use crate::pairs::squared_distances;
use crate::settings::{self, within};
use crate::term::{Context, Needs, Term, TermSpec};

/// Which triplets of a batch count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mining {
    /// Farthest positive, the anchor itself where it has no other, and nearest negative.
    BatchHard,
    /// The same for anchors that have another positive.
    BatchHardPairs,
    /// Every positive pair with the nearest negative.
    HardNegative,
    /// Every positive pair with the nearest negative beyond it, or else the farthest.
    SemiHard,
    /// Every positive pair with every negative.
    All,
}

/// Triplets `(anchor, positive, negative)` of pictures with these `labels` and squared distances
/// (row after row).
pub fn mine(squares: &[f32], labels: &[usize], mining: Mining) -> Vec<[usize; 3]> {
    let n = labels.len();
    let mut triplets = Vec::new();
    for a in 0..n {
        let d = |other: usize| squares[a * n + other];
        let nearer = |x: &usize, y: &usize| d(*x).total_cmp(&d(*y)).then(x.cmp(y));
        let farther = |x: &usize, y: &usize| d(*x).total_cmp(&d(*y)).then(y.cmp(x));
        let positives = || (0..n).filter(|&p| p != a && labels[p] == labels[a]);
        let negatives = || (0..n).filter(|&other| labels[other] != labels[a]);
        let Some(nearest) = negatives().min_by(nearer) else { continue };
        match mining {
            Mining::BatchHard => {
                let farthest = positives().max_by(farther).unwrap_or(a);
                triplets.push([a, farthest, nearest]);
            }
            Mining::BatchHardPairs => {
                triplets.extend(positives().max_by(farther).map(|p| [a, p, nearest]));
            }
            Mining::HardNegative => triplets.extend(positives().map(|p| [a, p, nearest])),
            Mining::SemiHard => triplets.extend(positives().map(|p| {
                let beyond = negatives().filter(|&other| d(other) > d(p)).min_by(nearer);
                [a, p, beyond.or_else(|| negatives().max_by(farther)).unwrap_or(nearest)]
            })),
            Mining::All => {
                triplets.extend(positives().flat_map(|p| negatives().map(move |o| [a, p, o])));
            }
        }
    }
    triplets
}

/// Triplet loss of embeddings `x` `[n, d]` over `triplets`: mean over all, or over those that
/// violate the margin; `[1]`. 0 without triplets.
pub fn triplet(
    x: Tensor<2>,
    triplets: &[[usize; 3]],
    margin: f64,
    violating_only: bool,
) -> Tensor<1> {
    if triplets.is_empty() {
        return x.sum().mul_scalar(0.0);
    }
    let device = x.device();
    let pick = |place: usize| {
        let indices: Vec<i64> = triplets.iter().map(|t| t[place] as i64).collect();
        let length = indices.len();
        let indices = Tensor::<1, Int>::from_data(TensorData::new(indices, [length]), &device);
        x.clone().select(0, indices)
    };
    let anchors = pick(0);
    let distance =
        |other: Tensor<2>| (anchors.clone() - other).square().sum_dim(1).clamp_min(1e-12).sqrt();
    let losses = (distance(pick(1)) - distance(pick(2)) + margin).clamp_min(0.0);
    if !violating_only {
        return losses.mean();
    }
    let violating = losses.clone().detach().greater_elem(0.0).float().sum();
    losses.sum() / violating.clamp_min(1.0)
}

/// Settings of the term.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    mining: Mining,
    margin: f64,
    /// Whether embeddings are divided by their lengths first.
    normalise: bool,
    /// Whether the mean is over the triplets that violate the margin.
    violating_only: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { mining: Mining::BatchHard, margin: 0.3, normalise: false, violating_only: false }
    }
}

/// The entry `triplet`.
pub struct TripletSpec;

struct Triplet {
    settings: Settings,
    classes: usize,
}

impl TermSpec for TripletSpec {
    fn id(&self) -> &'static str {
        "triplet"
    }

    fn about(&self) -> &'static str {
        "pictures of one identity nearer than those of others, by a margin"
    }

    fn source(&self) -> &'static str {
        "arXiv 1703.07737; KaiyangZhou/deep-person-reid hard_mine_triplet_loss.py"
    }

    fn needs(&self) -> Needs {
        Needs { embedding: true, labels: true, ..Needs::default() }
    }

    fn defaults(&self) -> toml::Table {
        settings::defaults::<Settings>()
    }

    fn build(
        &self,
        settings: &toml::Table,
        context: &Context<'_>,
    ) -> Result<Box<dyn Term>, DistilError> {
        let settings: Settings = settings::read(self.id(), settings)?;
        within(self.id(), "margin", settings.margin, 0.0, f64::INFINITY)?;
        let classes = context.classes(self.id())?;
        Ok(Box::new(Triplet { settings, classes }))
    }
}

impl Term for Triplet {
    fn name(&self) -> &str {
        TripletSpec.id()
    }

    fn loss(
        &mut self,
        student: &Knowledge,
        _target: Option<&Knowledge>,
        batch: &Batch,
    ) -> Result<Tensor<1>, DistilError> {
        let Settings { mining, margin, normalise, violating_only } = self.settings;
        let x = student.embedding.clone();
        batch.labels(self.name(), x.dims()[0], self.classes)?;
        let x = if normalise { rows(x, EPS) } else { x };
        let squares = read(self.name(), &squared_distances(x.clone().detach()))?;
        let triplets = mine(&squares, &batch.labels, mining);
        Ok(triplet(x, &triplets, margin, violating_only))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{device, scalar};

    /// Pictures at 0, 1, 5 of one identity, at 2 and 9 of another, at 20 alone.
    const AT: [f32; 6] = [0.0, 1.0, 5.0, 2.0, 9.0, 20.0];
    const LABELS: [usize; 6] = [0, 0, 0, 1, 1, 2];

    fn mined(mining: Mining) -> Vec<[usize; 3]> {
        let squares: Vec<f32> =
            AT.iter().flat_map(|a| AT.iter().map(move |b| (a - b) * (a - b))).collect();
        mine(&squares, &LABELS, mining)
    }

    #[test]
    fn triplets_by_hand() {
        let hard = [[0, 2, 3], [1, 2, 3], [2, 0, 3], [3, 4, 1], [4, 3, 2], [5, 5, 4]];
        assert_eq!(mined(Mining::BatchHard), hard);
        assert_eq!(mined(Mining::BatchHardPairs), hard[..5]);
        assert_eq!(mined(Mining::HardNegative)[..2], [[0, 1, 3], [0, 2, 3]]);
        // From 0: beyond 1 the nearest is at 2, beyond 5 at 9. From 9: none beyond 7 but 20 and 0.
        assert_eq!(mined(Mining::SemiHard)[..2], [[0, 1, 3], [0, 2, 4]]);
        assert_eq!(mined(Mining::SemiHard)[7], [4, 3, 1]);
        assert_eq!(mined(Mining::All).len(), 6 * 3 + 2 * 4);
        assert!(mine(&[0.0; 4], &[0, 0], Mining::BatchHard).is_empty());
    }

    #[test]
    fn loss_by_hand() {
        let x = Tensor::<1>::from_floats(AT, &device()).reshape([6, 1]);
        let triplets = [[0, 1, 3], [0, 2, 3]];
        // 1 - 2 + 1.5 and 5 - 2 + 1.5.
        let mean = scalar(&triplet(x.clone(), &triplets, 1.5, false));
        assert!((mean - 2.5).abs() < 1e-6, "{mean}");
        let violating = scalar(&triplet(x.clone(), &triplets, 0.5, true));
        assert!((violating - 3.5).abs() < 1e-6, "{violating}");
        assert_eq!(scalar(&triplet(x, &[], 0.5, true)), 0.0);
    }
}
