//! What can be wrong with a method, a term or its settings.

/// Why a method or term could not be set up or evaluated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DistilError {
    /// No term or method of that name.
    #[error("no {kind} is called {name:?}{}; known are {}", nearest.as_ref().map(|n| format!(", did you mean {n:?}?")).unwrap_or_default(), known.join(", "))]
    Unknown {
        /// "term", "head" or "method".
        kind: &'static str,
        /// What was asked for.
        name: String,
        /// The known name most like it, where one is.
        nearest: Option<String>,
        /// All names.
        known: Vec<&'static str>,
    },
    /// A setting has an unknown name or an impossible value.
    #[error("{owner}: setting {setting:?}: {problem}")]
    Setting {
        /// Method or term.
        owner: String,
        /// Key in the recipe.
        setting: String,
        /// What was expected and found.
        problem: String,
    },
    /// The networks or the data lack what the method or term needs.
    #[error("{owner} needs {need}: {found}; {remedy}")]
    Need {
        /// Method or term.
        owner: String,
        /// What is needed, e.g. "teacher logits".
        need: String,
        /// What there is.
        found: String,
        /// How to supply it.
        remedy: String,
    },
    /// Weights could not be made or read.
    #[error(transparent)]
    Nets(#[from] facette_nets::NetsError),
}
