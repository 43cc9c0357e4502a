//! Which levels an x86-64 processor and its operating system can run.

#[cfg(feature = "std")]
use std::sync::OnceLock;

use super::Level;

/// See [`Level::available`]. Without the standard library nobody can ask the processor: what the
/// target has, it has, up to AVX2.
#[cfg(not(feature = "std"))]
pub(super) fn available() -> &'static [Level] {
    if cfg!(all(target_feature = "avx2", target_feature = "fma")) {
        &[Level::Scalar, Level::Sse2, Level::Avx2]
    } else if cfg!(target_feature = "sse2") {
        &[Level::Scalar, Level::Sse2]
    } else {
        &[Level::Scalar]
    }
}

/// See [`Level::available`].
#[cfg(feature = "std")]
pub(super) fn available() -> &'static [Level] {
    static AVAILABLE: OnceLock<Vec<Level>> = OnceLock::new();
    AVAILABLE.get_or_init(|| {
        let mut levels = vec![Level::Scalar, Level::Sse2];
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
            if tiles_allowed() {
                levels.push(Level::Amx);
            }
        }
        levels
    })
}

/// Whether there is AMX for int8 and bf16, and Linux lets this process use its tiles, which it does
/// only for those that ask (`Documentation/arch/x86/xstate.rst`).
#[cfg(all(feature = "std", target_os = "linux", target_env = "gnu"))]
fn tiles_allowed() -> bool {
    const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
    const TILE_DATA: libc::c_long = 18;
    const BF16_TILE_INT8: u32 = 1 << 22 | 1 << 24 | 1 << 25;
    let features = std::arch::x86_64::__cpuid_count(7, 0).edx;
    features & BF16_TILE_INT8 == BF16_TILE_INT8
        // SAFETY: a system call that takes two numbers and touches no memory of this process.
        && unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILE_DATA) } == 0
}

/// Other systems have other ways, or none.
#[cfg(all(feature = "std", not(all(target_os = "linux", target_env = "gnu"))))]
fn tiles_allowed() -> bool {
    false
}
