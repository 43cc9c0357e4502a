//! Floats or bytes: what a student computes in.

use anyhow::{Context, ensure};
use clap::ValueEnum;
use facette_graph::{Norm, StudentFile};

/// What a student computes in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Precision {
    /// int8 where the student's card says that this costs no more accuracy than is allowed, else f32
    #[default]
    Auto,
    /// Floats; int8 weights as the floats they stand for
    F32,
    /// Bytes; the student must have been quantised
    Int8,
}

/// What is read off a student.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Output {
    Embedding,
    Logits,
}

impl Precision {
    /// Whether a student is run in bytes.
    pub(super) fn is_int8(self, name: &str, file: &StudentFile) -> anyhow::Result<bool> {
        let quantisation = file.card().quantisation.as_ref();
        match self {
            Self::Auto => Ok(quantisation.is_some_and(|q| q.is_trusted())),
            Self::F32 => Ok(false),
            Self::Int8 => {
                ensure!(
                    quantisation.is_some(),
                    "{name}: a student of floats; `facette quantise {name} --data DIR --out FILE` \
                     makes an int8 one of it"
                );
                Ok(true)
            }
        }
    }
}

/// The student as the runtime is to run it: in bytes or not, and with rows left as they are, since
/// protocols add up mirror images before they normalise.
pub(super) fn prepared(
    file: &StudentFile,
    int8: bool,
    output: Output,
) -> anyhow::Result<StudentFile> {
    let (mut card, arrays) = file.clone().into_parts();
    card.embedding.norm = Norm::None;
    if !int8 {
        card.quantisation = None;
    }
    if output == Output::Logits {
        let taps = &mut card.graph.taps;
        taps.embedding = taps.logits.take().context(
            "the model scores no classes; set `classifier = true` under [student] of its recipe, or \
             judge it by another protocol",
        )?;
        card.embedding.dim = card.graph.shapes()?[card.graph.taps.embedding].len();
    }
    Ok(StudentFile::new(card, arrays)?)
}
