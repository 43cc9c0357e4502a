//! Which levels an x86-64 processor and its operating system can run.

#[cfg(feature = "std")]
use std::sync::OnceLock;

use super::Level;

/// See [`Level::available`]. Without the standard library nobody can ask the processor: what the
/// target has, it has, and of that only what would be chosen unnamed.
#[cfg(not(feature = "std"))]
pub(super) fn available() -> &'static [Level] {
    match cfg!(all(target_feature = "avx2", target_feature = "fma")) {
        true => &[Level::Scalar, Level::Avx2],
        false => &[Level::Scalar],
    }
}

/// See [`Level::available`].
#[cfg(feature = "std")]
pub(super) fn available() -> &'static [Level] {
    static AVAILABLE: OnceLock<Vec<Level>> = OnceLock::new();
    AVAILABLE.get_or_init(|| {
        let mut levels = vec![Level::Scalar];
        if !(is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")) {
            return levels;
        }
        levels.push(Level::Avx2);
        if is_x86_feature_detected!("avxvnni") {
            levels.push(Level::AvxVnni);
        }
        let wide = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        if wide {
            levels.push(Level::Avx512);
        }
        if wide && is_x86_feature_detected!("avx512vnni") {
            levels.push(Level::Avx512Vnni);
        }
        levels
    })
}
