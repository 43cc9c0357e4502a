//! Cosine after the mean of the other folds is subtracted.

use super::Convention;
use super::facenet_mean::mean_row;
use crate::verification::{FoldedAccuracy, VerificationSet};

/// Embeddings (usually concatenated with their mirror image's) less the mean of the other folds'
/// embeddings, then the cosine; 20,001 thresholds from -1 to 1; a pair is the same person strictly
/// above, different strictly below, and wrong on the threshold itself; the **mean** of all best
/// thresholds is taken.
///
/// Source: gist-ailab/teaching-where-to-look (A-SKD) `eval_agedb.py` `evaluation_10_fold`, itself that
/// of the SphereFace and MobileFaceNet scripts.
pub(super) struct MeanCentred;

/// Thresholds on either side of 0.
const STEPS: i32 = 10_000;

impl Convention for MeanCentred {
    fn name(&self) -> &'static str {
        "mean-centred"
    }

    fn about(&self) -> &'static str {
        "cosine of embeddings less the other folds' mean, 20001 thresholds from -1 to 1, the mean \
         of the best ones (A-SKD, SphereFace); usually with --flip concat"
    }

    fn threshold_unit(&self) -> &'static str {
        "cosine of mean-centred embeddings, same above"
    }

    fn judge(&self, pairs: &VerificationSet) -> FoldedAccuracy {
        let (thresholds, accuracies) = (0..pairs.folds().count())
            .map(|k| {
                let scores = centred_cosines(pairs, k);
                let train = Scores::new(pairs.folds().train(k), &scores, pairs.same());
                let test = Scores::new(pairs.folds().test(k), &scores, pairs.same());
                let threshold = train.mean_of_best();
                (threshold, test.accuracy(threshold))
            })
            .unzip();
        FoldedAccuracy { accuracies, thresholds }
    }
}

fn centred_cosines(pairs: &VerificationSet, fold: usize) -> Vec<f64> {
    let (first, second) = (pairs.first(), pairs.second());
    let mean = mean_row(first, second, pairs.folds().train(fold));
    let cosine = |(a, b): (&[f32], &[f32])| {
        let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
        for ((&x, &y), m) in a.iter().zip(b).zip(&mean) {
            let (x, y) = (f64::from(x) - m, f64::from(y) - m);
            ab += x * y;
            aa += x * x;
            bb += y * y;
        }
        if aa > 0.0 && bb > 0.0 { ab / (aa * bb).sqrt() } else { 0.0 }
    };
    first.rows().zip(second.rows()).map(cosine).collect()
}

/// Sorted cosines of both kinds.
struct Scores {
    same: Vec<f64>,
    different: Vec<f64>,
}

impl Scores {
    fn new(indices: impl Iterator<Item = usize>, scores: &[f64], same: &[bool]) -> Self {
        let (same, different): (Vec<usize>, Vec<usize>) = indices.partition(|&i| same[i]);
        let sorted = |indices: Vec<usize>| {
            let mut scores: Vec<f64> = indices.into_iter().map(|i| scores[i]).collect();
            scores.sort_by(f64::total_cmp);
            scores
        };
        Self { same: sorted(same), different: sorted(different) }
    }

    fn correct(&self, threshold: f64) -> usize {
        let above = self.same.len() - self.same.partition_point(|&s| s <= threshold);
        above + self.different.partition_point(|&s| s < threshold)
    }

    fn accuracy(&self, threshold: f64) -> f64 {
        self.correct(threshold) as f64 / (self.same.len() + self.different.len()) as f64
    }

    fn mean_of_best(&self) -> f64 {
        let (mut most, mut sum, mut count) = (0, 0.0, 0usize);
        for step in -STEPS..=STEPS {
            let threshold = f64::from(step) / f64::from(STEPS);
            let correct = self.correct(threshold);
            if correct > most || count == 0 {
                (most, sum, count) = (correct, threshold, 1);
            } else if correct == most {
                sum += threshold;
                count += 1;
            }
        }
        sum / count as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_the_best_range_and_strict_sides() {
        let scores = Scores { same: vec![0.5, 0.9], different: vec![-0.1, 0.1] };
        assert!((scores.mean_of_best() - 0.3).abs() < 1e-9);
        assert_eq!(scores.accuracy(0.3), 1.0);
        assert_eq!(scores.accuracy(0.5), 0.75);
        assert_eq!(scores.accuracy(0.1), 0.75);
    }
}
