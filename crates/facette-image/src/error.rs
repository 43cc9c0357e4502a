//! Everything that can go wrong with a picture or with the settings of a view.

use std::path::PathBuf;

/// Why a picture could not be read, changed, written or turned into planes.
///
/// The variants separate who is to blame: the file ([`UnknownFormat`](Self::UnknownFormat) to
/// [`TooLarge`](Self::TooLarge)), the settings ([`Setting`](Self::Setting),
/// [`UnknownName`](Self::UnknownName)), the caller ([`Size`](Self::Size), [`Buffer`](Self::Buffer),
/// [`Region`](Self::Region)) or the disk ([`Io`](Self::Io)).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// The first bytes are those of no format that facette reads.
    #[error(
        "not a picture: {length} bytes beginning with {start}; expected JPEG, PNG, WebP, BMP, \
         PNM (pgm, ppm), TIFF or GIF"
    )]
    UnknownFormat {
        /// How many bytes there were.
        length: usize,
        /// The first few of them in hexadecimal, or `nothing`.
        start: String,
    },
    /// The data ends before the picture does.
    #[error("truncated {format}: {detail}; the file was not copied whole, fetch it again")]
    Truncated {
        /// Name of the format.
        format: &'static str,
        /// Where it ends.
        detail: String,
    },
    /// The data contradicts its own format.
    #[error("corrupt {format}: {detail}")]
    Corrupt {
        /// Name of the format.
        format: &'static str,
        /// The decoder's complaint.
        detail: String,
    },
    /// A valid file that uses a feature which the decoder lacks.
    #[error("unsupported {format}: {detail}; convert the picture to 8-bit PNG or JPEG")]
    Unsupported {
        /// Name of the format.
        format: &'static str,
        /// Which feature.
        detail: String,
    },
    /// The picture would need more memory than allowed (a decompression bomb, or an honest giant).
    #[error(
        "picture of {width}x{height} exceeds the limit of {limit} pixels; reduce it first or \
         raise `max_pixels`"
    )]
    TooLarge {
        /// Width in pixels, as the header states it.
        width: u64,
        /// Height in pixels.
        height: u64,
        /// The limit in pixels.
        limit: u64,
    },
    /// A width or height that no picture can have here.
    #[error("{what} of {width}x{height}: {expected}")]
    Size {
        /// What was asked for.
        what: &'static str,
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
        /// What would have been accepted.
        expected: &'static str,
    },
    /// A slice whose length does not fit the picture or the view.
    #[error("{what}: expected {expected} values, found {found}")]
    Buffer {
        /// Which slice.
        what: &'static str,
        /// Length that fits.
        expected: usize,
        /// Length that was given.
        found: usize,
    },
    /// A rectangle that does not lie inside the picture.
    #[error(
        "rectangle {width}x{height} at ({x}, {y}) does not lie inside a picture of \
         {picture_width}x{picture_height}"
    )]
    Region {
        /// Left edge.
        x: usize,
        /// Top edge.
        y: usize,
        /// Width of the rectangle.
        width: usize,
        /// Height of the rectangle.
        height: usize,
        /// Width of the picture.
        picture_width: usize,
        /// Height of the picture.
        picture_height: usize,
    },
    /// A setting with an impossible value, or an unknown key.
    #[error("{field}: {problem}")]
    Setting {
        /// The setting's name, with its path: `degrade[2] (blur).sigma`.
        field: String,
        /// What was expected and what was found.
        problem: String,
    },
    /// A name that stands in no registry.
    #[error("unknown {what} `{name}`{}; known: {known}", suggestion.as_ref().map(|s| format!(", did you mean `{s}`?")).unwrap_or_default())]
    UnknownName {
        /// What kind of thing was asked for: `degradation`, `degradation preset`.
        what: &'static str,
        /// The name that was given.
        name: String,
        /// The nearest known name, where one is near.
        suggestion: Option<String>,
        /// All known names.
        known: String,
    },
    /// Five points from which no similarity transform can be estimated.
    #[error("landmarks {points} do not span a face: {problem}")]
    Landmarks {
        /// The points as given.
        points: String,
        /// Why they are useless.
        problem: &'static str,
    },
    /// The picture cannot be written in this format.
    #[error("cannot encode {width}x{height} as {format}: {detail}")]
    Encode {
        /// Name of the format.
        format: &'static str,
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
        /// The encoder's complaint.
        detail: String,
    },
    /// The file system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl ImageError {
    pub(crate) fn setting(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Setting { field: field.into(), problem: problem.into() }
    }

    /// The same error with `prefix` before the setting's name.
    pub(crate) fn under(self, prefix: &str) -> Self {
        match self {
            Self::Setting { field, problem } if field.is_empty() => {
                Self::Setting { field: prefix.to_owned(), problem }
            }
            Self::Setting { field, problem } => {
                Self::Setting { field: format!("{prefix}.{field}"), problem }
            }
            other => other,
        }
    }
}
