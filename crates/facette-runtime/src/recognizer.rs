//! A student ready to be used.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
#[cfg(feature = "std")]
use alloc::vec::Vec;
#[cfg(feature = "std")]
use std::path::Path;

use facette_graph::{Card, Norm, StudentFile};
use facette_kernels::Level;
use facette_kernels::infer::Aligned;

use crate::error::RuntimeError;
use crate::fold::folded;
use crate::input::{Face, Input};
use crate::plan::{Bytes, Plan};
use crate::scratch::Scratch;
use crate::slots::{Place, Slots};

/// A student ready to be used, by any number of threads at once; each brings a [`Scratch`].
#[derive(Debug)]
pub struct Recognizer {
    card: Card,
    digest: String,
    input: Input,
    plan: Plan,
    level: Level,
}

impl Recognizer {
    /// Loads a student file.
    ///
    /// # Errors
    /// If the file cannot be read, is damaged, or holds a network that cannot be run. The message
    /// names file and field, tensor or node.
    #[cfg(feature = "std")]
    pub fn load(path: impl AsRef<Path>) -> Result<Self, RuntimeError> {
        Self::new(StudentFile::open(path.as_ref())?)
    }

    /// Loads the bytes of a student file.
    ///
    /// # Errors
    /// If they are damaged, or hold a network that cannot be run. The message names field, tensor or
    /// node.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RuntimeError> {
        Self::new(StudentFile::from_bytes(bytes)?)
    }

    /// Makes a student that was read ready.
    ///
    /// # Errors
    /// If its network cannot be run.
    pub fn new(file: StudentFile) -> Result<Self, RuntimeError> {
        let digest = file.digest().to_owned();
        let (card, arrays) = file.into_parts();
        let input = Input::new(&card)?;
        let (graph, arrays) = folded(&card.graph, arrays)?;
        let bytes = match &card.quantisation {
            Some(quantisation) => Some(Bytes::new(&card, quantisation, &graph, &arrays)?),
            None => None,
        };
        let plan = Plan::new(&graph, &arrays, &input, bytes.as_ref())?;
        Ok(Self { card, digest, input, plan, level: Level::current() })
    }

    /// The same on another level than [`Level::current`]; on [`Level::Scalar`] where the processor
    /// lacks it.
    #[must_use]
    pub fn at(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// Which kernels it runs on.
    pub fn level(&self) -> Level {
        self.level
    }

    /// What the student's file says about it.
    pub fn card(&self) -> &Card {
        &self.card
    }

    /// Blake3 digest of the student's file.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Length of an embedding.
    pub fn dim(&self) -> usize {
        self.card.embedding.dim
    }

    /// Bytes that hold activations while one face is computed.
    pub fn peak_bytes(&self) -> usize {
        self.plan.layout.bytes()
    }

    /// Bytes of all activations of one face together, had each its own place: the picture, and what
    /// every layer writes, without padding. The memory published for low-resolution students is
    /// this sum in `f32`.
    pub fn sum_bytes(&self) -> usize {
        self.plan.sum
    }

    /// Working memory for up to `faces` at once; more than [`Scratch::MOST`] bring nothing.
    pub fn scratch(&self, faces: usize) -> Scratch {
        Scratch::new(&self.plan, &self.digest, self.dim(), faces)
    }

    /// The embedding of a face of any size: what is to be compared by inner products, of length 1
    /// where the card asks for that.
    ///
    /// # Errors
    /// If `scratch` belongs to another student.
    pub fn embed<'s>(
        &self,
        scratch: &'s mut Scratch,
        face: Face<'_>,
    ) -> Result<&'s [f32], RuntimeError> {
        self.block(scratch, &[face])?;
        Ok(scratch.embeddings(1))
    }

    /// The embeddings of many faces, one behind the other into `out`.
    ///
    /// # Errors
    /// If `scratch` belongs to another student, or `out` is not `faces` times [`Recognizer::dim`]
    /// long.
    pub fn embed_batch(
        &self,
        scratch: &mut Scratch,
        faces: &[Face<'_>],
        out: &mut [f32],
    ) -> Result<(), RuntimeError> {
        length("embeddings", faces.len().saturating_mul(self.dim()), out.len())?;
        let most = scratch.faces();
        for (faces, out) in faces.chunks(most).zip(out.chunks_mut(most * self.dim())) {
            self.block(scratch, faces)?;
            out.copy_from_slice(scratch.embeddings(faces.len()));
        }
        Ok(())
    }

    /// [`Recognizer::embed_batch`] with one thread for each of `scratches`. The result does not
    /// depend on how many there are.
    ///
    /// # Errors
    /// As [`Recognizer::embed_batch`], or if there is no scratch.
    #[cfg(feature = "std")]
    pub fn embed_parallel(
        &self,
        scratches: &mut [Scratch],
        faces: &[Face<'_>],
        out: &mut [f32],
    ) -> Result<(), RuntimeError> {
        length("embeddings", faces.len().saturating_mul(self.dim()), out.len())?;
        if scratches.is_empty() {
            return Err(RuntimeError::Empty { what: "scratches" });
        }
        let share = faces.len().div_ceil(scratches.len()).max(1);
        let parts = faces.chunks(share).zip(out.chunks_mut(share * self.dim()));
        std::thread::scope(|scope| {
            let running: Vec<_> = parts
                .zip(scratches)
                .map(|((faces, out), scratch)| {
                    scope.spawn(move || self.embed_batch(scratch, faces, out))
                })
                .collect();
            let done = running.into_iter().map(|thread| match thread.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            done.collect()
        })
    }

    /// The embeddings of faces that are normalised already: `planes` holds `count` times
    /// `[channel][row][column]`, as networks in training read them.
    ///
    /// # Errors
    /// If `scratch` belongs to another student, or a slice is not as long as `count` says.
    pub fn embed_planes(
        &self,
        scratch: &mut Scratch,
        planes: &[f32],
        count: usize,
        out: &mut [f32],
    ) -> Result<(), RuntimeError> {
        length("planes", count.saturating_mul(self.input.len()), planes.len())?;
        length("embeddings", count.saturating_mul(self.dim()), out.len())?;
        self.own(scratch)?;
        let most = scratch.faces();
        let parts = planes.chunks(most * self.input.len());
        for (planes, out) in parts.zip(out.chunks_mut(most * self.dim())) {
            let faces = planes.chunks_exact(self.input.len());
            let batch = faces.len();
            let mut into = self.lend_input(&mut scratch.slots);
            for (face, into) in faces.zip(into.chunks_exact_mut(self.plan.input.len)) {
                self.input.interleave(face, into);
            }
            self.run(scratch, into, batch);
            out.copy_from_slice(scratch.embeddings(batch));
        }
        Ok(())
    }

    /// How alike two embeddings are: their inner product, which is the cosine where the card asks
    /// for vectors of length 1. Compare it with a threshold of the card. NaN where the lengths
    /// differ from [`Recognizer::dim`].
    pub fn similarity(&self, a: &[f32], b: &[f32]) -> f64 {
        if a.len() != self.dim() || b.len() != self.dim() {
            return f64::NAN;
        }
        a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
    }

    /// One line a step: node, operation, how it is computed, and the bytes it writes.
    pub fn describe(&self) -> String {
        let line = |step: &crate::step::Step| {
            let (kind, bytes) = match step.to.place {
                Place::Float(_) => ("f32", 4 * step.to.len),
                Place::Byte(..) => ("int8", step.to.len),
            };
            format!("{} {} {} -> {kind}, {bytes} bytes\n", step.name, step.op, step.method())
        };
        self.plan.steps.iter().map(line).collect()
    }

    /// At most as many faces as `scratch` holds.
    fn block(&self, scratch: &mut Scratch, faces: &[Face<'_>]) -> Result<(), RuntimeError> {
        self.own(scratch)?;
        let mut into = self.lend_input(&mut scratch.slots);
        let parts = faces.iter().zip(into.chunks_exact_mut(self.plan.input.len));
        for (face, into) in parts {
            self.input.write(*face, &mut scratch.canvas, into);
        }
        self.run(scratch, into, faces.len());
        Ok(())
    }

    /// Refuses another student's working memory.
    fn own(&self, scratch: &Scratch) -> Result<(), RuntimeError> {
        let (owner, user) = (&scratch.student, &self.digest);
        match owner == user {
            true => Ok(()),
            false => Err(RuntimeError::Scratch { owner: owner.clone(), user: user.clone() }),
        }
    }

    fn lend_input(&self, slots: &mut Slots) -> Aligned<f32> {
        match self.plan.input.place {
            Place::Float(slot) => slots.lend(slot),
            Place::Byte(..) => unreachable!("the picture is planned as floats"),
        }
    }

    fn run(&self, scratch: &mut Scratch, input: Aligned<f32>, batch: usize) {
        if let Place::Float(slot) = self.plan.input.place {
            scratch.slots.put_back(slot, input);
        }
        self.plan.run(self.level, batch, &mut scratch.slots, &mut scratch.work, |_, _| {});
        scratch.collect(self.level, self.plan.output, batch, self.card.embedding.norm == Norm::L2);
    }
}

fn length(what: &'static str, expected: usize, found: usize) -> Result<(), RuntimeError> {
    if expected == found { Ok(()) } else { Err(RuntimeError::Length { what, expected, found }) }
}
