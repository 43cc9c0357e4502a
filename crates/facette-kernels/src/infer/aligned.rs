//! Memory that starts at a cache line.

use alloc::{vec, vec::Vec};

/// Number types of which any bytes are a value, so that memory may be seen as them.
///
/// # Safety
/// All bit patterns must be values, and the size must divide 64.
pub(super) unsafe trait Plain: Copy + Default {}

// SAFETY: any 32 bits are an f32.
unsafe impl Plain for f32 {}
// SAFETY: any 32 bits are an i32.
unsafe impl Plain for i32 {}
// SAFETY: any 16 bits are an i16.
unsafe impl Plain for i16 {}
// SAFETY: any 8 bits are an i8.
unsafe impl Plain for i8 {}

#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// Values from the start of a cache line on, zero at first.
#[derive(Debug, Clone)]
pub(super) struct Aligned<T> {
    lines: Vec<Line>,
    len: usize,
    values: core::marker::PhantomData<T>,
}

impl<T: Plain> Default for Aligned<T> {
    fn default() -> Self {
        Self::new(0)
    }
}

impl<T: Plain> Aligned<T> {
    pub(super) fn new(len: usize) -> Self {
        let lines = vec![Line([0; 64]); (len * size_of::<T>()).div_ceil(64)];
        Self { lines, len, values: core::marker::PhantomData }
    }

    /// Room for `len` values at least; what it held is lost if it grows.
    pub(super) fn reserve(&mut self, len: usize) {
        if self.len < len {
            *self = Self::new(len);
        }
    }

    pub(super) fn bytes(&self) -> usize {
        64 * self.lines.len()
    }

    pub(super) fn as_slice(&self) -> &[T] {
        // SAFETY: the lines hold at least `len` values of T in initialised bytes, any of which are
        // values of T.
        unsafe { core::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [T] {
        // SAFETY: as in `as_slice`, and the borrow is unique.
        unsafe { core::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}
