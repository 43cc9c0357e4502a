//! The pairs a model is most wrong about.

use std::path::Path;

use facette_eval::protocols::VerificationTrial;
use facette_eval::report::{Shown, Strip, Tile, Verdict};
use facette_eval::{Evidence, Judged, Sizes};
use facette_image::{Picture, View};

use crate::judging::Trial;

/// The `count` pairs that `judged` is most wrong about, as the model saw them; nothing where it
/// is no judgement on pairs or makes no mistake.
pub(crate) fn hardest_pairs(
    trial: &Trial,
    judged: &Judged,
    view: &View,
    count: usize,
) -> anyhow::Result<Option<Strip>> {
    let (Some(list), Evidence::Pairs(evidence)) = (&trial.pairs, &judged.evidence) else {
        return Ok(None);
    };
    let Some(found) = judged.judgement.verification() else { return Ok(None) };
    let pictures = open(trial, list)?;
    // Distances are the same whatever the convention; so is the threshold that suits them best.
    let threshold = most_accurate(evidence);
    let sizes = Sizes::new(found.sizes[0], found.sizes[1])?;
    let mut tiles = Vec::new();
    for i in evidence.worst(threshold, count) {
        let (a, b) = &evidence.names[i];
        let show = |name: &str, side: usize| {
            let picture = pictures.picture(name).map_err(anyhow::Error::msg)?;
            Ok::<_, anyhow::Error>(Shown {
                picture: seen(&picture, view, side)?,
                label: name.into(),
            })
        };
        let said =
            if evidence.same[i] { "one person, taken for two" } else { "two, taken for one" };
        tiles.push(Tile {
            pictures: vec![show(a, sizes.first)?, show(b, sizes.second)?],
            text: format!(
                "{said}: distance {:.2}, threshold {threshold:.2}",
                evidence.distances[i]
            ),
            verdict: Verdict::Wrong,
        });
    }
    let name = &judged.judgement.model.name;
    Ok((!tiles.is_empty()).then(|| Strip {
        title: format!("The hardest pairs of {name}"),
        caption: "Pairs of held-out people that the model is most wrong about, as it sees them; \
                  distances are squared, of unit embeddings."
            .into(),
        tiles,
    }))
}

fn open(trial: &Trial, list: &Path) -> anyhow::Result<VerificationTrial> {
    Ok(VerificationTrial::open(&trial.images, list, trial.options.allow_bad)?)
}

/// The picture at `side` pixels, reduced with the model's kernel.
fn seen(picture: &Picture, view: &View, side: usize) -> anyhow::Result<Picture> {
    Ok(facette_image::resize(picture, side, side, view.kernel)?)
}

fn most_accurate(evidence: &facette_eval::PairEvidence) -> f64 {
    let mut pairs: Vec<(f64, bool)> =
        evidence.distances.iter().copied().zip(evidence.same.iter().copied()).collect();
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    // Right answers with the threshold below the first pair, and behind each in turn.
    let mut right = pairs.iter().filter(|(_, same)| !same).count();
    let (mut best, mut threshold) = (right, 0.0);
    for (k, (distance, same)) in pairs.iter().enumerate() {
        right = if *same { right + 1 } else { right - 1 };
        if right > best {
            let next = pairs.get(k + 1).map_or(*distance, |(next, _)| *next);
            (best, threshold) = (right, (distance + next) / 2.0);
        }
    }
    threshold
}
