//! What a run told of itself, as curves.

use std::path::Path;

use anyhow::Context;
use facette_eval::figures::{Series, TrainingCurves};
use facette_train::Row;

/// The curves of every stage in `metrics.jsonl` of a run folder.
pub(crate) fn curves(name: &str, folder: &Path) -> anyhow::Result<Vec<TrainingCurves>> {
    let path = folder.join("metrics.jsonl");
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let mut stages: Vec<TrainingCurves> = Vec::new();
    for (place, line) in text.lines().enumerate() {
        let row: Row = serde_json::from_str(line)
            .with_context(|| format!("{}, line {}", path.display(), place + 1))?;
        let stage = match &row {
            Row::Step(row) => &row.stage,
            Row::Validation(row) => &row.stage,
        };
        let title = format!("{name}, stage {stage}");
        if stages.last().is_none_or(|last| last.title != title) {
            stages.push(TrainingCurves { title, axis: "step".into(), ..TrainingCurves::default() });
        }
        let Some(curves) = stages.last_mut() else { continue };
        match row {
            Row::Step(row) => {
                let at = row.step as f64;
                add(&mut curves.losses, "loss", at, row.loss);
                // A single term is the loss itself.
                if row.terms.len() > 1 {
                    row.terms.iter().for_each(|(name, v)| add(&mut curves.losses, name, at, *v));
                }
                curves.rate.push((at, row.lr));
            }
            Row::Validation(row) => {
                let shares = row.figures.iter().filter(|(_, value)| (0.0..=1.0).contains(*value));
                shares.for_each(|(name, v)| add(&mut curves.validation, name, row.step as f64, *v));
            }
        }
    }
    Ok(stages)
}

fn add(series: &mut Vec<Series>, name: &str, at: f64, value: f64) {
    match series.iter_mut().find(|series| series.name == name) {
        Some(series) => series.points.push((at, value)),
        None => series.push(Series { name: name.to_owned(), points: vec![(at, value)] }),
    }
}
