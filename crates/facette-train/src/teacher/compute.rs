//! The outputs of a finished teacher for every picture of a training set.

use std::sync::atomic::Ordering;

use facette_image::View;
use rayon::prelude::*;

use super::{Model, Outputs, TeacherCache};
use crate::error::TrainError;
use crate::observer::Event;
use crate::recipe::TeacherSettings;
use crate::run::Run;

/// What watchers are told is being done.
const WHAT: &str = "teacher outputs";

/// What a teacher is asked to do, and under which name the answers are kept.
pub(super) struct Task<'a> {
    pub(super) model: &'a Model,
    pub(super) digest: &'a str,
    pub(super) view: &'a View,
    pub(super) settings: &'a TeacherSettings,
    pub(super) name: &'a str,
}

/// Vectors that stand beside the pictures where there are some, else outputs from the cache or,
/// where that has none, from the model.
///
/// # Errors
/// [`TrainError::Interrupted`], with everything computed so far kept; whatever pictures, the model
/// or the disk refuse.
pub(super) fn outputs(run: &mut Run<'_>, task: &Task<'_>) -> Result<Outputs, TrainError> {
    let pictures = run.pictures.clone();
    let dataset = pictures.dataset();
    let (embedding, classes) = (task.model.embedding(), task.model.classes());
    let width = embedding + classes.unwrap_or(0);
    let beside = |i: usize| dataset.feature(i).filter(|_| classes.is_none());
    if let Some(found) = dataset.feature_width().filter(|&found| found != embedding)
        && classes.is_none()
    {
        return Err(TrainError::Teacher {
            teacher: task.name.to_owned(),
            problem: format!(
                "yields {embedding} values, the features beside the pictures have {found}; both \
                 must come from one teacher"
            ),
        });
    }
    let view = serde_json::to_string(task.view).expect("views are plain values");
    let output = task.model.output();
    let key = format!("{}\n{output}\n{view}\nflip={}", task.digest, task.settings.flip);
    let mut cache = TeacherCache::open(&run.paths.cache.join("teachers"), &key, width)?;
    let asked: Vec<usize> = (0..dataset.len()).filter(|&i| beside(i).is_none()).collect();
    let digests = asked
        .par_iter()
        .map(|&i| Ok(dataset.content_digest(i)?.0))
        .collect::<Result<Vec<[u8; 32]>, TrainError>>()?;
    let mut unknown: Vec<(usize, [u8; 32])> = Vec::new();
    for (&i, digest) in asked.iter().zip(&digests) {
        if cache.get(digest).is_none() {
            unknown.push((i, *digest));
        }
    }
    let (total, mut done) = (unknown.len(), 0);
    for chunk in unknown.chunks(task.settings.batch) {
        if run.stop.load(Ordering::Relaxed) {
            return Err(TrainError::Interrupted {
                folder: run.paths.folder.clone(),
                stage: WHAT.to_owned(),
                step: 0,
            });
        }
        run.observer.on(&Event::Preparing { what: WHAT, done, total });
        let shown = |flip: bool| -> Result<Vec<f32>, TrainError> {
            let mut planes = vec![0.0; chunk.len() * task.view.len()];
            planes.par_chunks_mut(task.view.len()).zip(chunk).try_for_each(
                |(planes, (i, _))| {
                    Ok::<_, TrainError>(task.view.clean(&dataset.picture(*i)?, flip, planes)?)
                },
            )?;
            Ok(planes)
        };
        let device = run.device.clone().inner();
        let ask = |flip| task.model.run(shown(flip)?, chunk.len(), &device);
        let (plain, scores) = ask(false)?;
        let (embeddings, scores) = match task.settings.flip {
            false => (plain, scores),
            true => {
                let (mirrored, mirrored_scores) = ask(true)?;
                let scores = scores.zip(mirrored_scores).map(|(a, b)| mean(&a, &b));
                (unit_sum(&plain, &mirrored, embedding), scores)
            }
        };
        let rows = chunk
            .iter()
            .enumerate()
            .map(|(place, (i, digest))| {
                let part = |values: &[f32], width: usize| {
                    values[place * width..(place + 1) * width].to_vec()
                };
                let mut row = part(&embeddings, embedding);
                if let (Some(scores), Some(classes)) = (&scores, classes) {
                    row.extend(part(scores, classes));
                }
                match row.iter().find(|value| !value.is_finite()) {
                    None => Ok((*digest, row)),
                    Some(value) => Err(TrainError::Teacher {
                        teacher: task.name.to_owned(),
                        problem: format!("yields {value} for {}", dataset.place(*i)),
                    }),
                }
            })
            .collect::<Result<Vec<_>, _>>()?;
        cache.add(rows)?;
        done += chunk.len();
    }
    if total > 0 {
        run.observer.on(&Event::Preparing { what: WHAT, done, total });
    }
    let mut rows = Vec::with_capacity(dataset.len() * width);
    let mut digests = digests.iter();
    for i in 0..dataset.len() {
        let row = match beside(i) {
            Some(row) => Some(row),
            None => digests.next().and_then(|digest| cache.get(digest)),
        };
        rows.extend(row.expect("every picture was looked up or computed just now"));
    }
    Ok(Outputs::new(embedding, classes, rows, run.device.clone().inner()))
}

fn mean(a: &[f32], b: &[f32]) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| 0.5 * (a + b)).collect()
}

/// The normalised sum of normalised rows.
fn unit_sum(a: &[f32], b: &[f32], width: usize) -> Vec<f32> {
    let unit = |row: &[f32]| -> Vec<f32> {
        let length = row.iter().map(|v| v * v).sum::<f32>().sqrt().max(1e-12);
        row.iter().map(|v| v / length).collect()
    };
    a.chunks_exact(width)
        .zip(b.chunks_exact(width))
        .flat_map(|(a, b)| {
            let sum: Vec<f32> = unit(a).iter().zip(unit(b)).map(|(a, b)| a + b).collect();
            unit(&sum)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn picture_and_mirror_image_count_alike_whatever_their_lengths() {
        let sum = unit_sum(&[3.0, 0.0, 0.0, 2.0], &[0.0, 5.0, 0.0, 8.0], 2);
        let half = 0.5f32.sqrt();
        let expected = [half, half, 0.0, 1.0];
        assert!(sum.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{sum:?}");
        assert!(unit_sum(&[0.0, 0.0], &[0.0, 0.0], 2).iter().all(|v| v.is_finite()));
    }
}
