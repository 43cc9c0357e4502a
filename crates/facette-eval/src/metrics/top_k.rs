//! Top-k accuracy of a classifier.

use crate::{EvalError, Outputs};

/// Rank, from 0, of the true class in every row of `logits`: how many classes have a larger logit,
/// or an equal one and a lower number (what sorting by a stable descending order gives).
///
/// Fails where labels and rows differ in number or a label is no column.
pub fn label_ranks(logits: &Outputs, labels: &[usize]) -> Result<Vec<usize>, EvalError> {
    check_labels(logits, labels)?;
    let rank = |(row, &label): (&[f32], &usize)| {
        let own = row[label];
        let ahead = |(class, &logit): (usize, &f32)| logit > own || (logit == own && class < label);
        row.iter().enumerate().filter(|&entry| ahead(entry)).count()
    };
    Ok(logits.rows().zip(labels).map(rank).collect())
}

/// Share of rows whose rank (from 0) is below `k`, 0..1; NaN for no rows.
pub fn top_k(ranks: &[usize], k: usize) -> f64 {
    ranks.iter().filter(|&&rank| rank < k).count() as f64 / ranks.len() as f64
}

/// Top-1 accuracy of each class that occurs, averaged over those classes. NaN for no rows.
pub fn mean_class_accuracy(ranks: &[usize], labels: &[usize]) -> f64 {
    let classes = labels.iter().max().map_or(0, |&last| last + 1);
    let (mut right, mut seen) = (vec![0usize; classes], vec![0usize; classes]);
    for (&rank, &label) in ranks.iter().zip(labels) {
        right[label] += usize::from(rank == 0);
        seen[label] += 1;
    }
    let present: Vec<f64> = right
        .iter()
        .zip(&seen)
        .filter(|&(_, &seen)| seen > 0)
        .map(|(&right, &seen)| right as f64 / seen as f64)
        .collect();
    present.iter().sum::<f64>() / present.len() as f64
}

/// Fails where labels and rows differ in number or a label is no column.
pub(crate) fn check_labels(logits: &Outputs, labels: &[usize]) -> Result<(), EvalError> {
    logits.expect_rows("class labels", labels.len())?;
    match labels.iter().position(|&label| label >= logits.width()) {
        None => Ok(()),
        Some(row) => Err(EvalError::Shape {
            what: format!("class label of picture {row}"),
            expected: format!("a number below the model's {} classes", logits.width()),
            found: labels[row].to_string(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_and_classes() {
        let logits = Outputs::new(vec![0.1, 0.9, 0.5, 2.0, 2.0, 1.0, 0.0, 0.0, 0.0], 3).unwrap();
        let labels = [2, 1, 0];
        let ranks = label_ranks(&logits, &labels).unwrap();
        assert_eq!(ranks, [1, 1, 0]);
        assert_eq!(top_k(&ranks, 1), 1.0 / 3.0);
        assert_eq!(top_k(&ranks, 2), 1.0);
        assert_eq!(mean_class_accuracy(&ranks, &labels), 1.0 / 3.0);
        assert_eq!(mean_class_accuracy(&[0, 1, 0], &[4, 4, 0]), 0.75);
        assert!(label_ranks(&logits, &[3, 0, 0]).is_err());
        assert!(label_ranks(&logits, &[0]).is_err());
    }
}
