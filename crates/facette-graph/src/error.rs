//! What can be wrong with a graph, a card or a student file.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
#[cfg(feature = "std")]
use std::path::PathBuf;

/// Why a graph, a card or a student file was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// A node does not fit what flows into it.
    #[error("node {node:?} ({op}): {problem}")]
    Node {
        /// Path of the node, as in its weights' names.
        node: String,
        /// Kind of operation.
        op: &'static str,
        /// What was expected and what was found.
        problem: String,
    },
    /// Something is wrong with this file.
    #[cfg(feature = "std")]
    #[error("{}: {source}", path.display())]
    In {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: Box<GraphError>,
    },
    /// The operating system refused.
    #[cfg(feature = "std")]
    #[error("cannot {action}: {source}")]
    Io {
        /// What was tried, e.g. "read the file".
        action: &'static str,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The bytes are no safetensors file, or a damaged one.
    #[error("not a safetensors file: {problem}; {remedy}")]
    NotSafetensors {
        /// What was expected and what was found.
        problem: String,
        /// The way out.
        remedy: &'static str,
    },
    /// The file is larger than any student.
    #[error("{what} has {found} bytes, and at most {most} are read")]
    TooLarge {
        /// The file, or a part of it.
        what: &'static str,
        /// Its bytes.
        found: u64,
        /// The limit.
        most: u64,
    },
    /// The file holds weights but no card.
    #[error(
        "has no facette card, so how to use it is not known; weights without a card can be \
         imported into a network, and `facette export` writes student files"
    )]
    NoCard,
    /// A field of the card is missing or impossible.
    #[error("card, field {field:?}: {problem}")]
    Card {
        /// Path of the field, e.g. `input.mean`.
        field: String,
        /// What was expected and what was found.
        problem: String,
    },
    /// The card is of a later kind.
    #[error(
        "the card is of version {found}, and this facette ({running}) reads version {read} and \
         those before it; update facette"
    )]
    Version {
        /// Version in the file.
        found: String,
        /// Newest version read.
        read: String,
        /// Version of facette.
        running: &'static str,
    },
    /// A tensor is not what the network needs.
    #[error("tensor {name:?}: expected {expected}, found {found}; {remedy}")]
    Tensor {
        /// Its name.
        name: String,
        /// What the network needs.
        expected: String,
        /// What there was.
        found: String,
        /// The way out.
        remedy: &'static str,
    },
    /// Tensors are missing or have no place.
    #[error(
        "weights do not belong to {architecture:?}: {} missing ({}), {} without a place ({})",
        missing.len(), listed(missing), unused.len(), listed(unused)
    )]
    Names {
        /// Architecture of the network.
        architecture: String,
        /// Names the network needs and the file lacks.
        missing: Vec<String>,
        /// Names in the file that the network does not have.
        unused: Vec<String>,
    },
}

impl GraphError {
    /// The same, naming the file.
    #[cfg(feature = "std")]
    pub(crate) fn of(self, path: &std::path::Path) -> Self {
        Self::In { path: path.to_owned(), source: Box::new(self) }
    }

    pub(crate) fn card(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Card { field: field.into(), problem: problem.into() }
    }
}

/// The first few of `names`, and how many more there are.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let mut text = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.is_empty() {
        text.push_str("none");
    }
    if names.len() > SHOWN {
        text.push_str(&format!(", and {} more", names.len() - SHOWN));
    }
    text
}
