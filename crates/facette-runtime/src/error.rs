//! What can be wrong with a student or a face.

use alloc::string::String;

use facette_graph::GraphError;
use facette_kernels::KernelError;

/// Why a student cannot be run, or a face not be embedded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuntimeError {
    /// The student file is refused.
    #[error(transparent)]
    Student(#[from] GraphError),
    /// The card's picture cannot be made.
    #[error("card, field \"input.{field}\": {problem}")]
    Input {
        /// The field.
        field: &'static str,
        /// What was expected and what was found.
        problem: String,
    },
    /// The card names a resampling kernel that does not exist.
    #[error(
        "card, field \"input.resize\": no resampling kernel is called {name:?}; one of {known}"
    )]
    Resize {
        /// The name.
        name: String,
        /// Names there are.
        known: String,
    },
    /// A layer has a geometry that no kernel computes.
    #[error("node {node:?} ({op}): {source}")]
    Layer {
        /// Path of the node.
        node: String,
        /// Kind of operation.
        op: &'static str,
        /// What is wrong.
        source: KernelError,
    },
    /// A layer reads bytes, but its weights are no bytes.
    #[error(
        "node {node:?} ({op}) reads int8 activations, and its weights are not int8; quantise the \
         student anew"
    )]
    FloatWeights {
        /// Path of the node.
        node: String,
        /// Kind of operation.
        op: &'static str,
    },
    /// The network needs more memory than any student.
    #[error(
        "node {node:?} ({op}) needs {bytes} bytes of working memory for one face, and at most \
         {most} are lent; make its map or its padding smaller"
    )]
    Memory {
        /// Path of the node.
        node: String,
        /// Kind of operation.
        op: &'static str,
        /// What it needs.
        bytes: usize,
        /// The limit.
        most: usize,
    },
    /// A slice has another length than its shape says.
    #[error("{what}: expected {expected} values, found {found}")]
    Length {
        /// The slice.
        what: &'static str,
        /// What its shape says.
        expected: usize,
        /// What there is.
        found: usize,
    },
    /// Working memory of one student was lent to another.
    #[error("the scratch belongs to the student {owner}, not to {user}; make one for each")]
    Scratch {
        /// Digest of the student that made it.
        owner: String,
        /// Digest of the student that it was lent to.
        user: String,
    },
    /// The student is int8 already.
    #[cfg(feature = "std")]
    #[error("the student is int8 already; quantise the float file it was made from")]
    Quantised,
    /// Nothing to calibrate or compare on.
    #[error("{what}: expected at least one, found none")]
    Empty {
        /// What is missing.
        what: &'static str,
    },
}
