//! Equal error rate.

use super::roc::Roc;

/// The rate at which false accepts and false rejects are equally frequent: the false accept rate
/// where the linearly interpolated curve meets `tar = 1 - far`. `None` where it never does, which
/// only a fold-averaged curve that ends early can show.
///
/// Where the curve jumps across the line at one false accept rate, that rate is the answer (what
/// root finding on `1 - x - interp(x)` converges to).
pub fn eer(roc: &Roc) -> Option<f64> {
    let points = roc.points();
    let above = points.iter().position(|p| p.tar + p.far >= 1.0)?;
    let Some(before) = above.checked_sub(1).map(|i| points[i]) else {
        return Some(points[above].far);
    };
    let after = points[above];
    let (low, high) = (before.far + before.tar - 1.0, after.far + after.tar - 1.0);
    Some(before.far + (after.far - before.far) * -low / (high - low))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::roc::RocPoint;

    #[test]
    fn crossing_on_a_jump_and_on_a_slope() {
        let roc = Roc::new(&[4.0, 3.0, 2.0, 1.0], &[true, false, true, false]).unwrap();
        assert_eq!(eer(&roc), Some(0.5));
        let coin = Roc::new(&[1.0, 1.0], &[true, false]).unwrap();
        assert_eq!(eer(&coin), Some(0.5));
        let perfect = Roc::new(&[2.0, 1.0], &[true, false]).unwrap();
        assert_eq!(eer(&perfect), Some(0.0));
        let inverted = Roc::new(&[1.0, 2.0], &[true, false]).unwrap();
        assert_eq!(eer(&inverted), Some(1.0));
    }

    #[test]
    fn a_curve_that_ends_early_has_none() {
        let point = |far, tar| RocPoint { far, tar, score: 0.0 };
        assert_eq!(eer(&Roc::from_points(vec![point(0.0, 0.0), point(0.1, 0.2)])), None);
    }
}
