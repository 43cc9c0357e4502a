//! What can go wrong with networks and their weights.

/// Why a network could not be built, loaded or saved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetsError {
    /// The graph does not fit together.
    #[error(transparent)]
    Graph(#[from] facette_graph::GraphError),
    /// The registry has no such architecture.
    #[error("network {name:?}: {problem}")]
    UnknownNet {
        /// What was asked for.
        name: String,
        /// The nearest name.
        problem: String,
    },
    /// An option or setting has an unknown name or an impossible value.
    #[error("network {net:?}: setting {setting:?}: {problem}")]
    Setting {
        /// Architecture.
        net: String,
        /// Key in the recipe.
        setting: String,
        /// What was expected and found.
        problem: String,
    },
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
    /// The device has no products of bfloat16s.
    #[error(
        "precision \"bf16\": facette's kernels do not serve {device}; leave precision out, or train \
         on the CPU without FACETTE_KERNELS=framework"
    )]
    Precision {
        /// The device.
        device: String,
    },
    /// An ONNX model cannot be used.
    #[error("{}: {problem}; {remedy}", path.display())]
    Onnx {
        /// The file.
        path: std::path::PathBuf,
        /// What was expected and what was found.
        problem: String,
        /// The way out.
        remedy: String,
    },
}
