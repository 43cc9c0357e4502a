//! Verification by the rule of Labeled Faces in the Wild, View 2, on any list of pairs.

use std::path::Path;

use facette_data::{Pairs, Report};
use facette_image::Picture;

use super::images::{Images, Place};
use super::{ProtocolOptions, ProtocolSpec, Request, Subject};
use crate::conventions::{Convention, convention};
use crate::embedding::{Embedded, Flip, Job, embed};
use crate::judgement::{Evidence, PairEvidence, Verification, VerificationScores};
use crate::metrics::folds::Folds;
use crate::metrics::grid::arange;
use crate::metrics::spread::{mean, population_std};
use crate::metrics::{auc, eer, tar_at_far, val_at_far};
use crate::sizes::Preparation;
use crate::{EvalError, Judged, Judgement, LeftOut, NamedValues, Outcome, VerificationSet};

/// Ten-fold (or any-fold) verification.
pub(super) struct Lfw;

impl ProtocolSpec for Lfw {
    fn name(&self) -> &'static str {
        "lfw"
    }

    fn about(&self) -> &'static str {
        "verification by the rule of Labeled Faces in the Wild, View 2: for every fold the \
         threshold is chosen on the other folds; mean and spread of the accuracy over folds, ROC \
         over all pairs. Takes any list of pairs in LFW's format and any pair of picture sizes"
    }

    fn needs_pairs(&self) -> bool {
        true
    }

    fn judge(
        &self,
        subject: Subject<'_>,
        request: &Request,
        report: Report<'_>,
    ) -> Result<Judged, EvalError> {
        request.options.check()?;
        let pairs = request.pairs.as_deref().ok_or_else(|| EvalError::Option {
            option: "pairs".into(),
            value: "none".into(),
            expected: "a list of pairs, which the protocol lfw needs".into(),
        })?;
        let trial = VerificationTrial::open(&request.images, pairs, request.options.allow_bad)?;
        trial.judge(subject, &request.options, report)
    }
}

/// A list of pairs with its pictures found; can be judged on by several models.
#[derive(Debug, Clone)]
pub struct VerificationTrial {
    places: Vec<Result<Place, String>>,
    names: Vec<String>,
    /// Per fold: places of both pictures, and whether they show one person.
    folds: Vec<Vec<(usize, usize, bool)>>,
}

impl VerificationTrial {
    /// Reads a list of pairs and finds its pictures.
    ///
    /// # Errors
    /// [`EvalError::Data`] for a malformed list, [`EvalError::BadPictures`] if more than
    /// `allow_bad` pictures do not exist.
    pub fn open(images: &Images, pairs: &Path, allow_bad: usize) -> Result<Self, EvalError> {
        Self::new(images, &Pairs::read(pairs)?, allow_bad)
    }

    /// The same for a list already in memory.
    ///
    /// # Errors
    /// [`EvalError::BadPictures`] if more than `allow_bad` pictures do not exist.
    pub fn new(images: &Images, pairs: &Pairs, allow_bad: usize) -> Result<Self, EvalError> {
        let (sides, indices) = pairs.distinct();
        let places = images.locate(&sides);
        let missing: Vec<&String> = places.iter().filter_map(|p| p.as_ref().err()).collect();
        if missing.len() > allow_bad {
            return Err(EvalError::BadPictures {
                count: missing.len(),
                total: places.len(),
                allowed: allow_bad,
                examples: missing.into_iter().take(10).cloned().collect(),
            });
        }
        let names = sides.iter().map(|side| side.id()).collect();
        let mut indices = indices.into_iter();
        let folds = pairs
            .folds
            .iter()
            .map(|fold| {
                let of_fold = fold.iter().zip(indices.by_ref());
                of_fold.map(|(pair, (a, b))| (a, b, pair.same)).collect()
            })
            .collect();
        Ok(Self { places, names, folds })
    }

    /// Number of pairs in the list.
    pub fn pairs(&self) -> usize {
        self.folds.iter().map(Vec::len).sum()
    }

    /// Reads one picture, by its name in [`PairEvidence::names`]: for showing pairs.
    ///
    /// # Errors
    /// The reason in words if there is no such picture or it cannot be read.
    pub fn picture(&self, name: &str) -> Result<Picture, String> {
        let place = self.names.iter().position(|known| known == name);
        let place = place.ok_or_else(|| format!("{name}: not in the list of pairs"))?;
        self.places[place].as_ref().map_err(Clone::clone)?.read()
    }

