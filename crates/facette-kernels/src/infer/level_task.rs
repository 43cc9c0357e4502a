//! Loops compiled once for every instruction set.

use super::lanes::Lanes;
use crate::Level;

/// Work whose `run`, marked `#[inline(always)]`, is compiled for each level.
pub(super) trait Task {
    fn run<L: Lanes>(self);
}

/// Runs `task` as compiled for `level`. Rust never fuses operations by itself, so that results do
/// not depend on the level where the task does not fuse them.
pub(super) fn run_at<T: Task>(level: Level, task: T) {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2,fma")]
        fn avx2<T: Task>(task: T) {
            task.run::<crate::simd::Eight>();
        }
        #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
        fn avx512<T: Task>(task: T) {
            task.run::<crate::simd::Eight>();
        }
        if level.runs(Level::Avx512) {
            // SAFETY: the processor has AVX-512, as `runs` has just said.
            return unsafe { avx512(task) };
        } else if level.runs(Level::Avx2) {
            // SAFETY: the processor has AVX2 and FMA, as `runs` has just said.
            return unsafe { avx2(task) };
        }
    }
    #[cfg(any(target_arch = "aarch64", target_arch = "wasm32"))]
    if level.is_native() {
        return task.run::<crate::simd::Native>();
    }
    let _ = level;
    task.run::<[f32; 8]>();
}
