//! Eight lanes in registers of AVX2.
//!
//! As with [`Eight`], only functions that enable AVX2 may use these types, which makes their calls of
//! its instructions sound.

use core::arch::x86_64::*;

use super::lanes::{Additive, Ints, Lanes, ROUND, Shorts, WideShorts};
use crate::simd::{Eight, Vector};

/// Eight whole numbers in a register.
#[derive(Clone, Copy)]
#[allow(unreachable_pub, reason = "a public trait names it")]
pub struct EightInts(__m256i);

/// Eight short whole numbers in a register.
#[derive(Clone, Copy)]
#[allow(unreachable_pub, reason = "a public trait names it")]
pub struct EightShorts(__m128i);

/// Sixteen short whole numbers in a register.
#[derive(Clone, Copy)]
#[allow(unreachable_pub, reason = "a public trait names it")]
pub struct SixteenShorts(__m256i);

impl Lanes for Eight {
    type Int = EightInts;
    type Short = EightShorts;
    type Wide = SixteenShorts;

    #[inline(always)]
    fn from_bytes(bytes: &[u8; 8]) -> Self {
        // SAFETY: see the module; eight bytes are read.
        unsafe {
            let bytes = _mm_loadl_epi64(bytes.as_ptr().cast());
            Eight::of(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes)))
        }
    }

    #[inline(always)]
    fn to_bytes(self, zero: u8) -> [u8; 8] {
        let mut bytes = [0; 8];
        // SAFETY: see the module; eight bytes are written.
        unsafe {
            let bits = _mm256_castps_si256(self.add(Self::splat(ROUND)).register());
            let sums = _mm256_add_epi32(bits, _mm256_set1_epi32(i32::from(zero)));
            let sums = _mm256_and_si256(sums, _mm256_set1_epi32(255));
            let (low, high) = (_mm256_castsi256_si128(sums), _mm256_extracti128_si256::<1>(sums));
            let words = _mm_packus_epi32(low, high);
            _mm_storel_epi64(bytes.as_mut_ptr().cast(), _mm_packus_epi16(words, words));
        }
        bytes
    }

    #[inline(always)]
    fn to_nearest_bytes(self, zero: u8) -> [u8; 8] {
        let mut bytes = [0; 8];
        // SAFETY: see the module; eight bytes are written. Packing saturates; a NaN, which the
        // minimum hands on, becomes the least integer.
        unsafe {
            let within = _mm256_min_ps(_mm256_set1_ps(256.0), self.register());
            let steps = _mm256_cvtps_epi32(within);
            let sums = _mm256_add_epi32(steps, _mm256_set1_epi32(i32::from(zero)));
            let (low, high) = (_mm256_castsi256_si128(sums), _mm256_extracti128_si256::<1>(sums));
            let words = _mm_packus_epi32(low, high);
            _mm_storel_epi64(bytes.as_mut_ptr().cast(), _mm_packus_epi16(words, words));
        }
        bytes
    }

    #[inline(always)]
    fn to_shorts(self) -> EightShorts {
        // SAFETY: see the module.
        unsafe {
            let steps = _mm256_cvtps_epi32(self.register());
            let (low, high) = (_mm256_castsi256_si128(steps), _mm256_extracti128_si256::<1>(steps));
            EightShorts(_mm_packs_epi32(low, high))
        }
    }
}

impl Additive for EightInts {
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: see the module.
        Self(unsafe { _mm256_add_epi32(self.0, other.0) })
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: see the module.
        Self(unsafe { _mm256_sub_epi32(self.0, other.0) })
    }

    #[inline(always)]
    fn left<const N: i32>(self) -> Self {
        // SAFETY: see the module.
        Self(unsafe { _mm256_slli_epi32::<N>(self.0) })
    }
}

impl Ints for EightInts {
    type Float = Eight;

    #[inline(always)]
    fn read(from: &[i32; 8]) -> Self {
        // SAFETY: see the module; eight numbers are read.
        Self(unsafe { _mm256_loadu_si256(from.as_ptr().cast()) })
    }

    #[inline(always)]
    fn times(self, factor: i32) -> Self {
        // SAFETY: see the module.
        Self(unsafe { _mm256_mullo_epi32(self.0, _mm256_set1_epi32(factor)) })
    }

    #[inline(always)]
    fn right<const N: i32>(self) -> Self {
        // SAFETY: see the module.
        Self(unsafe { _mm256_srai_epi32::<N>(self.0) })
    }

    #[inline(always)]
    fn float(self) -> Eight {
        // SAFETY: see the module.
        Eight::of(unsafe { _mm256_cvtepi32_ps(self.0) })
    }
}

impl Additive for EightShorts {
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: see the module.
        Self(unsafe { _mm_add_epi16(self.0, other.0) })
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: see the module.
        Self(unsafe { _mm_sub_epi16(self.0, other.0) })
    }

    #[inline(always)]
    fn left<const N: i32>(self) -> Self {
        // SAFETY: see the module.
        Self(unsafe { _mm_slli_epi16::<N>(self.0) })
    }
}

impl Shorts for EightShorts {
    type Int = EightInts;

    #[inline(always)]
    fn read(from: &[i16; 8]) -> Self {
        // SAFETY: see the module; eight numbers are read.
        Self(unsafe { _mm_loadu_si128(from.as_ptr().cast()) })
    }

    #[inline(always)]
    fn write(self) -> [i16; 8] {
        let mut lanes = [0; 8];
        // SAFETY: see the module; eight numbers are written.
        unsafe { _mm_storeu_si128(lanes.as_mut_ptr().cast(), self.0) };
        lanes
    }

    #[inline(always)]
    fn from_bytes(bytes: &[u8; 8], zero: u8) -> Self {
        // SAFETY: see the module; eight bytes are read.
        unsafe {
            let words = _mm_cvtepu8_epi16(_mm_loadl_epi64(bytes.as_ptr().cast()));
            Self(_mm_sub_epi16(words, _mm_set1_epi16(i16::from(zero))))
        }
    }

    #[inline(always)]
    fn multiply_add(self, other: Self, sum: EightInts) -> EightInts {
        // SAFETY: see the module.
        unsafe {
            let (x, y) = (_mm256_cvtepi16_epi32(self.0), _mm256_cvtepi16_epi32(other.0));
            EightInts(_mm256_add_epi32(sum.0, _mm256_mullo_epi32(x, y)))
        }
    }
}

impl Additive for SixteenShorts {
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: see the module.
        Self(unsafe { _mm256_add_epi16(self.0, other.0) })
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: see the module.
        Self(unsafe { _mm256_sub_epi16(self.0, other.0) })
    }

    #[inline(always)]
    fn left<const N: i32>(self) -> Self {
        // SAFETY: see the module.
        Self(unsafe { _mm256_slli_epi16::<N>(self.0) })
    }
}

impl WideShorts for SixteenShorts {
    #[inline(always)]
    fn read(from: &[i16; 16]) -> Self {
        // SAFETY: see the module; sixteen numbers are read.
        Self(unsafe { _mm256_loadu_si256(from.as_ptr().cast()) })
    }

    #[inline(always)]
    fn write(self) -> [i16; 16] {
        let mut lanes = [0; 16];
        // SAFETY: see the module; sixteen numbers are written.
        unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast(), self.0) };
        lanes
    }
}
