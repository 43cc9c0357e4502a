//! One file for each family of architectures.

pub(crate) mod facette;
mod head;
pub(crate) mod plain;
