//! From pictures to the rows of a model, each picture once.

use facette_data::{Progress, Report};
use facette_image::Picture;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::sizes::Preparation;
use crate::{Embedder, EvalError, Outputs};

/// What is done with the mirror image.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flip {
    /// Nothing: the embedding of the picture alone.
    None,
    /// The embedding of the picture plus that of its mirror image (InsightFace's "Accuracy-Flip").
    #[default]
    Sum,
    /// Both embeddings one after the other (A-SKD, SphereFace).
    Concat,
}

impl Flip {
    /// Whether the mirror image is embedded at all.
    pub fn mirrors(self) -> bool {
        self != Self::None
    }

    /// Its name in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Sum => "sum",
            Self::Concat => "concat",
        }
    }
}

/// Reads picture `i`, or says why it cannot.
pub(crate) type Load<'a> = &'a (dyn Fn(usize) -> Result<Picture, String> + Sync);

/// The rows of the pictures that could be read.
#[derive(Debug, Clone)]
pub(crate) struct Embedded {
    plain: Outputs,
    mirrored: Option<Outputs>,
    /// Row of each picture asked for; `None` for a bad one.
    rows: Vec<Option<usize>>,
}

impl Embedded {
    /// Rows combined with those of the mirror images as `flip` says.
    pub(crate) fn combined(&self, flip: Flip) -> Outputs {
        let Some(mirrored) = self.mirrored.as_ref().filter(|_| flip.mirrors()) else {
            return self.plain.clone();
        };
        let rows = self.plain.rows().zip(mirrored.rows());
        let (values, width): (Vec<f32>, usize) = match flip {
            Flip::Concat => {
                (rows.flat_map(|(a, b)| [a, b].concat()).collect(), 2 * self.plain.width())
            }
            _ => (
                rows.flat_map(|(a, b)| a.iter().zip(b).map(|(x, y)| x + y)).collect(),
                self.plain.width(),
            ),
        };
        // Sums of finite embeddings overflow only where a model gives absurd ones; keep them finite
        // rather than fail here, the direction is what counts.
        let values = values.into_iter().map(|v: f32| v.clamp(f32::MIN, f32::MAX)).collect();
        Outputs::new(values, width).expect("finite rows of one width")
    }

    /// Row of picture `i`, or `None` where it could not be read.
    pub(crate) fn row_of(&self, i: usize) -> Option<usize> {
        self.rows[i]
    }

    /// How many pictures could not be read.
    pub(crate) fn bad(&self) -> usize {
        self.rows.iter().filter(|row| row.is_none()).count()
    }
}

/// What to embed and how.
pub(crate) struct Job<'a> {
    pub(crate) pictures: usize,
    pub(crate) load: Load<'a>,
    pub(crate) preparation: &'a Preparation,
    pub(crate) mirror: bool,
    pub(crate) batch: usize,
    pub(crate) allow_bad: usize,
}

/// How many bad pictures a message names.
const NAMED: usize = 10;

/// Planes of a batch, and which pictures they show.
struct Batch {
    planes: Vec<f32>,
    pictures: Vec<usize>,
    bad: Vec<String>,
}

/// Embeds every picture of the job once. While the model works on a batch the next one is decoded.
pub(crate) fn embed(
    model: &mut dyn Embedder,
    job: &Job<'_>,
    report: Report<'_>,
) -> Result<Embedded, EvalError> {
    if job.batch == 0 {
        return Err(EvalError::Option {
            option: "batch".into(),
            value: "0".into(),
            expected: "at least 1".into(),
        });
    }
    let starts: Vec<usize> = (0..job.pictures).step_by(job.batch).collect();
    let (mut plain, mut mirrored) = (Vec::new(), Vec::new());
    let mut rows = vec![None; job.pictures];
    let (mut bad, mut known) = (Vec::new(), 0);
    let mut next = starts.first().map(|&start| prepare(job, start));
    for (k, &start) in starts.iter().enumerate() {
        let batch = next.take().expect("prepared in the step before")?;
        bad.extend(batch.bad.iter().cloned());
        for &picture in &batch.pictures {
            rows[picture] = Some(known);
            known += 1;
        }
        // A model that uses the same threads would wait for the decoder's tasks; the join lets
        // them share.
        let (embedded, prepared) = rayon::join(
            || run(model, job, &batch, start),
            || starts.get(k + 1).map(|&start| prepare(job, start)),
        );
        let (values, flipped) = embedded?;
        plain.extend(values);
        mirrored.extend(flipped);
        next = prepared;
        report(Progress {
            what: "embedding pictures",
            done: (start + job.batch).min(job.pictures),
            total: job.pictures,
        });
    }
    if bad.len() > job.allow_bad {
        return Err(EvalError::BadPictures {
            count: bad.len(),
            total: job.pictures,
            allowed: job.allow_bad,
            examples: bad.into_iter().take(NAMED).collect(),
        });
    }
    let width = model.dim();
    let plain = Outputs::new(plain, width)?;
    let mirrored = job.mirror.then(|| Outputs::new(mirrored, width)).transpose()?;
    Ok(Embedded { plain, mirrored, rows })
}

fn prepare(job: &Job<'_>, start: usize) -> Result<Batch, EvalError> {
    let end = (start + job.batch).min(job.pictures);
    let len = job.preparation.len();
    let loaded: Vec<Result<Vec<f32>, String>> = (start..end)
        .into_par_iter()
        .map(|i| {
            let mut planes = vec![0.0; len];
            let picture = (job.load)(i)?;
            job.preparation.planes(&picture, &mut planes).map_err(|e| e.to_string())?;
            Ok(planes)
        })
        .collect();
    let mut batch = Batch { planes: Vec::new(), pictures: Vec::new(), bad: Vec::new() };
    for (i, planes) in (start..end).zip(loaded) {
        match planes {
            Ok(planes) => {
                batch.planes.extend(planes);
                batch.pictures.push(i);
            }
            Err(problem) => batch.bad.push(problem),
        }
    }
    Ok(batch)
}

fn run(
    model: &mut dyn Embedder,
    job: &Job<'_>,
    batch: &Batch,
    start: usize,
) -> Result<(Vec<f32>, Vec<f32>), EvalError> {
    let count = batch.pictures.len();
    if count == 0 {
        return Ok((Vec::new(), Vec::new()));
    }
    let expected = count * model.dim();
    let mut rows = |planes: &[f32]| {
        let values = model.embed(planes, count).map_err(|source| EvalError::Model {
            first: start,
            last: batch.pictures[count - 1],
            source,
        })?;
        match values.len() == expected {
            true => Ok(values),
            false => Err(EvalError::Shape {
                what: "model outputs".into(),
                expected: format!("{expected} values for {count} pictures"),
                found: values.len().to_string(),
            }),
        }
    };
    let plain = rows(&batch.planes)?;
    if !job.mirror {
        return Ok((plain, Vec::new()));
    }
    let mut mirror = batch.planes.clone();
    mirror.chunks_exact_mut(job.preparation.width()).for_each(<[f32]>::reverse);
    Ok((plain, rows(&mirror)?))
}
