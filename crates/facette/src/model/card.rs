//! Writing what was measured into the card of a student file.

use std::path::Path;

use anyhow::{Context, bail, ensure};
use clap::ValueEnum;
use facette_eval::metrics::roc::Roc;
use facette_eval::{Evidence, Judged, Outcome, PairEvidence};
use facette_graph::{Accuracy, StudentFile, Threshold};

use crate::judging::Trial;

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum IntoCard {
    /// Cosines above which two faces are one person's
    Thresholds,
    /// The accuracy and how to measure it again
    Accuracy,
}

/// Writes `what` was found of the student in the file `path` into its card, in place of what stood
/// there for the same protocol and size.
pub(crate) fn write(
    what: IntoCard,
    path: &Path,
    judged: &Judged,
    trial: &Trial,
) -> anyhow::Result<()> {
    ensure!(path.is_file(), "{}: --into-card takes a student file", path.display());
    let (mut card, arrays) = StudentFile::open(path)?.into_parts();
    let Outcome::Verification(found) = &judged.judgement.outcome else {
        bail!("--into-card takes a protocol of verification, such as lfw");
    };
    let Evidence::Pairs(pairs) = &judged.evidence else {
        bail!("--into-card takes a protocol of verification, such as lfw");
    };
    match what {
        IntoCard::Thresholds => {
            // `verify` compares pictures as they are.
            ensure!(!found.flip, "--into-card=thresholds takes --no-flip as well");
            let described = format!("{} pairs of {}", found.pairs, listed(trial));
            card.thresholds.retain(|threshold| threshold.capture != found.size);
            for (far, threshold) in thresholds(pairs, &trial.options.far)? {
                let (capture, pairs) = (found.size, described.clone());
                card.thresholds.push(Threshold { capture, threshold, far, pairs });
            }
        }
        IntoCard::Accuracy => {
            let measured = accuracy(judged, trial)?;
            let same =
                |old: &Accuracy| (&old.protocol, old.size) == (&measured.protocol, measured.size);
            card.accuracy.retain(|old| !same(old));
            card.accuracy.push(measured);
        }
    }
    StudentFile::new(card, arrays)?.save(path)?;
    Ok(())
}

/// What was found of a student as its card keeps it.
pub(crate) fn accuracy(judged: &Judged, trial: &Trial) -> anyhow::Result<Accuracy> {
    let Outcome::Verification(found) = &judged.judgement.outcome else {
        bail!("cards keep accuracies of protocols of verification, such as lfw");
    };
    let listed = listed(trial);
    let protocol = &judged.judgement.protocol;
    Ok(Accuracy {
        protocol: format!("{protocol} ({listed})"),
        size: found.size,
        value: found.scores.accuracy,
        std: Some(found.scores.accuracy_std),
        command: format!(
            "facette eval MODEL --protocol {protocol} --images DIR --pairs {listed} --size {}:{} \
             --flip={}",
            found.sizes[0], found.sizes[1], found.flip_rule
        ),
    })
}

/// Name of the list of pairs.
fn listed(trial: &Trial) -> String {
    let name = trial.pairs.as_deref().and_then(Path::file_name).unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// The most accurate threshold, and that of each false accept rate which enough pairs support, as
/// cosines.
fn thresholds(pairs: &PairEvidence, rates: &[f64]) -> anyhow::Result<Vec<(Option<f64>, f64)>> {
    let roc = pairs.roc()?;
    let same = pairs.same.iter().filter(|&&same| same).count() as f64;
    let different = pairs.same.len() as f64 - same;
    let right = |far: f64, tar: f64| tar * same + (1.0 - far) * different;
    let points = roc.points();
    let best = (0..points.len())
        .max_by(|&a, &b| {
            let rightness = |i: usize| right(points[i].far, points[i].tar);
            rightness(a).total_cmp(&rightness(b)).then(b.cmp(&a))
        })
        .context("a ROC has points")?;
    let mut found = vec![(None, cosine_after(&roc, best))];
    for &far in rates.iter().filter(|&&far| far * different >= 1.0) {
        let last = points.partition_point(|point| point.far <= far).saturating_sub(1);
        found.push((Some(far), cosine_after(&roc, last)));
    }
    Ok(found)
}

/// The cosine half-way between the last pair accepted at point `i` and the first one refused.
/// Scores are negative squared distances `d` of unit vectors, whose cosine is `1 - d / 2`.
fn cosine_after(roc: &Roc, i: usize) -> f64 {
    let score = |i: usize| roc.points().get(i).map(|point| point.score).filter(|s| s.is_finite());
    let accepted = score(i).unwrap_or(0.0);
    let refused = score(i + 1).unwrap_or(-4.0);
    1.0 + (accepted + refused) / 4.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_lie_between_the_pairs() {
        // Cosines 0.9, 0.7, 0.5 of one person, 0.6, 0.2, 0.1, -0.2 of two.
        let cosines = [0.9, 0.7, 0.5, 0.6, 0.2, 0.1, -0.2];
        let evidence = PairEvidence {
            distances: cosines.iter().map(|c| 2.0 - 2.0 * c).collect(),
            same: vec![true, true, true, false, false, false, false],
            names: Vec::new(),
        };
        let found = thresholds(&evidence, &[0.25, 0.01]).unwrap();
        let near = |a: f64, b: f64| (a - b).abs() < 1e-12;
        // Two thresholds make one mistake each; the stricter is taken.
        assert!(found[0].0.is_none() && near(found[0].1, 0.65), "{found:?}");
        assert!(found[1].0 == Some(0.25) && near(found[1].1, 0.35), "{found:?}");
        assert_eq!(found.len(), 2, "four pairs say nothing about one in a hundred");
    }
}
