//! Decoded pictures, in memory and on disk.

mod decoded;
mod store;

pub(crate) use decoded::Decoded;
pub(crate) use store::Store;
