//! True accept rate at a given false accept rate.

use super::roc::Roc;

/// The best true accept rate whose false accept rate does not exceed `far`. With `n` different
/// pairs no rate below `1/n` can be measured: there the answer is the rate without a single false
/// accept.
pub fn strict(roc: &Roc, far: f64) -> f64 {
    roc.tar_at(far)
}

/// The true accept rate at the measured point whose false accept rate is **nearest** to `far`,
/// above it or below; among equally near points the one with the highest rate. Only the corners
/// of the curve are measured points here, as in the reference.
///
/// Source: InsightFace `eval_ijbc.py` (also AdaFace and the IJB tables in the literature). It can
/// exceed [`strict`].
pub fn nearest(roc: &Roc, far: f64) -> f64 {
    let mut best = (f64::INFINITY, 0.0);
    for point in roc.corners().rev() {
        let gap = (point.far - far).abs();
        if gap < best.0 {
            best = (gap, point.tar);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_may_overshoot() {
        // Different pairs score 9, 5 and 1: reachable rates 0, 1/3, 2/3, 1.
        let scores = [10.0, 9.0, 6.0, 5.0, 2.0, 1.0];
        let same = [true, false, true, false, true, false];
        let roc = Roc::new(&scores, &same).unwrap();
        assert_eq!(strict(&roc, 0.3), 1.0 / 3.0);
        assert_eq!(nearest(&roc, 0.3), 2.0 / 3.0);
        assert_eq!(strict(&roc, 1.0), 1.0);
        assert_eq!(strict(&roc, 0.0), 1.0 / 3.0);
    }
}
