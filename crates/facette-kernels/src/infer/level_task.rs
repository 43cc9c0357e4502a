//! Plain Rust, compiled once for every instruction set.

use crate::Level;

/// Work whose `run`, marked `#[inline(always)]`, is compiled for each level.
pub(super) trait Task {
    fn run(self);
}

/// Runs `task` as compiled for `level`. Rust never fuses operations by itself, so that results do
/// not depend on the level.
pub(super) fn run_at<T: Task>(level: Level, task: T) {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2,fma")]
        fn avx2<T: Task>(task: T) {
            task.run();
        }
        if level == Level::Avx2 && Level::available().contains(&level) {
            // SAFETY: the processor has AVX2 and FMA, as `available` has just said.
            return unsafe { avx2(task) };
        }
    }
    let _ = level;
    task.run();
}
