//! Adjusted Rand index of two labellings.

use super::mutual_information::Contingency;

/// Agreement of two labellings over pairs of items, corrected for chance: 1 for the same partition,
/// about 0 for unrelated ones, negative for worse. 1 where both are trivial. Labellings must be of
/// one length; a longer one is cut.
pub fn adjusted_rand_index(a: &[usize], b: &[usize]) -> f64 {
    let table = Contingency::new(a, b);
    let pairs = |n: usize| n as f64 * (n as f64 - 1.0) / 2.0;
    let together: f64 = table.cells.values().map(|&n| pairs(n)).sum();
    let rows: f64 = table.rows.values().map(|&n| pairs(n)).sum();
    let columns: f64 = table.columns.values().map(|&n| pairs(n)).sum();
    let total = pairs(table.total);
    let expected = if total > 0.0 { rows * columns / total } else { 0.0 };
    let largest = (rows + columns) / 2.0;
    if largest == expected { 1.0 } else { (together - expected) / (largest - expected) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scikit_learns_examples() {
        assert_eq!(adjusted_rand_index(&[0, 0, 1, 1], &[1, 1, 0, 0]), 1.0);
        let part = adjusted_rand_index(&[0, 0, 1, 2], &[0, 0, 1, 1]);
        assert!((part - 0.571_428_571_428_571).abs() < 1e-12, "{part}");
        let worse = adjusted_rand_index(&[0, 0, 1, 1], &[0, 1, 0, 1]);
        assert!((worse + 0.5).abs() < 1e-12, "{worse}");
        assert_eq!(adjusted_rand_index(&[], &[]), 1.0);
    }
}
