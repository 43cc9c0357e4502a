//! Pictures as a network sees them: decode, resize, degrade, normalise.

pub mod random;
