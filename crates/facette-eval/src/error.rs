//! What can go wrong while judging a model.

use std::path::PathBuf;

/// Every failure of this crate. The message names what was looked at, what was expected, what was
/// found, and the way out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvalError {
    /// Two inputs that must have the same length have not, or a length is not a multiple.
    #[error("{what}: expected {expected}, found {found}")]
    Shape {
        /// Which input.
        what: String,
        /// What it should have been.
        expected: String,
        /// What it was.
        found: String,
    },
    /// A value is NaN or infinite.
    #[error(
        "{what} holds {value} in row {row}: the model's outputs must be finite (a diverged \
         checkpoint or a wrong mean/std gives such rows)"
    )]
    NotFinite {
        /// Which array.
        what: String,
        /// The first row with such a value.
        row: usize,
        /// The value.
        value: f64,
    },
    /// A measure needs something the data does not have, such as pairs of both kinds.
    #[error("{measure} needs {needs}, found {found}")]
    TooLittle {
        /// Which measure.
        measure: String,
        /// What it needs.
        needs: String,
        /// What there was.
        found: String,
    },
    /// An option has a value that makes no sense.
    #[error("{option} = {value}: {expected}")]
    Option {
        /// The option's name.
        option: String,
        /// The value given.
        value: String,
        /// What is allowed.
        expected: String,
    },
    /// A name that stands in no registry.
    #[error("no {kind} is called '{name}'{}; known: {known}", hint(.nearest))]
    Unknown {
        /// What kind of thing was asked for.
        kind: &'static str,
        /// The name given.
        name: String,
        /// The known name that looks most like it.
        nearest: Option<String>,
        /// All known names.
        known: String,
    },
    /// Pictures that are missing or cannot be read, more of them than allowed.
    #[error(
        "{count} of {total} pictures cannot be used ({allowed} allowed): {}; mend them, or allow \
         that many bad pictures (their pairs are then left out)",
        list(.examples, *.count)
    )]
    BadPictures {
        /// How many.
        count: usize,
        /// Out of how many distinct pictures.
        total: usize,
        /// How many were allowed.
        allowed: usize,
        /// The first few, each with its reason.
        examples: Vec<String>,
    },
    /// The model under judgement failed.
    #[error("the model failed on pictures {first} to {last}: {source}")]
    Model {
        /// Index of the first picture of the batch.
        first: usize,
        /// Index of the last picture of the batch.
        last: usize,
        /// Its own error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A folder or list of pictures cannot be read.
    #[error(transparent)]
    Data(#[from] facette_data::DataError),
    /// A picture cannot be prepared for the model.
    #[error(transparent)]
    Image(#[from] facette_image::ImageError),
    /// A figure could not be drawn.
    #[error("figure '{figure}': {reason}")]
    Figure {
        /// Its registry name.
        figure: String,
        /// Why.
        reason: String,
    },
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
}

fn hint(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|name| format!(", did you mean '{name}'?")).unwrap_or_default()
}

fn list(examples: &[String], count: usize) -> String {
    let rest = count.saturating_sub(examples.len());
    let mut text = examples.join("; ");
    if rest > 0 {
        text.push_str(&format!("; and {rest} more"));
    }
    text
}
