//! The edge of a picture, and what lies behind it.

use serde::{Deserialize, Serialize};

/// What stands beyond the edge of a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Border {
    /// The nearest pixel of the edge, for ever.
    #[default]
    Replicate,
    /// Black.
    Zero,
}
