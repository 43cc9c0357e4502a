//! Memory that starts at a cache line.

use alloc::{vec, vec::Vec};
use core::ops::{Deref, DerefMut};

/// Number types of which any bytes are a value, so that memory may be seen as them.
///
/// # Safety
/// All bit patterns must be values, and the size must divide 64.
pub unsafe trait Plain: Copy + Default {}

// SAFETY: any 32 bits are an f32.
unsafe impl Plain for f32 {}
// SAFETY: any 32 bits are an i32.
unsafe impl Plain for i32 {}
// SAFETY: any 16 bits are an i16.
unsafe impl Plain for i16 {}
// SAFETY: any 8 bits are an i8.
unsafe impl Plain for i8 {}
// SAFETY: any 8 bits are a u8.
unsafe impl Plain for u8 {}

#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// Values from the start of a cache line on, zero at first, so that registers of 64 bytes are read
/// and written within one line.
#[derive(Debug, Clone)]
pub struct Aligned<T> {
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
    /// Of so many values.
    ///
    /// # Panics
    /// Where their bytes are more than can be counted, or than there is memory.
    pub fn new(len: usize) -> Self {
        let bytes = len.checked_mul(size_of::<T>()).expect("more bytes than can be counted");
        let lines = vec![Line([0; 64]); bytes.div_ceil(64)];
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
}

impl<T: Plain> Deref for Aligned<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: the lines hold at least `len` values of T in initialised bytes, any of which are
        // values of T.
        unsafe { core::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl<T: Plain> DerefMut for Aligned<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`, and the borrow is unique.
        unsafe { core::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_start_with_a_cache_line_as_zeros() {
        for len in [0, 1, 16, 17, 1000] {
            let mut values = Aligned::<f32>::new(len);
            assert!(values.as_ptr().addr().is_multiple_of(64));
            assert_eq!(&values[..], &vec![0.0; len][..]);
            values.iter_mut().for_each(|value| *value = 1.0);
            assert_eq!(&values[..], &vec![1.0; len][..]);
        }
    }

    #[test]
    #[should_panic(expected = "more bytes than can be counted")]
    fn lengths_beyond_all_memory_are_refused() {
        // Four times as many bytes would be 64 again.
        let _ = Aligned::<f32>::new(usize::MAX / 4 + 17);
    }
}
