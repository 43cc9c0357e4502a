//! InsightFace's 1:N recall at a false accept rate (`ijb_1n.py`), which is not the open-set rule:
//! false accepts are counted over wrong probe-gallery pairs of mated probes, and the rank of the
//! right entry does not matter.

use super::distance::dot;
use crate::{EvalError, Outputs};

/// Recall at one false accept rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OneToMany {
    /// Share of probes whose score with their own gallery row is above the threshold.
    pub recall: f64,
    /// The threshold: the `ceil(probes * far)`-th largest score of a probe with a wrong row.
    pub threshold: f64,
}

/// `gallery` has one row per identity and probe `i` belongs to row `probe_rows[i]`; scores are inner
/// products. `far` is per **probe**, so that 0.01 allows one false pair for a hundred probes.
///
/// Fails where lengths, widths or row numbers do not agree, or there are too few wrong pairs for `far`.
pub fn recall_at_far(
    gallery: &Outputs,
    probes: &Outputs,
    probe_rows: &[usize],
    far: f64,
) -> Result<OneToMany, EvalError> {
    probes.expect_rows("probe rows", probe_rows.len())?;
    if let Some(row) = probe_rows.iter().find(|&&row| row >= gallery.len()) {
        return Err(EvalError::Shape {
            what: "probe rows".into(),
            expected: format!("numbers below the {} gallery rows", gallery.len()),
            found: row.to_string(),
        });
    }
    if gallery.width() != probes.width() {
        return Err(EvalError::Shape {
            what: "probes".into(),
            expected: format!("embeddings of the gallery's {} dimensions", gallery.width()),
            found: probes.width().to_string(),
        });
    }
    let allowed = (probes.len() as f64 * far).ceil() as usize;
    let mut wrong = Largest::new(allowed);
    let mut right = Vec::with_capacity(probes.len());
    for (probe, &own) in probes.rows().zip(probe_rows) {
        for (row, entry) in gallery.rows().enumerate() {
            let score = dot(entry, probe);
            if row == own { right.push(score) } else { wrong.push(score) }
        }
    }
    let threshold = wrong.smallest_kept().ok_or_else(|| EvalError::TooLittle {
        measure: format!("1:N recall at a false accept rate of {far}"),
        needs: format!("a rate above 0 and at least {allowed} wrong pairs"),
        found: format!("{} probes against {} gallery rows", probes.len(), gallery.len()),
    })?;
    let found = right.iter().filter(|&&score| score > threshold).count();
    Ok(OneToMany { recall: found as f64 / right.len() as f64, threshold })
}

/// Keeps the `count` largest of a stream in bounded memory.
struct Largest {
    count: usize,
    kept: Vec<f64>,
}

impl Largest {
    fn new(count: usize) -> Self {
        Self { count, kept: Vec::new() }
    }

    fn push(&mut self, score: f64) {
        self.kept.push(score);
        if self.kept.len() >= 1024 + 2 * self.count {
            self.trim();
        }
    }

    fn trim(&mut self) {
        if self.count > 0 && self.kept.len() > self.count {
            self.kept.select_nth_unstable_by(self.count - 1, |a, b| b.total_cmp(a));
        }
        self.kept.truncate(self.count);
    }

    /// The `count`-th largest seen, or `None` where fewer came or `count` is 0.
    fn smallest_kept(mut self) -> Option<f64> {
        self.trim();
        (self.kept.len() == self.count).then(|| self.kept.into_iter().reduce(f64::min)).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_of_a_long_stream() {
        let mut largest = Largest::new(3);
        (0..10_000).for_each(|i| largest.push(((i * 7919) % 10_000) as f64));
        assert_eq!(largest.smallest_kept(), Some(9997.0));
        assert_eq!(Largest::new(1).smallest_kept(), None);
        assert_eq!(Largest::new(0).smallest_kept(), None);
    }

    #[test]
    fn two_by_two() {
        let gallery = Outputs::new(vec![1.0, 0.0, 0.0, 1.0], 2).unwrap();
        let probes = Outputs::new(vec![0.9, 0.3, 0.6, 0.5], 2).unwrap();
        // Wrong pairs score 0.3 and 0.6, right ones 0.9 and 0.5.
        let one = recall_at_far(&gallery, &probes, &[0, 1], 0.5).unwrap();
        assert!((one.threshold - 0.6).abs() < 1e-6);
        assert_eq!(one.recall, 0.5);
        assert!(recall_at_far(&gallery, &probes, &[0, 2], 0.5).is_err());
        assert!(recall_at_far(&gallery, &probes, &[0, 1], 0.0).is_err());
        assert!(recall_at_far(&gallery, &probes, &[0, 1], 5.0).is_err());
    }
}
