//! What can go wrong with networks and their weights.

/// Why a network could not be built, loaded or saved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetsError {
    /// The graph does not fit together.
    #[error(transparent)]
    Graph(#[from] facette_graph::GraphError),
    /// A tensor is missing or has another size than the network needs.
    #[error("tensor {name:?}: expected {expected}, found {found}")]
    Tensor {
        /// Name in the state dict.
        name: String,
        /// Shape or length the network needs.
        expected: String,
        /// What was there.
        found: String,
    },
}
