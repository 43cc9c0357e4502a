//! News of long passes over all pictures.

/// How far a pass over the pictures has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done: `decoding pictures`.
    pub what: &'static str,
    /// Pictures done.
    pub done: usize,
    /// Pictures in all.
    pub total: usize,
}

/// Is told of progress, always from the calling thread, at most every few hundred pictures.
pub type Report<'a> = &'a mut dyn FnMut(Progress);
