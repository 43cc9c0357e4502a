//! Reused working memory of a thread, aligned to cache lines.

use std::cell::RefCell;

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; 16]);

/// A growing buffer of `f32`, aligned to 64 bytes. Its contents are whatever was left in it.
#[derive(Default)]
pub(crate) struct Scratch(Vec<Line>);

impl Scratch {
    /// At least `len` elements; old contents may remain.
    pub(crate) fn take(&mut self, len: usize) -> &mut [f32] {
        let lines = len.div_ceil(16);
        if self.0.len() < lines {
            // Nothing is worth copying, and a growing Vec would hold up to twice the need.
            self.0 = Vec::new();
            self.0.resize(lines, Line([0.0; 16]));
        }
        // SAFETY: a line is 16 contiguous f32 without padding, so the vector holds
        // `16 * lines >= len` initialised elements.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast::<f32>(), len) }
    }
}

thread_local! {
    static SCRATCH: RefCell<[Scratch; 2]> = RefCell::default();
}

/// Lends this thread's two buffers to `work`, which must not call back into this function.
pub(crate) fn with_scratch<T>(work: impl FnOnce(&mut Scratch, &mut Scratch) -> T) -> T {
    SCRATCH.with_borrow_mut(|[a, b]| work(a, b))
}

/// A pointer that tasks may share, each writing only its own elements.
#[derive(Clone, Copy)]
pub(crate) struct Shared(*mut f32);

// SAFETY: the pointer is only a number here; whoever dereferences it states why no two threads
// touch the same element.
unsafe impl Send for Shared {}
// SAFETY: as for `Send`.
unsafe impl Sync for Shared {}

impl Shared {
    pub(crate) fn new(slice: &mut [f32]) -> Self {
        Self(slice.as_mut_ptr())
    }

    pub(crate) fn get(&self) -> *mut f32 {
        self.0
    }
}
