//! What can be wrong with a graph, a card or a student file.

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
}
