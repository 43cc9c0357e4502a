//! Which way of quantising loses least, by faces that were not calibrated on.

use facette_graph::StudentFile;

use super::calibration::Calibration;
use super::equalise::equalise;
use super::{QuantiseOptions, Range};
use crate::error::RuntimeError;
use crate::input::Face;
use crate::recognizer::Recognizer;

impl QuantiseOptions {
    /// Every combination that is worth a try.
    pub fn candidates() -> Vec<Self> {
        let ranges =
            [Range::MinMax, Range::Percentile(99.999), Range::Percentile(99.99), Range::Entropy];
        let mut all = Vec::new();
        for equalise in [false, true] {
            for range in ranges {
                for correct_bias in [false, true] {
                    all.push(Self { range, correct_bias, equalise });
                }
            }
        }
        all
    }
}

/// One way of quantising, and how near the student stays to what it was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tried {
    /// The way.
    pub options: QuantiseOptions,
    /// Mean cosine of the embeddings of both students, over the faces that were held out.
    pub cosine: f64,
}

/// The best of some ways.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// The int8 student.
    pub student: StudentFile,
    /// The float student it was rounded from, equalised where that was chosen: the one to measure
    /// [`drift`](super::drift) from.
    pub float: StudentFile,
    /// The way it was made in.
    pub options: QuantiseOptions,
    /// All that were tried, in order.
    pub tried: Vec<Tried>,
}

/// Quantises a student in each of the ways `candidates` and keeps that which changes the embeddings
/// of `held_out` least, the first of equals. The faces it is calibrated on should not be among them.
///
/// # Errors
/// As [`quantise`](super::quantise), or if there is nothing to choose from or by.
pub fn choose(
    file: &StudentFile,
    calibrate: &[Face<'_>],
    held_out: &[Face<'_>],
    candidates: &[QuantiseOptions],
) -> Result<Choice, RuntimeError> {
    if held_out.is_empty() {
        return Err(RuntimeError::Empty { what: "faces to choose by" });
    }
    let expected = embeddings(file, held_out)?;
    let (mut tried, mut best): (Vec<Tried>, Option<Choice>) = (Vec::new(), None);
    for equalised in [false, true] {
        let mut candidates = candidates.iter().filter(|c| c.equalise == equalised).peekable();
        if candidates.peek().is_none() {
            continue;
        }
        let float = if equalised { equalise(file, calibrate)? } else { file.clone() };
        let calibration = Calibration::new(&float, calibrate)?;
        for &options in candidates {
            let student = calibration.student(options)?;
            let cosine = nearness(&expected, &embeddings(&student, held_out)?, file);
            if tried.iter().all(|before: &Tried| before.cosine < cosine) {
                let float = float.clone();
                best = Some(Choice { student, float, options, tried: Vec::new() });
            }
            tried.push(Tried { options, cosine });
        }
    }
    let mut choice = best.ok_or(RuntimeError::Empty { what: "ways to quantise" })?;
    choice.tried = tried;
    Ok(choice)
}

fn embeddings(file: &StudentFile, faces: &[Face<'_>]) -> Result<Vec<f32>, RuntimeError> {
    let recognizer = Recognizer::new(file.clone())?;
    let mut out = vec![0.0; faces.len() * recognizer.dim()];
    let mut scratch = recognizer.scratch(faces.len());
    recognizer.embed_batch(&mut scratch, faces, &mut out)?;
    Ok(out)
}

/// Mean cosine of embeddings.
fn nearness(a: &[f32], b: &[f32], file: &StudentFile) -> f64 {
    let dim = file.card().embedding.dim;
    let pairs = a.chunks_exact(dim).zip(b.chunks_exact(dim));
    pairs.map(|(a, b)| super::drift::cosine(a, b)).sum::<f64>() / (a.len() / dim) as f64
}
