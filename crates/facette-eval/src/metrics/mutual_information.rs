//! Normalised mutual information of two labellings.

use std::collections::BTreeMap;

/// What the mutual information is divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Normaliser {
    /// Mean of the two entropies (scikit-learn's default; the metric-learning papers' `2I/(H+H)`).
    Arithmetic,
    /// Geometric mean of the two entropies.
    Geometric,
}

/// Normalised mutual information, 0..1, in natural logarithms; 1 where both labellings put
/// everything into one group. Labellings must be of one length; a longer one is cut.
pub fn normalised_mutual_information(a: &[usize], b: &[usize], by: Normaliser) -> f64 {
    let table = Contingency::new(a, b);
    let total = table.total as f64;
    if table.rows.len() <= 1 && table.columns.len() <= 1 {
        return 1.0;
    }
    let information: f64 = table
        .cells
        .iter()
        .map(|(&(row, column), &n)| {
            let n = n as f64;
            let expected = table.rows[&row] as f64 * table.columns[&column] as f64;
            n / total * (n * total / expected).ln()
        })
        .sum();
    let (h, g) = (entropy(&table.rows, total), entropy(&table.columns, total));
    let normaliser = match by {
        Normaliser::Arithmetic => (h + g) / 2.0,
        Normaliser::Geometric => (h * g).sqrt(),
    };
    if normaliser > 0.0 { (information / normaliser).clamp(0.0, 1.0) } else { 0.0 }
}

fn entropy(sizes: &BTreeMap<usize, usize>, total: f64) -> f64 {
    sizes.values().map(|&n| n as f64 / total).map(|p| -p * p.ln()).sum()
}

/// How often each pair of labels occurs together.
pub(crate) struct Contingency {
    pub(crate) cells: BTreeMap<(usize, usize), usize>,
    pub(crate) rows: BTreeMap<usize, usize>,
    pub(crate) columns: BTreeMap<usize, usize>,
    pub(crate) total: usize,
}

impl Contingency {
    pub(crate) fn new(a: &[usize], b: &[usize]) -> Self {
        let (mut cells, mut rows, mut columns) =
            (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for (&x, &y) in a.iter().zip(b) {
            *cells.entry((x, y)).or_insert(0) += 1;
            *rows.entry(x).or_insert(0) += 1;
            *columns.entry(y).or_insert(0) += 1;
        }
        Self { cells, rows, columns, total: a.len().min(b.len()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes() {
        let both = |a: &[usize], b: &[usize]| {
            (
                normalised_mutual_information(a, b, Normaliser::Arithmetic),
                normalised_mutual_information(a, b, Normaliser::Geometric),
            )
        };
        let (x, y) = both(&[0, 0, 1, 1], &[5, 5, 3, 3]);
        assert!((x - 1.0).abs() < 1e-12 && (y - 1.0).abs() < 1e-12);
        assert_eq!(both(&[0, 0, 1, 1], &[0, 1, 0, 1]), (0.0, 0.0));
        assert_eq!(both(&[0, 0], &[1, 1]), (1.0, 1.0));
        assert_eq!(both(&[0, 0, 0], &[1, 1, 2]), (0.0, 0.0));
    }
}
