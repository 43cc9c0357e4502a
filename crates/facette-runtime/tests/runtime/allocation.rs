//! No allocation per face.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use facette_graph::Norm;
use facette_runtime::{Face, Recognizer};

use crate::support::{everything, student};

/// Counts the allocations of each thread.
struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

#[expect(unsafe_code, reason = "an allocator is unsafe to write; this one passes everything on")]
// SAFETY: all is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = COUNT.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of the system's allocator.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as in `alloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn faces_cost_no_allocation() {
    let recognizer = Recognizer::new(student(everything(), Norm::L2, 1)).unwrap();
    let rgb = vec![100; 3 * 30 * 40];
    let faces = [Face::new(&rgb, 30, 40).unwrap(), Face::new(&rgb[..3 * 11 * 13], 11, 13).unwrap()];
    let mut scratch = recognizer.scratch(2);
    let mut out = vec![0.0; 2 * recognizer.dim()];
    let mut run = || {
        for face in faces {
            recognizer.embed(&mut scratch, face).unwrap();
        }
        recognizer.embed_batch(&mut scratch, &faces, &mut out).unwrap();
    };
    // The first call makes room for the resampling weights of this size.
    run();
    let before = COUNT.get();
    assert!(before > 0, "the counter counts");
    run();
    assert_eq!(COUNT.get(), before);
}
