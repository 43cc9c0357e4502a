//! Area under the ROC.

use super::roc::Roc;

/// Area under `roc` by trapezoids, 0..1.
///
/// For the exact curve this is the Mann-Whitney statistic: the chance that a random same pair
/// scores above a random different pair, ties counting half. A fold-averaged curve that does not
/// reach a false accept rate of 1 on its grid is integrated as far as it goes, as the reference
/// does.
pub fn auc(roc: &Roc) -> f64 {
    roc.points().windows(2).map(|p| (p[1].far - p[0].far) * (p[1].tar + p[0].tar) / 2.0).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scikit_learns_example() {
        let roc = Roc::new(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true]).unwrap();
        assert_eq!(auc(&roc), 0.75);
    }
}
