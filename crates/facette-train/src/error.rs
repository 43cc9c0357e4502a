//! Everything that can stop a training.

use std::path::{Path, PathBuf};

/// Why a recipe was refused or a run ended early.
///
/// The variants separate who is to blame: the recipe ([`Recipe`](Self::Recipe)), a file
/// ([`Resume`](Self::Resume), [`Teacher`](Self::Teacher)), the disk ([`Io`](Self::Io)), the
/// training itself ([`Diverged`](Self::Diverged)), the user ([`Interrupted`](Self::Interrupted)).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A recipe or sweep with an unknown key or an impossible value.
    #[error("{file}: {key}: {problem}")]
    Recipe {
        /// The file, or what stands for one.
        file: String,
        /// The key, dotted: `stage[0].optimiser.momentum`.
        key: String,
        /// What was expected, what was found, and the way out.
        problem: String,
    },
    /// A run folder that cannot be gone on with.
    #[error("cannot resume: {}: {problem}; start anew in another folder", path.display())]
    Resume {
        /// The file that does not fit.
        path: PathBuf,
        /// What was expected and what was found.
        problem: String,
    },
    /// The run folder holds a run, and resuming was not asked for.
    #[error(
        "{} holds a run; go on with it (`--resume`) or choose another folder", path.display()
    )]
    Occupied {
        /// The run folder.
        path: PathBuf,
    },
    /// Another process works on the run.
    #[error("another process works on {}; wait for it or choose another folder", path.display())]
    Busy {
        /// The run folder.
        path: PathBuf,
    },
    /// A teacher that does not give what is asked of it.
    #[error("teacher {teacher}: {problem}")]
    Teacher {
        /// Its path or name.
        teacher: String,
        /// What was expected, what was found, and the way out.
        problem: String,
    },
    /// A loss that is no number any more, or too large to go on.
    #[error(
        "stage {stage:?}: term {term:?} became {value} in epoch {epoch}, step {step}; lower `lr`, \
         set `clip`, or lower the weight of the term; {kept}"
    )]
    Diverged {
        /// Name of the stage.
        stage: String,
        /// The first term that went wrong, or `gradient`.
        term: String,
        /// Epoch of the stage, from 0.
        epoch: usize,
        /// Step of the stage, from 0.
        step: u64,
        /// What it became.
        value: f64,
        /// Which checkpoint is left.
        kept: String,
    },
    /// The user asked to stop; everything is saved.
    #[error(
        "stopped at step {step} of stage {stage:?}; go on with `--resume` in {}", folder.display()
    )]
    Interrupted {
        /// The run folder.
        folder: PathBuf,
        /// Name of the stage.
        stage: String,
        /// Steps of the stage that are done.
        step: u64,
    },
    /// The judging of the student failed.
    #[error("validation {protocol:?}: {problem}")]
    Validation {
        /// Name of the protocol.
        protocol: String,
        /// What the protocol says.
        problem: String,
    },
    /// The number of threads cannot be changed any more.
    #[error(
        "recipe asks for {asked} threads, but this process already works with {found}; set \
         RAYON_NUM_THREADS={asked} before it starts"
    )]
    Threads {
        /// What the recipe says.
        asked: usize,
        /// What there is.
        found: usize,
    },
    /// The file system refused.
    #[error("cannot {doing} {}: {source}{}", path.display(), remedy(source))]
    Io {
        /// What was tried.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Pictures, sources or the loader.
    #[error(transparent)]
    Data(#[from] facette_data::DataError),
    /// Views.
    #[error(transparent)]
    Image(#[from] facette_image::ImageError),
    /// Graphs, cards and student files.
    #[error(transparent)]
    Graph(#[from] facette_graph::GraphError),
    /// Networks and their weights.
    #[error(transparent)]
    Nets(#[from] facette_nets::NetsError),
    /// Methods and terms.
    #[error(transparent)]
    Distil(#[from] facette_distil::DistilError),
}

fn remedy(source: &std::io::Error) -> &'static str {
    match source.kind() {
        std::io::ErrorKind::StorageFull
        | std::io::ErrorKind::QuotaExceeded
        | std::io::ErrorKind::FileTooLarge => {
            "; free space on that disk, then go on with `--resume`: what was written before is whole"
        }
        std::io::ErrorKind::PermissionDenied => "; choose a folder that you may write to",
        std::io::ErrorKind::ReadOnlyFilesystem => "; choose a folder on a disk that can be written",
        _ => "",
    }
}

impl TrainError {
    pub(crate) fn io(doing: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io { doing, path: path.to_owned(), source }
    }
}
