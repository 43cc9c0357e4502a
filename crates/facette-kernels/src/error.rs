//! What can be wrong with a request.

/// Why a shape was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KernelError {
    /// A field that must be at least one is zero.
    #[error("{field} is 0, expected at least 1")]
    Zero {
        /// The field's name.
        field: &'static str,
    },
    /// Channels do not divide evenly among the groups.
    #[error(
        "{field} is {found}, which {groups} groups do not divide; choose a multiple of {groups}"
    )]
    Groups {
        /// The field's name.
        field: &'static str,
        /// The channels found.
        found: usize,
        /// The groups asked for.
        groups: usize,
    },
    /// The kernel, with its dilation, does not fit the padded picture.
    #[error(
        "a kernel spanning {span} {axis} does not fit {size} with a padding of {padding}; \
         enlarge the input or the padding, or take a smaller kernel or dilation"
    )]
    KernelTooLarge {
        /// "rows" or "columns".
        axis: &'static str,
        /// Rows or columns from the first tap to the last.
        span: usize,
        /// Height or width of the input.
        size: usize,
        /// Padding on each side.
        padding: usize,
    },
    /// A pooling window might see nothing but padding.
    #[error("a padding of {padding} {axis} is more than half of a window of {window}; lessen it")]
    Padding {
        /// "rows" or "columns".
        axis: &'static str,
        /// Padding on each side.
        padding: usize,
        /// Rows or columns of the window.
        window: usize,
    },
    /// A tensor would have more elements than can be addressed.
    #[error("{tensor} would have more elements than can be addressed; make it smaller")]
    TooLarge {
        /// The tensor's name.
        tensor: &'static str,
    },
}
