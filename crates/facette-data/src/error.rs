//! Everything that can go wrong with a source of pictures or with what is asked of it.

use std::path::{Path, PathBuf};

use facette_image::ImageError;

use crate::bad::BadPictures;

/// Why pictures could not be found, read, selected or made into batches.
///
/// The variants separate who is to blame: the settings ([`Setting`](Self::Setting),
/// [`UnknownKind`](Self::UnknownKind)), the source ([`Layout`](Self::Layout) to
/// [`BadPictures`](Self::BadPictures)), the caller ([`Selection`](Self::Selection)) or the disk
/// ([`Io`](Self::Io)).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A setting has an unknown name or an impossible value.
    #[error("{owner}: setting `{key}`: {problem}")]
    Setting {
        /// What the setting belongs to: `source "parquet"`, `loader`, `sampler`.
        owner: String,
        /// Its key in the recipe.
        key: String,
        /// What was expected and what was found.
        problem: String,
    },
    /// A kind of source that stands in no registry.
    #[error("unknown kind of source `{name}`{}; known: {known}", suggested(.suggestion))]
    UnknownKind {
        /// The kind that was given.
        name: String,
        /// The nearest known kind, where one is near.
        suggestion: Option<String>,
        /// All known kinds.
        known: String,
    },
    /// A folder or file that is not laid out as its kind says.
    #[error("{}: {problem}", path.display())]
    Layout {
        /// The folder or file.
        path: PathBuf,
        /// What was expected, what was found, and the way out.
        problem: String,
    },
    /// An identity without a single picture.
    #[error(
        "{}: identity folder holds no picture ({}); remove the folder or put pictures into it",
        path.display(), crate::readers::EXTENSIONS.join(", ")
    )]
    EmptyIdentity {
        /// The folder.
        path: PathBuf,
    },
    /// A row, line or record that cannot be understood.
    #[error("{}, {place}: {problem}", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// Where in the file: `row 12, column "identity"`, `line 3, field FACE_X`.
        place: String,
        /// What was expected and what was found.
        problem: String,
    },
    /// Two pictures, or two sources, of one name.
    #[error("{what} `{name}` stands twice; {remedy}")]
    Duplicate {
        /// What it names.
        what: &'static str,
        /// The name.
        name: String,
        /// The way out.
        remedy: &'static str,
    },
    /// One picture that cannot be read.
    #[error("{place}: {source}")]
    Picture {
        /// Its file, or its file and row.
        place: String,
        /// What is wrong with it.
        source: ImageError,
    },
    /// More pictures than allowed cannot be read.
    #[error("{0}")]
    BadPictures(BadPictures),
    /// Features that do not fit the pictures.
    #[error("features of {owner}: {problem}")]
    Features {
        /// The file or the source.
        owner: String,
        /// What was expected and what was found.
        problem: String,
    },
    /// A selection or split that leaves nothing, or asks for what is not there.
    #[error("cannot select: {problem}")]
    Selection {
        /// What was asked for, what there is, and the way out.
        problem: String,
    },
    /// Decoded pictures that would need more memory than allowed.
    #[error(
        "{pictures} decoded pictures need {needed_mb} MB, more than `limit_mb` = {limit_mb}; \
         set `size` to reduce them, raise `limit_mb`, or decode at every step (`decode = \"step\"`)"
    )]
    CacheLimit {
        /// Number of pictures.
        pictures: usize,
        /// What they need, in units of 10^6 bytes.
        needed_mb: u64,
        /// What is allowed.
        limit_mb: u64,
    },
    /// A view that cannot be made.
    #[error("view of {place}: {source}")]
    View {
        /// The picture.
        place: String,
        /// Why.
        source: ImageError,
    },
    /// A background thread of the loader ended without a result.
    #[error("loader thread {thread} ended early: {problem}")]
    Worker {
        /// Which thread, from 0.
        thread: usize,
        /// Its last words.
        problem: String,
    },
    /// The file system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

fn suggested(suggestion: &Option<String>) -> String {
    suggestion.as_ref().map(|name| format!(", did you mean `{name}`?")).unwrap_or_default()
}

impl DataError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    pub(crate) fn layout(path: &Path, problem: impl Into<String>) -> Self {
        Self::Layout { path: path.to_owned(), problem: problem.into() }
    }

    pub(crate) fn record(
        path: &Path,
        place: impl Into<String>,
        problem: impl Into<String>,
    ) -> Self {
        Self::Record { path: path.to_owned(), place: place.into(), problem: problem.into() }
    }

    pub(crate) fn setting(
        owner: impl Into<String>,
        key: impl Into<String>,
        problem: impl Into<String>,
    ) -> Self {
        Self::Setting { owner: owner.into(), key: key.into(), problem: problem.into() }
    }

    pub(crate) fn selection(problem: impl Into<String>) -> Self {
        Self::Selection { problem: problem.into() }
    }

    /// Whether the fault lies in one picture, so that the picture may be left out instead.
    pub(crate) fn is_of_one_picture(&self) -> bool {
        matches!(self, Self::Picture { .. } | Self::Io { .. })
    }
}
