//! Reused working memory of a thread, aligned to cache lines.

use std::cell::Cell;
use std::thread::LocalKey;

use crate::fresh::Fresh;

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; 16]);

/// A growing buffer of `f32`, aligned to 64 bytes. Its contents are whatever was left in it.
#[derive(Default)]
pub(crate) struct Scratch(Vec<Line>);

impl Scratch {
    /// At least `len` elements; old contents may remain.
    pub(crate) fn take(&mut self, len: usize) -> &mut [f32] {
        self.lines(len.div_ceil(16));
        // SAFETY: a line is 16 contiguous f32 without padding, so the vector holds at least `len`
        // initialised elements.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast::<f32>(), len) }
    }

    /// As [`Scratch::take`], of pairs of bfloat16s.
    pub(crate) fn pairs(&mut self, len: usize) -> &mut [u32] {
        self.lines(len.div_ceil(16));
        // SAFETY: as in `take`; any bits are a u32.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast::<u32>(), len) }
    }

    /// As [`Scratch::take`], of bfloat16s.
    pub(crate) fn halves(&mut self, len: usize) -> &mut [u16] {
        self.lines(len.div_ceil(32));
        // SAFETY: as in `take`, two in the place of one; any bits are a u16.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast::<u16>(), len) }
    }

    fn lines(&mut self, lines: usize) {
        if self.0.len() < lines {
            // Nothing is worth copying, and a growing Vec would hold up to twice the need.
            self.0 = Vec::new();
            self.0.resize(lines, Line([0.0; 16]));
        }
    }
}

thread_local! {
    static TASK: Cell<[Scratch; 3]> = Cell::default();
    static SHARED: Cell<[Scratch; 3]> = Cell::default();
}

/// Lends this thread's buffers to a task, which must not start others.
pub(crate) fn with_scratch<T>(task: impl FnOnce(&mut [Scratch; 3]) -> T) -> T {
    lend(&TASK, task)
}

/// Lends this thread's buffers to `work`, whose tasks share them.
pub(crate) fn with_shared_scratch<T>(work: impl FnOnce(&mut [Scratch; 3]) -> T) -> T {
    lend(&SHARED, work)
}

/// A loan within a loan, as when a waiting thread takes up other work, starts with empty buffers.
fn lend<T>(
    cell: &'static LocalKey<Cell<[Scratch; 3]>>,
    work: impl FnOnce(&mut [Scratch; 3]) -> T,
) -> T {
    let mut scratch = cell.take();
    let result = work(&mut scratch);
    cell.set(scratch);
    result
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

    pub(crate) fn fresh(slice: &mut Fresh) -> Self {
        Self(slice.as_mut_ptr().cast())
    }

    pub(crate) fn get(&self) -> *mut f32 {
        self.0
    }
}
