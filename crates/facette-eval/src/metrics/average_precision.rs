//! Retrieval of gallery entries by queries: cumulative matches and mean average precision.

use super::distance::squared_euclidean;
use crate::{EvalError, Outputs};

/// How a set of queries fared.
#[derive(Debug, Clone, PartialEq)]
pub struct Retrieval {
    /// Entry `k`: share of queries with a right entry among their `k + 1` nearest. As long as asked
    /// for, or as the gallery is.
    pub cmc: Vec<f64>,
    /// Mean over the queries of the average precision, 0..1.
    pub mean_average_precision: f64,
}

/// Sorts the gallery by squared Euclidean distance for every query. Queries without a right entry
/// in the gallery are left out. Equal distances keep gallery order.
///
/// Source: KaiyangZhou/deep-person-reid `eval_market1501`, without its camera rule (query and
/// gallery are taken to come from different cameras). Fails where labels and rows or the widths
/// disagree, or no query has a right entry.
pub fn retrieve(
    queries: &Outputs,
    query_labels: &[usize],
    gallery: &Outputs,
    gallery_labels: &[usize],
    ranks: usize,
) -> Result<Retrieval, EvalError> {
    queries.expect_rows("query labels", query_labels.len())?;
    gallery.expect_rows("gallery labels", gallery_labels.len())?;
    if queries.width() != gallery.width() {
        return Err(EvalError::Shape {
            what: "queries".into(),
            expected: format!("embeddings of the gallery's {} dimensions", gallery.width()),
            found: queries.width().to_string(),
        });
    }
    let mut matches = vec![0usize; ranks.min(gallery.len())];
    let (mut precision, mut valid) = (0.0, 0usize);
    for (query, &label) in queries.rows().zip(query_labels) {
        let distances: Vec<f64> =
            gallery.rows().map(|entry| squared_euclidean(query, entry)).collect();
        let mut order: Vec<usize> = (0..gallery.len()).collect();
        order.sort_by(|&a, &b| distances[a].total_cmp(&distances[b]));
        let right: Vec<usize> = order
            .iter()
            .enumerate()
            .filter(|&(_, &entry)| gallery_labels[entry] == label)
            .map(|(position, _)| position)
            .collect();
        let Some(&first) = right.first() else { continue };
        valid += 1;
        matches.iter_mut().skip(first).for_each(|count| *count += 1);
        let hits = right.iter().enumerate().map(|(i, &at)| (i + 1) as f64 / (at + 1) as f64);
        precision += hits.sum::<f64>() / right.len() as f64;
    }
    if valid == 0 {
        return Err(EvalError::TooLittle {
            measure: "retrieval".into(),
            needs: "a query whose label is in the gallery".into(),
            found: format!("none among {}", queries.len()),
        });
    }
    Ok(Retrieval {
        cmc: matches.iter().map(|&count| count as f64 / valid as f64).collect(),
        mean_average_precision: precision / valid as f64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_query_by_hand() {
        let queries = Outputs::new(vec![0.0, 5.0], 1).unwrap();
        let gallery = Outputs::new(vec![1.0, 2.0, 3.0, 4.0], 1).unwrap();
        let result = retrieve(&queries, &[7, 9], &gallery, &[1, 7, 1, 7], 3).unwrap();
        // Right entries at places 2 and 4: (1/2 + 2/4) / 2; the query labelled 9 has none.
        assert_eq!(result.mean_average_precision, 0.5);
        assert_eq!(result.cmc, [0.0, 1.0, 1.0]);
        assert!(retrieve(&queries, &[9, 9], &gallery, &[1, 7, 1, 7], 3).is_err());
    }
}
