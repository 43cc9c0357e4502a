//! Closed-set identification: where in the sorted gallery the probe's own identity stands.

use rayon::prelude::*;

use super::distance::dot;
use crate::{EvalError, Outputs};

/// How one probe fared against a gallery.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProbeMatch {
    /// Score of the best gallery entry of the probe's own identity; `None` for a probe whose
    /// identity is not in the gallery (non-mated).
    pub own: Option<f64>,
    /// Rank of that entry, from 1: one more than the number of entries of **other** identities that
    /// score at least as high, so that a model which gives every face one embedding is wrong
    /// everywhere.
    pub rank: Option<usize>,
    /// Score of the best entry of another identity, or minus infinity where there is none.
    pub best_other: f64,
}

impl ProbeMatch {
    /// Score of the best entry of all.
    pub fn best(&self) -> f64 {
        self.own.map_or(self.best_other, |own| own.max(self.best_other))
    }
}

/// Compares every probe with every gallery entry by inner product (normalise both for cosine).
/// A gallery identity may have several entries; its best one counts (the TinyFace rule).
///
/// Fails where ids and rows or the two widths do not agree, or the gallery is empty.
pub fn match_probes(
    gallery: &Outputs,
    gallery_ids: &[usize],
    probes: &Outputs,
    probe_ids: &[usize],
) -> Result<Vec<ProbeMatch>, EvalError> {
    gallery.expect_rows("gallery identities", gallery_ids.len())?;
    probes.expect_rows("probe identities", probe_ids.len())?;
    if gallery.width() != probes.width() {
        return Err(EvalError::Shape {
            what: "probes".into(),
            expected: format!("embeddings of the gallery's {} dimensions", gallery.width()),
            found: probes.width().to_string(),
        });
    }
    if gallery.is_empty() {
        return Err(EvalError::TooLittle {
            measure: "identification".into(),
            needs: "a gallery".into(),
            found: "no entry".into(),
        });
    }
    Ok((0..probes.len())
        .into_par_iter()
        .map(|i| match_one(gallery, gallery_ids, probes.row(i), probe_ids[i]))
        .collect())
}

fn match_one(gallery: &Outputs, ids: &[usize], probe: &[f32], id: usize) -> ProbeMatch {
    let scores: Vec<f64> = gallery.rows().map(|entry| dot(entry, probe)).collect();
    let best_of = |own: bool| {
        let chosen = scores.iter().zip(ids).filter(|&(_, &other)| (other == id) == own);
        chosen.map(|(&score, _)| score).reduce(f64::max)
    };
    let own = best_of(true);
    let rank = own.map(|own| {
        1 + scores.iter().zip(ids).filter(|&(&score, &other)| other != id && score >= own).count()
    });
    ProbeMatch { own, rank, best_other: best_of(false).unwrap_or(f64::NEG_INFINITY) }
}

/// Share of mated probes whose rank is at most `k` (cumulative match characteristic at `k`).
/// Non-mated probes are not counted; NaN where there is no mated one.
pub fn rank_k(matches: &[ProbeMatch], k: usize) -> f64 {
    let ranks: Vec<usize> = matches.iter().filter_map(|m| m.rank).collect();
    ranks.iter().filter(|&&rank| rank <= k).count() as f64 / ranks.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outputs(rows: &[[f32; 2]]) -> Outputs {
        Outputs::new(rows.concat(), 2).unwrap()
    }

    #[test]
    fn several_entries_of_one_identity_count_once() {
        let gallery = outputs(&[[1.0, 0.0], [0.8, 0.0], [0.9, 0.0]]);
        let probes = outputs(&[[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]]);
        let matches = match_probes(&gallery, &[7, 7, 8], &probes, &[7, 8, 9]).unwrap();
        assert_eq!(matches.iter().map(|m| m.rank).collect::<Vec<_>>(), [Some(1), Some(2), None]);
        assert_eq!(rank_k(&matches, 1), 0.5);
        assert_eq!(rank_k(&matches, 2), 1.0);
        assert_eq!(matches[2].best(), 1.0);
    }

    #[test]
    fn a_collapsed_model_recognises_nobody() {
        let gallery = outputs(&[[1.0, 0.0]; 5]);
        let matches = match_probes(&gallery, &[0, 1, 2, 3, 4], &gallery, &[0, 1, 2, 3, 4]).unwrap();
        assert_eq!(rank_k(&matches, 1), 0.0);
        assert_eq!(rank_k(&matches, 5), 1.0);
    }

    #[test]
    fn disagreeing_lengths_are_refused() {
        let gallery = outputs(&[[1.0, 0.0]]);
        assert!(match_probes(&gallery, &[], &gallery, &[0]).is_err());
        let narrow = Outputs::new(vec![1.0], 1).unwrap();
        assert!(match_probes(&gallery, &[0], &narrow, &[0]).is_err());
        let none = Outputs::new(vec![], 2).unwrap();
        assert!(match_probes(&none, &[], &gallery, &[0]).is_err());
    }
}
