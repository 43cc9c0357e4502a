//! Results in memory that is not set to zero first.
//!
//! Clearing a tensor that is written in full a moment later costs as much as reading it. The kernels
//! therefore write to [`Fresh`] memory and never read it.

use alloc::vec::Vec;
use core::mem::MaybeUninit;

/// Memory of a result: to be written, not to be read.
pub(crate) type Fresh = [MaybeUninit<f32>];

/// A slice as memory to be written.
///
/// # Safety
/// Only initialised values may be written to it.
pub(crate) unsafe fn fresh(slice: &mut [f32]) -> &mut Fresh {
    let len = slice.len();
    // SAFETY: `MaybeUninit<f32>` has the layout of `f32`, and the caller keeps the slice initialised.
    unsafe { core::slice::from_raw_parts_mut(slice.as_mut_ptr().cast(), len) }
}

/// A vector of `len` elements, written by `write`.
///
/// # Safety
/// `write` must write every element.
pub(crate) unsafe fn written(len: usize, write: impl FnOnce(&mut Fresh)) -> Vec<f32> {
    let mut values = Vec::with_capacity(len);
    write(&mut values.spare_capacity_mut()[..len]);
    // SAFETY: the capacity is at least `len`, and the caller vouches that all was written.
    unsafe { values.set_len(len) };
    values
}

/// Asks the allocator to keep what is freed for the next allocation, where it can be asked: glibc
/// returns tensors of some megabytes to the system, which clears them again, page by page, for the
/// next step of a training. That is a fifth of the time of a step.
///
/// Call it once, before the first step; the process then does not shrink before its end.
#[cfg(feature = "std")]
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        /// The largest that glibc takes on 64-bit systems.
        const MMAP_THRESHOLD: libc::c_int = 32 << 20;
        // SAFETY: `mallopt` only sets numbers inside the allocator.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, MMAP_THRESHOLD);
            libc::mallopt(libc::M_TRIM_THRESHOLD, libc::c_int::MAX);
        }
    }
}
