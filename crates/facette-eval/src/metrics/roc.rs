//! Receiver operating characteristic of a verification score.

use serde::{Deserialize, Serialize};

use crate::EvalError;

/// One point of a ROC: accept every pair whose score is at least `score`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RocPoint {
    /// False accept rate: share of different pairs accepted, 0..1.
    pub far: f64,
    /// True accept rate: share of same pairs accepted, 0..1.
    pub tar: f64,
    /// The lowest accepted score; infinite at the point that accepts nothing.
    pub score: f64,
}

/// A ROC: points from (0, 0) to (1, 1), neither rate ever falling.
#[derive(Debug, Clone, PartialEq)]
pub struct Roc {
    points: Vec<RocPoint>,
    corners: Vec<usize>,
}

impl Roc {
    /// The exact curve of `scores` (higher is more alike): one point per distinct score, and the
    /// point that accepts nothing.
    ///
    /// Fails where the lengths differ, a score is not finite, or either kind of pair is missing.
    pub fn new(scores: &[f64], same: &[bool]) -> Result<Self, EvalError> {
        if scores.len() != same.len() {
            return Err(EvalError::Shape {
                what: "ROC".into(),
                expected: format!("as many scores as labels, {}", same.len()),
                found: scores.len().to_string(),
            });
        }
        if let Some(row) = scores.iter().position(|s| !s.is_finite()) {
            return Err(EvalError::NotFinite { what: "scores".into(), row, value: scores[row] });
        }
        let positives = same.iter().filter(|&&s| s).count();
        let negatives = same.len() - positives;
        if positives == 0 || negatives == 0 {
            return Err(EvalError::TooLittle {
                measure: "a ROC".into(),
                needs: "pairs of both kinds".into(),
                found: format!("{positives} same and {negatives} different"),
            });
        }
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));

        // (false accepts, true accepts, score), after each group of equal scores.
        let mut counts: Vec<(i64, i64, f64)> = vec![(0, 0, f64::INFINITY)];
        let (mut false_accepts, mut true_accepts) = (0, 0);
        for (position, &i) in order.iter().enumerate() {
            if same[i] {
                true_accepts += 1
            } else {
                false_accepts += 1
            }
            let next = order.get(position + 1).map(|&j| scores[j]);
            if next != Some(scores[i]) {
                counts.push((false_accepts, true_accepts, scores[i]));
            }
        }
        let points = counts
            .iter()
            .map(|&(far, tar, score)| RocPoint {
                far: far as f64 / negatives as f64,
                tar: tar as f64 / positives as f64,
                score,
            })
            .collect();
        Ok(Self { points, corners: corners(&counts) })
    }

    /// A curve measured elsewhere; `points` must be in order of rising rates.
    pub(crate) fn from_points(points: Vec<RocPoint>) -> Self {
        Self { corners: (0..points.len()).collect(), points }
    }

    /// The points, in order of rising false accept rate.
    pub fn points(&self) -> &[RocPoint] {
        &self.points
    }

    /// The points of scikit-learn's `roc_curve` with its default `drop_intermediate=True`: without
    /// those that lie between equal steps. [`crate::metrics::tar_at_far::nearest`] depends on it.
    pub fn corners(&self) -> impl DoubleEndedIterator<Item = RocPoint> + '_ {
        self.corners.iter().map(|&i| self.points[i])
    }

    /// The highest true accept rate reached at a false accept rate of at most `far`.
    pub fn tar_at(&self, far: f64) -> f64 {
        self.points.iter().rev().find(|p| p.far <= far).map_or(0.0, |p| p.tar)
    }

    /// At most `count` points for drawing or storing: the ends, and between them the points
    /// nearest to evenly spaced false accept rates, half of them linear, half logarithmic.
    pub fn thinned(&self, count: usize) -> Vec<RocPoint> {
        if self.points.len() <= count || count < 4 {
            return self.points.clone();
        }
        let smallest = self.points.iter().map(|p| p.far).find(|&f| f > 0.0).unwrap_or(1.0);
        let half = count / 2;
        let mut wanted: Vec<f64> = (0..half).map(|i| i as f64 / half as f64).collect();
        wanted.extend(
            (0..count - half - 2)
                .map(|i| smallest.powf(1.0 - i as f64 / (count - half - 2) as f64)),
        );
        let mut keep: Vec<usize> = wanted
            .iter()
            .map(|&far| self.points.partition_point(|p| p.far <= far).saturating_sub(1))
            .chain([0, self.points.len() - 1])
            .collect();
        keep.sort_unstable();
        keep.dedup();
        keep.into_iter().map(|i| self.points[i]).collect()
    }
}

/// Indices of the points that remain when those whose second difference is zero in both counts
/// are left out. scikit-learn does so before it puts the point (0, 0) in front, hence the offset.
fn corners(counts: &[(i64, i64, f64)]) -> Vec<usize> {
    let straight = |i: usize| {
        let (before, point, after) = (counts[i - 1], counts[i], counts[i + 1]);
        before.0 + after.0 == 2 * point.0 && before.1 + after.1 == 2 * point.1
    };
    (0..counts.len()).filter(|&i| i < 2 || i + 1 == counts.len() || !straight(i)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(points: impl Iterator<Item = RocPoint>) -> Vec<(f64, f64)> {
        points.map(|p| (p.far, p.tar)).collect()
    }

    #[test]
    fn scikit_learns_example() {
        // sklearn.metrics.roc_curve([1, 1, 2, 2], [.1, .4, .35, .8], pos_label=2)
        let roc = Roc::new(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true]).unwrap();
        assert_eq!(
            rates(roc.corners()),
            [(0.0, 0.0), (0.0, 0.5), (0.5, 0.5), (0.5, 1.0), (1.0, 1.0)]
        );
        assert_eq!(roc.points()[1].score, 0.8);
    }

    #[test]
    fn straight_points_are_dropped() {
        let roc = Roc::new(&[5.0, 4.0, 3.0, 2.0, 1.0], &[true, true, true, false, false]).unwrap();
        assert_eq!(rates(roc.corners()), [(0.0, 0.0), (0.0, 1.0 / 3.0), (0.0, 1.0), (1.0, 1.0)]);
        assert_eq!(roc.points().len(), 6);
    }

    #[test]
    fn one_score_for_all_is_the_diagonal() {
        let roc = Roc::new(&[0.5; 6], &[true, false, true, false, true, false]).unwrap();
        assert_eq!(rates(roc.corners()), [(0.0, 0.0), (1.0, 1.0)]);
    }

    #[test]
    fn impossible_inputs_are_refused() {
        assert!(Roc::new(&[1.0], &[true, false]).is_err());
        assert!(Roc::new(&[1.0, 2.0], &[true, true]).is_err());
        assert!(Roc::new(&[1.0, f64::NAN], &[true, false]).is_err());
    }

    #[test]
    fn thinning_keeps_the_ends() {
        let scores: Vec<f64> = (0..1000).map(|i| ((i * 7919) % 1000) as f64).collect();
        let same: Vec<bool> = (0..1000).map(|i| i % 3 == 0).collect();
        let roc = Roc::new(&scores, &same).unwrap();
        let thin = roc.thinned(100);
        assert!(thin.len() <= 100 && thin.len() > 40);
        assert_eq!((thin[0].far, thin[0].tar), (0.0, 0.0));
        assert_eq!(thin.last().map(|p| (p.far, p.tar)), Some((1.0, 1.0)));
    }
}
