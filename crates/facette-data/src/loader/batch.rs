//! What a training step is given.

use super::Work;
use crate::{Cursor, DataError};

/// Both views of `n` pictures and what is known of them.
#[derive(Clone, Debug, PartialEq)]
pub struct TwoViewBatch {
    /// Which step it is.
    pub cursor: Cursor,
    /// The student's view, `[n, c, h, w]`, normalised.
    pub student: Vec<f32>,
    /// The teacher's view, `[n, c, h, w]`, normalised; where there is one.
    pub teacher: Option<Vec<f32>>,
    /// Class of every picture, `[n]`.
    pub labels: Vec<usize>,
    /// Domain of every picture, `[n]`; empty where the data set has none.
    pub domains: Vec<usize>,
    /// Place of every picture in the prepared data set, `[n]`.
    pub indices: Vec<usize>,
    /// Whether the student's view is mirrored, `[n]`.
    pub flipped: Vec<bool>,
    /// The teacher's vectors that stand beside the pictures, `[n, d]`; only if every picture of
    /// the data set has one.
    pub features: Option<Vec<f32>>,
}

impl TwoViewBatch {
    /// Number of pictures.
    pub fn pictures(&self) -> usize {
        self.indices.len()
    }

    /// Prepares the batch at `cursor`, whose epoch has the given order.
    pub(super) fn make(work: &Work, order: &[usize], cursor: Cursor) -> Result<Self, DataError> {
        let size = work.sampler.batch();
        let start = cursor.step as usize * size;
        let indices = order[start..order.len().min(start + size)].to_vec();
        let n = indices.len();
        let dataset = work.prepared.dataset();
        let length = work.views.student.len();
        let teacher_length = work.views.teacher.as_ref().map_or(0, |teacher| teacher.view.len());
        let mut student = vec![0.0; n * length];
        let mut teacher = vec![0.0; n * teacher_length];
        let mut flipped = Vec::with_capacity(n);
        for (k, &i) in indices.iter().enumerate() {
            let picture = work.prepared.picture(i)?;
            let number = (cursor.epoch << 32) | (start + k) as u64;
            let views = work.views.show(
                &picture,
                (work.seed, number),
                &mut student[k * length..(k + 1) * length],
                &mut teacher[k * teacher_length..(k + 1) * teacher_length],
            );
            let place = || dataset.place(i);
            flipped.push(views.map_err(|source| DataError::View { place: place(), source })?);
        }
        let features = work.features.map(|width| {
            let mut rows = Vec::with_capacity(n * width);
            indices.iter().for_each(|&i| rows.extend(dataset.feature(i).into_iter().flatten()));
            rows
        });
        Ok(Self {
            cursor,
            student,
            teacher: work.views.teacher.is_some().then_some(teacher),
            labels: indices.iter().map(|&i| dataset.label(i)).collect(),
            domains: match dataset.domains().is_empty() {
                true => Vec::new(),
                false => indices.iter().map(|&i| dataset.domain(i)).collect(),
            },
            indices,
            flipped,
            features,
        })
    }
}
