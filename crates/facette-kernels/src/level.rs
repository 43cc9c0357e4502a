//! Which instruction set the kernels use, found once at run time.

#[cfg(feature = "std")]
use std::sync::OnceLock;

#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(all(feature = "std", target_arch = "aarch64"))]
use std::arch::is_aarch64_feature_detected;

/// Without the standard library nobody can ask the processor: what the target has, it has.
#[cfg(all(not(feature = "std"), target_arch = "aarch64"))]
macro_rules! is_aarch64_feature_detected {
    ($feature:tt) => {
        cfg!(target_feature = $feature)
    };
}

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
    /// x86-64 with AVX2, FMA and AVX-VNNI's products of whole numbers.
    AvxVnni,
    /// x86-64 with AVX-512 F, BW, DQ and VL.
    Avx512,
    /// [`Level::Avx512`] with VNNI's products of whole numbers.
    Avx512Vnni,
    /// [`Level::Avx512Vnni`] with AMX's tiles of bytes, which the operating system must allow.
    Amx,
    /// AArch64 with NEON, which all have that compute with floats.
    Neon,
    /// AArch64 with NEON and its dot products of bytes (ARMv8.4, and most processors since 2018).
    NeonDot,
    /// WebAssembly with the vectors of 128 bits, where the target has them.
    Simd128,
}

impl Level {
    /// The levels this processor can run, slowest first.
    pub fn available() -> &'static [Level] {
        #[cfg(target_arch = "x86_64")]
        return x86::available();
        #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
        return match is_aarch64_feature_detected!("dotprod") {
            true => &[Level::Scalar, Level::Neon, Level::NeonDot],
            false => &[Level::Scalar, Level::Neon],
        };
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        return &[Level::Scalar, Level::Simd128];
        #[cfg(not(any(
            target_arch = "x86_64",
            all(target_arch = "aarch64", target_feature = "neon"),
            all(target_arch = "wasm32", target_feature = "simd128")
        )))]
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
            Level::Neon => "neon",
            Level::NeonDot => "neon-dot",
            Level::Simd128 => "simd128",
        }
    }

    /// The level whose instructions this one adds to.
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    const fn base(self) -> Option<Level> {
        match self {
            Level::Scalar => None,
            Level::Sse2 | Level::Neon | Level::Simd128 => Some(Level::Scalar),
            Level::Avx2 => Some(Level::Sse2),
            Level::AvxVnni | Level::Avx512 => Some(Level::Avx2),
            Level::Avx512Vnni => Some(Level::Avx512),
            Level::NeonDot => Some(Level::Neon),
            Level::Amx => Some(Level::Avx512Vnni),
        }
    }

    /// Whether code of `other` may be run at this level: it includes those instructions, and this
    /// processor has the level.
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    pub(crate) fn runs(self, other: Level) -> bool {
        const INCLUDED: [u16; 1 + Level::Simd128 as usize] = {
            let levels = [
                Level::Scalar,
                Level::Sse2,
                Level::Avx2,
                Level::AvxVnni,
                Level::Avx512,
                Level::Avx512Vnni,
                Level::Amx,
                Level::Neon,
                Level::NeonDot,
                Level::Simd128,
            ];
            let mut included = [0; 1 + Level::Simd128 as usize];
            let mut i = 0;
            while i < levels.len() {
                let mut level = Some(levels[i]);
                while let Some(of) = level {
                    included[i] |= of.bit();
                    level = of.base();
                }
                i += 1;
            }
            included
        };
        INCLUDED[self as usize] & other.bit() != 0 && self.is_available()
    }

    /// Its place in a set of levels.
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    const fn bit(self) -> u16 {
        1 << self as u16
    }

    /// Whether [`Level::available`] has it, which is asked several times a layer.
    #[cfg(all(feature = "std", any(target_arch = "x86_64", target_arch = "aarch64")))]
    fn is_available(self) -> bool {
        static SET: OnceLock<u16> = OnceLock::new();
        let set = SET.get_or_init(|| {
            Level::available().iter().map(|level| level.bit()).fold(0, |set, bit| set | bit)
        });
        set & self.bit() != 0
    }

    /// Whether [`Level::available`] has it.
    #[cfg(all(not(feature = "std"), any(target_arch = "x86_64", target_arch = "aarch64")))]
    fn is_available(self) -> bool {
        Level::available().contains(&self)
    }

    /// Whether loops over [`Native`](crate::simd::Native) lanes are those of this level.
    #[cfg(any(target_arch = "aarch64", target_arch = "wasm32"))]
    pub(crate) fn is_native(self) -> bool {
        self != Level::Scalar && Level::available().contains(&self)
    }

    /// The level in use: the fastest available, or the one named by the environment variable
    /// `FACETTE_KERNELS` (see [`Level::name`]) where this processor has it; other values are ignored.
    /// Decided at the first call.
    #[cfg(feature = "std")]
    pub fn current() -> Level {
        static CURRENT: OnceLock<Level> = OnceLock::new();
        *CURRENT.get_or_init(|| {
            let asked = std::env::var("FACETTE_KERNELS").ok();
            let levels = Level::available();
            let named = asked.and_then(|name| levels.iter().find(|l| l.name() == name));
            *named.or(levels.last()).unwrap_or(&Level::Scalar)
        })
    }

    /// The level in use: the fastest available.
    #[cfg(not(feature = "std"))]
    pub fn current() -> Level {
        *Level::available().last().unwrap_or(&Level::Scalar)
    }
}

/// Defines a function that is compiled once for every [`Level`].
///
/// `vectorised! { fn name<V>(args) -> T { body } }` defines `name(level, args)`; the body may use the
/// level's [`Vector`](crate::simd::Vector) by the name V.
#[cfg(feature = "std")]
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
            #[cfg(any(target_arch = "aarch64", target_arch = "wasm32"))]
            if level.is_native() {
                return any::<$crate::simd::Native>($($arg),*);
            }
            let _ = level;
            any::<[f32; 8]>($($arg),*)
        }
    };
}
#[cfg(feature = "std")]
pub(crate) use vectorised;