    /// Judges a model. Options that concern other protocols are not looked at.
    ///
    /// # Errors
    /// If an option is impossible, too many pictures cannot be read, or the model fails.
    pub fn judge(
        &self,
        subject: Subject<'_>,
        options: &ProtocolOptions,
        report: Report<'_>,
    ) -> Result<Judged, EvalError> {
        options.check()?;
        let Subject { embedder, info } = subject;
        let sides = options.size.map(|sizes| [sizes.first, sizes.second]);
        let prepare = |k: usize| Preparation::new(embedder.input(), sides.map(|s| s[k]));
        let preparations = [prepare(0)?, prepare(1)?];
        let sizes = [preparations[0].side(), preparations[1].side()];

        let load = |i: usize| self.places[i].as_ref().map_err(Clone::clone)?.read();
        let mut embedded = |preparation: &Preparation| {
            embed(
                embedder,
                &Job {
                    pictures: self.places.len(),
                    load: &load,
                    preparation,
                    mirror: options.flip.mirrors(),
                    batch: options.batch,
                    allow_bad: options.allow_bad,
                },
                &mut *report,
            )
        };
        let first = embedded(&preparations[0])?;
        let other = match sizes[0] == sizes[1] {
            true => None,
            false => Some(embedded(&preparations[1])?),
        };
        let second = other.as_ref().unwrap_or(&first);

        let convention = convention(&options.convention)?;
        let kept = self.kept(&first, second)?;
        let scored = |flip: Flip| -> Result<(VerificationScores, Vec<f64>), EvalError> {
            let set = kept.set(first.combined(flip), second.combined(flip))?;
            scores(&set, convention, &options.far)
        };
        let (scores, distances) = scored(options.flip)?;
        let without_flip = match options.flip.mirrors() {
            true => Some(scored(Flip::None)?.0),
            false => None,
        };
        let verification = Verification {
            pairs: kept.same.len(),
            same_pairs: kept.same.iter().filter(|&&same| same).count(),
            folds: kept.folds.count(),
            size: sizes[1],
            sizes,
            flip: options.flip.mirrors(),
            flip_rule: options.flip.name().into(),
            convention: convention.name().into(),
            scores,
            threshold_unit: convention.threshold_unit().into(),
            without_flip,
            left_out: LeftOut {
                pictures: first.bad().max(second.bad()),
                samples: self.pairs() - kept.same.len(),
            },
        };
        let name = |i: usize| self.names[i].clone();
        let names = kept.pictures.iter().map(|&(a, b)| (name(a), name(b))).collect();
        let judgement = Judgement {
            protocol: ProtocolSpec::name(&Lfw).into(),
            outcome: Outcome::Verification(verification),
            model: info,
        };
        let evidence = Evidence::Pairs(PairEvidence { distances, same: kept.same, names });
        Ok(Judged { judgement, evidence })
    }

    /// The pairs of which both pictures could be read.
    fn kept(&self, first: &Embedded, second: &Embedded) -> Result<Kept, EvalError> {
        let (mut rows, mut pictures, mut same, mut sizes) = (vec![], vec![], vec![], vec![]);
        for fold in &self.folds {
            let before = same.len();
            for &(a, b, is_same) in fold {
                if let (Some(i), Some(j)) = (first.row_of(a), second.row_of(b)) {
                    rows.push((i, j));
                    pictures.push((a, b));
                    same.push(is_same);
                }
            }
            sizes.push(same.len() - before);
        }
        Ok(Kept { rows, pictures, same, folds: Folds::from_sizes(&sizes)? })
    }
}

struct Kept {
    rows: Vec<(usize, usize)>,
    pictures: Vec<(usize, usize)>,
    same: Vec<bool>,
    folds: Folds,
}

impl Kept {
    fn set(
        &self,
        first: crate::Outputs,
        second: crate::Outputs,
    ) -> Result<VerificationSet, EvalError> {
        let first = first.select(self.rows.iter().map(|rows| rows.0));
        let second = second.select(self.rows.iter().map(|rows| rows.1));
        VerificationSet::new(first, second, self.same.clone(), self.folds.clone())
    }
}

/// All measures of a set of pairs, and the distances behind them.
fn scores(
    set: &VerificationSet,
    convention: &dyn Convention,
    rates: &[f64],
) -> Result<(VerificationScores, Vec<f64>), EvalError> {
    let distances = set.squared_distances();
    let (same, folds) = (set.same(), set.folds());
    let evidence = PairEvidence { distances, same: same.to_vec(), names: Vec::new() };
    let roc = evidence.roc()?;
    let grid: Vec<f64> = arange(0.0, 4.0, 0.001).collect();
    let folded = convention.judge(set);
    let scores = VerificationScores {
        accuracy: mean(&folded.accuracies),
        accuracy_std: population_std(&folded.accuracies),
        auc: auc::auc(&roc),
        eer: eer::eer(&roc).expect("an exact ROC ends at (1, 1)"),
        tar_at_far: NamedValues::by_rate(rates, |far| tar_at_far::strict(&roc, far)),
        val_at_far: NamedValues::by_rate(rates, |far| {
            val_at_far::val_at_far(&evidence.distances, same, folds, &grid, far)
        }),
        threshold: mean(&folded.thresholds),
        accuracy_per_fold: folded.accuracies,
        threshold_per_fold: folded.thresholds,
    };
    Ok((scores, evidence.distances))
}
