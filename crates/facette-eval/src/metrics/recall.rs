//! Recall@K of metric learning.

use rayon::prelude::*;

use super::distance::squared_euclidean;
use crate::{EvalError, Outputs};

/// For every row that has a companion of its label: its rank from 1 among all other rows by squared
/// Euclidean distance (rows of other labels at the same distance stand before it). `None` for a row
/// alone with its label, which no K can find.
///
/// Embeddings are taken as they are; normalise them first where the protocol says so.
/// Source: lenscloth/RKD `recall`. Fails where labels and rows differ in number.
pub fn companion_ranks(
    embeddings: &Outputs,
    labels: &[usize],
) -> Result<Vec<Option<usize>>, EvalError> {
    embeddings.expect_rows("labels", labels.len())?;
    let rank = |i: usize| {
        let distance = |j: usize| squared_euclidean(embeddings.row(i), embeddings.row(j));
        let others = || (0..labels.len()).filter(move |&j| j != i);
        let distances: Vec<(f64, bool)> =
            others().map(|j| (distance(j), labels[j] == labels[i])).collect();
        let nearest = distances.iter().filter(|d| d.1).map(|d| d.0).reduce(f64::min)?;
        Some(1 + distances.iter().filter(|d| !d.1 && d.0 <= nearest).count())
    };
    Ok((0..labels.len()).into_par_iter().map(rank).collect())
}

/// Share of all rows whose nearest companion is among the `k` nearest rows; NaN for no rows.
pub fn recall_at_k(ranks: &[Option<usize>], k: usize) -> f64 {
    ranks.iter().filter(|rank| rank.is_some_and(|rank| rank <= k)).count() as f64
        / ranks.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_a_line() {
        let line = Outputs::new(vec![0.0, 1.0, 3.0, 10.0], 1).unwrap();
        let ranks = companion_ranks(&line, &[0, 1, 0, 2]).unwrap();
        assert_eq!(ranks, [Some(2), None, Some(2), None]);
        assert_eq!(recall_at_k(&ranks, 1), 0.0);
        assert_eq!(recall_at_k(&ranks, 2), 0.5);
        assert!(companion_ranks(&line, &[0]).is_err());
    }
}
