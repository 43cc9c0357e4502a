//! Pictures as a network sees them: decode, resize, degrade, normalise.

pub use facette_random as random;
