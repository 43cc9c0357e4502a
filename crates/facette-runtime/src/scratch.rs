//! What one thread needs besides the network.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use facette_kernels::Level;
use facette_kernels::infer::{Value, Work, normalise, pitch};

use crate::input::Canvas;
use crate::plan::Plan;
use crate::slots::{Place, Slots};
use crate::step::Tensor;

/// Working memory of one thread, reused from face to face. Belongs to the recognizer that made it.
#[derive(Debug)]
pub struct Scratch {
    pub(crate) slots: Slots,
    pub(crate) work: Work,
    pub(crate) canvas: Canvas,
    /// Digest of the student it was made for.
    pub(crate) student: String,
    embeddings: Vec<f32>,
    dim: usize,
    faces: usize,
}

impl Scratch {
    /// Most faces computed at once: enough to fill the kernels' tiles on small maps, and few enough
    /// to stay in the cache.
    pub const MOST: usize = 12;

    pub(crate) fn new(plan: &Plan, student: &str, dim: usize, faces: usize) -> Self {
        let faces = faces.clamp(1, Self::MOST);
        let (slots, work) = plan.reserve(faces);
        Self {
            slots,
            work,
            canvas: Canvas::default(),
            student: student.to_owned(),
            embeddings: vec![0.0; faces * dim],
            dim,
            faces,
        }
    }

    /// Faces it holds at once.
    pub fn faces(&self) -> usize {
        self.faces
    }

    /// Bytes of working memory besides the activations: pictures with borders, transformed tiles.
    pub fn work_bytes(&self) -> usize {
        self.work.bytes()
    }

    /// The first `count` embeddings.
    pub(crate) fn embeddings(&self, count: usize) -> &[f32] {
        &self.embeddings[..count * self.dim]
    }

    /// Copies the results out of the activations.
    pub(crate) fn collect(&mut self, level: Level, from: Tensor, count: usize, unit: bool) {
        let rows = self.embeddings.chunks_exact_mut(self.dim).take(count);
        match from.place {
            Place::Float(slot) => {
                let x = self.slots.read::<f32>(slot, (), count * from.len);
                for (row, x) in rows.zip(x.values.chunks_exact(pitch(self.dim))) {
                    row.copy_from_slice(&x[..self.dim]);
                }
            }
            Place::Byte(slot, code) => {
                let x = self.slots.read::<u8>(slot, code, count * from.len);
                for (row, x) in rows.zip(x.values.chunks_exact(pitch(self.dim))) {
                    row.iter_mut().zip(x).for_each(|(v, x)| *v = x.read(code));
                }
            }
        }
        if unit {
            let rows = self.embeddings.chunks_exact_mut(self.dim).take(count);
            rows.for_each(|row| normalise(level, row));
        }
    }
}
