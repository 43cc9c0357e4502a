//! Memory that layers work in and leave to the next.

use super::aligned::{Aligned, Plain};

/// Working memory of any layer, reused from one to the next.
#[derive(Debug, Default)]
pub struct Work {
    pub(super) floats: Buffers<f32, f32>,
    pub(super) whole: Buffers<i16, i32>,
    pub(super) bytes: Buffers<i8, i32>,
}

/// Working memory of one arithmetic.
#[derive(Debug)]
pub(super) struct Buffers<X, S> {
    /// Pictures with their zero borders.
    pub(super) pictures: Aligned<X>,
    /// Transformed tiles.
    pub(super) tiles: Aligned<X>,
    /// Sums of products.
    pub(super) sums: Aligned<S>,
}

impl<X: Plain, S: Plain> Default for Buffers<X, S> {
    fn default() -> Self {
        Self { pictures: Aligned::default(), tiles: Aligned::default(), sums: Aligned::default() }
    }
}

/// Values that a layer needs in each of the [`Buffers`].
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Needs {
    pub(super) pictures: usize,
    pub(super) tiles: usize,
    pub(super) sums: usize,
}

impl Needs {
    /// What is enough for either.
    pub(super) fn max(self, other: Self) -> Self {
        Self {
            pictures: self.pictures.max(other.pictures),
            tiles: self.tiles.max(other.tiles),
            sums: self.sums.max(other.sums),
        }
    }
}

impl<X: Plain, S: Plain> Buffers<X, S> {
    pub(super) fn reserve(&mut self, needs: Needs) {
        self.pictures.reserve(needs.pictures);
        self.tiles.reserve(needs.tiles);
        self.sums.reserve(needs.sums);
    }

    fn bytes(&self) -> usize {
        self.pictures.bytes() + self.tiles.bytes() + self.sums.bytes()
    }
}

impl Work {
    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.floats.bytes() + self.whole.bytes() + self.bytes.bytes()
    }
}
