//! Which instruction set the kernels use, found once at run time.

use std::sync::OnceLock;

#[cfg(target_arch = "x86_64")]
mod x86;

/// An instruction set for which there are kernels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Level {
    /// Portable Rust: the specification, and the fallback everywhere.
    Scalar,
    /// Any x86-64: the runtime's products of whole numbers with SSE2, all else as [`Level::Scalar`].
    Sse2,
    /// x86-64 with AVX2 and FMA.
    Avx2,
    /// x86-64 with AVX2, FMA and AVX-VNNI's products of whole numbers. Has run under an emulator
    /// only and is therefore used only where `FACETTE_KERNELS` names it.
    AvxVnni,
    /// x86-64 with AVX-512 F, BW, DQ and VL. Has run under an emulator only and is therefore used
    /// only where `FACETTE_KERNELS` names it.
    Avx512,
    /// [`Level::Avx512`] with VNNI's products of whole numbers. Has run under an emulator only and
    /// is therefore used only where `FACETTE_KERNELS` names it.
    Avx512Vnni,
    /// [`Level::Avx512Vnni`] with AMX's tiles of bytes, which the operating system must allow. Has run
    /// under an emulator only, whose signed bytes had to be mended first, and is therefore used only
    /// where `FACETTE_KERNELS` names it.
    Amx,
}

impl Level {
    /// The levels this processor can run, slowest first.
    pub fn available() -> &'static [Level] {
        #[cfg(target_arch = "x86_64")]
        return x86::available();
        #[cfg(not(target_arch = "x86_64"))]
        &[Level::Scalar]
    }

    /// The name by which `FACETTE_KERNELS` selects this level.
    pub fn name(self) -> &'static str {
        match self {
            Level::Scalar => "scalar",
            Level::Sse2 => "sse2",
            Level::Avx2 => "avx2",
            Level::AvxVnni => "avx-vnni",
            Level::Avx512 => "avx512",
            Level::Avx512Vnni => "avx512-vnni",
            Level::Amx => "amx",
        }
    }

    /// Whether the level has been timed on a processor that has it. One that has only been held to
    /// the tests, under an emulator, is never chosen unless it is named.
    pub fn is_measured(self) -> bool {
        matches!(self, Level::Scalar | Level::Sse2 | Level::Avx2)
    }

    /// The level whose instructions this one adds to.
    fn base(self) -> Option<Level> {
        match self {
            Level::Scalar => None,
            Level::Sse2 => Some(Level::Scalar),
            Level::Avx2 => Some(Level::Sse2),
            Level::AvxVnni | Level::Avx512 => Some(Level::Avx2),
            Level::Avx512Vnni => Some(Level::Avx512),
            Level::Amx => Some(Level::Avx512Vnni),
        }
    }

    /// Whether code of `other` may be run at this level: it includes those instructions, and this
    /// processor has the level.
    pub(crate) fn runs(self, other: Level) -> bool {
        let includes = std::iter::successors(Some(self), |level| level.base()).any(|l| l == other);
        includes && Level::available().contains(&self)
    }

    /// The level in use: the fastest available of those [measured](Level::is_measured), or the one
    /// named by the environment variable `FACETTE_KERNELS` (see [`Level::name`]) where this
    /// processor has it; other values are ignored. Decided at the first call.
    pub fn current() -> Level {
        static CURRENT: OnceLock<Level> = OnceLock::new();
        *CURRENT.get_or_init(|| {
            let asked = std::env::var("FACETTE_KERNELS").ok();
            let levels = Level::available();
            let named = asked.and_then(|name| levels.iter().find(|l| l.name() == name));
            *named.or(levels.iter().rfind(|l| l.is_measured())).unwrap_or(&Level::Scalar)
        })
    }
}

/// Defines a function that is compiled once for every [`Level`].
///
/// `vectorised! { fn name<V>(args) -> T { body } }` defines `name(level, args)`; the body may use the
/// level's [`Vector`](crate::simd::Vector) by the name V.
macro_rules! vectorised {
    ($(#[$meta:meta])* $vis:vis fn $name:ident<$v:ident>(
        $($arg:ident : $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block) => {
        $(#[$meta])*
        #[allow(clippy::too_many_arguments)]
        $vis fn $name(level: $crate::Level, $($arg: $ty),*) $(-> $ret)? {
            #[inline(always)]
            #[allow(clippy::too_many_arguments, clippy::extra_unused_type_parameters)]
            fn any<$v: $crate::simd::Vector>($($arg: $ty),*) $(-> $ret)? $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            #[allow(clippy::too_many_arguments)]
            fn avx2($($arg: $ty),*) $(-> $ret)? {
                any::<$crate::simd::Eight>($($arg),*)
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
            #[allow(clippy::too_many_arguments)]
            fn avx512($($arg: $ty),*) $(-> $ret)? {
                any::<$crate::simd::Eight>($($arg),*)
            }

            #[cfg(target_arch = "x86_64")]
            if level.runs($crate::Level::Avx512) {
                // SAFETY: the processor has AVX-512, as `runs` has just said.
                return unsafe { avx512($($arg),*) };
            } else if level.runs($crate::Level::Avx2) {
                // SAFETY: the processor has AVX2 and FMA, as `runs` has just said.
                return unsafe { avx2($($arg),*) };
            }
            let _ = level;
            any::<[f32; 8]>($($arg),*)
        }
    };
}
pub(crate) use vectorised;
