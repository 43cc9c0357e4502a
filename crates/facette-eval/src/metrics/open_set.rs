//! Open-set identification: true positive identification rate at a false positive one.
//!
//! Source: PFE / AdaFace `DIR_FAR`, the rule of IJB-S and QMUL-SurvFace.

use super::cmc::ProbeMatch;

/// The threshold at which a share `fpir` of the non-mated probes raises a false alarm: the
/// `trunc(n * fpir)`-th largest of their best scores, or a hair (1e-8) above the largest where that
/// count is 0. Infinite where there is no non-mated probe.
pub fn threshold_at_fpir(matches: &[ProbeMatch], fpir: f64) -> f64 {
    let mut best: Vec<f64> = non_mated(matches).collect();
    best.sort_by(|a, b| b.total_cmp(a));
    let alarms = (best.len() as f64 * fpir) as usize;
    match (alarms.min(best.len()), best.first()) {
        (_, None) => f64::INFINITY,
        (0, Some(largest)) => largest + 1e-8,
        (alarms, _) => best[alarms - 1],
    }
}

/// Share of mated probes whose own entry scores at least `threshold` **and** ranks at most `rank`.
/// NaN where there is no mated probe.
pub fn tpir(matches: &[ProbeMatch], threshold: f64, rank: usize) -> f64 {
    let mated: Vec<(f64, usize)> = matches.iter().filter_map(|m| m.own.zip(m.rank)).collect();
    let found = mated.iter().filter(|&&(own, r)| own >= threshold && r <= rank).count();
    found as f64 / mated.len() as f64
}

/// Share of non-mated probes whose best score is at least `threshold`. NaN where there is none.
pub fn fpir(matches: &[ProbeMatch], threshold: f64) -> f64 {
    let best: Vec<f64> = non_mated(matches).collect();
    best.iter().filter(|&&score| score >= threshold).count() as f64 / best.len() as f64
}

fn non_mated(matches: &[ProbeMatch]) -> impl Iterator<Item = f64> + '_ {
    matches.iter().filter(|m| m.own.is_none()).map(|m| m.best_other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mated(own: f64, rank: usize) -> ProbeMatch {
        ProbeMatch { own: Some(own), rank: Some(rank), best_other: 0.0 }
    }

    fn stranger(best: f64) -> ProbeMatch {
        ProbeMatch { own: None, rank: None, best_other: best }
    }

    #[test]
    fn four_strangers() {
        let matches = [
            mated(0.9, 1),
            mated(0.5, 2),
            mated(0.2, 1),
            stranger(0.8),
            stranger(0.4),
            stranger(0.3),
            stranger(0.1),
        ];
        let half = threshold_at_fpir(&matches, 0.5);
        assert_eq!(half, 0.4);
        assert_eq!(fpir(&matches, half), 0.5);
        assert_eq!(tpir(&matches, half, 1), 1.0 / 3.0);
        assert_eq!(tpir(&matches, half, 2), 2.0 / 3.0);
        let none = threshold_at_fpir(&matches, 0.2);
        assert_eq!(fpir(&matches, none), 0.0);
        assert_eq!(threshold_at_fpir(&matches[..3], 0.2), f64::INFINITY);
    }
}
