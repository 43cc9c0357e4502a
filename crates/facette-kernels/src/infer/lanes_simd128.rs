//! Eight lanes in vectors of WebAssembly.

use core::arch::wasm32::*;

use super::lanes::{Additive, Ints, Lanes, ROUND, Shorts};
use crate::simd::{Native as Eight, Vector};

/// Eight whole numbers in two vectors.
#[derive(Clone, Copy)]
#[allow(unreachable_pub, reason = "a public trait names it")]
pub struct EightInts([v128; 2]);

/// Eight short whole numbers in a vector.
#[derive(Clone, Copy)]
#[allow(unreachable_pub, reason = "a public trait names it")]
pub struct EightShorts(v128);

impl Lanes for Eight {
    type Int = EightInts;
    type Short = EightShorts;
    type Wide = [EightShorts; 2];

    #[inline(always)]
    fn from_bytes(bytes: &[u8; 8]) -> Self {
        // SAFETY: eight bytes are read.
        let words = unsafe { u16x8_load_extend_u8x8(bytes.as_ptr()) };
        Eight([
            f32x4_convert_u32x4(u32x4_extend_low_u16x8(words)),
            f32x4_convert_u32x4(u32x4_extend_high_u16x8(words)),
        ])
    }

    #[inline(always)]
    fn to_bytes(self, zero: u8) -> [u8; 8] {
        let Eight([low, high]) = self.add(Self::splat(ROUND));
        // The last byte of each lane, which is the number modulo 256.
        let last = u8x16_shuffle::<0, 4, 8, 12, 16, 20, 24, 28, 0, 0, 0, 0, 0, 0, 0, 0>(low, high);
        let sums = u8x16_add(last, u8x16_splat(zero));
        let mut bytes = [0; 8];
        // SAFETY: eight bytes are written.
        unsafe { v128_store64_lane::<0>(sums, bytes.as_mut_ptr().cast()) };
        bytes
    }
}

impl Additive for EightInts {
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self([i32x4_add(self.0[0], other.0[0]), i32x4_add(self.0[1], other.0[1])])
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self([i32x4_sub(self.0[0], other.0[0]), i32x4_sub(self.0[1], other.0[1])])
    }

    #[inline(always)]
    fn left<const N: i32>(self) -> Self {
        Self([i32x4_shl(self.0[0], N as u32), i32x4_shl(self.0[1], N as u32)])
    }
}

impl Ints for EightInts {
    type Float = Eight;

    #[inline(always)]
    fn read(from: &[i32; 8]) -> Self {
        let from = from.as_ptr();
        // SAFETY: eight numbers are read.
        Self(unsafe { [v128_load(from.cast()), v128_load(from.add(4).cast())] })
    }

    #[inline(always)]
    fn times(self, factor: i32) -> Self {
        let factor = i32x4_splat(factor);
        Self([i32x4_mul(self.0[0], factor), i32x4_mul(self.0[1], factor)])
    }

    #[inline(always)]
    fn right<const N: i32>(self) -> Self {
        Self([i32x4_shr(self.0[0], N as u32), i32x4_shr(self.0[1], N as u32)])
    }

    #[inline(always)]
    fn float(self) -> Eight {
        Eight([f32x4_convert_i32x4(self.0[0]), f32x4_convert_i32x4(self.0[1])])
    }
}

impl Additive for EightShorts {
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self(i16x8_add(self.0, other.0))
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self(i16x8_sub(self.0, other.0))
    }

    #[inline(always)]
    fn left<const N: i32>(self) -> Self {
        Self(i16x8_shl(self.0, N as u32))
    }
}

impl Shorts for EightShorts {
    type Int = EightInts;

    #[inline(always)]
    fn read(from: &[i16; 8]) -> Self {
        // SAFETY: eight numbers are read.
        Self(unsafe { v128_load(from.as_ptr().cast()) })
    }

    #[inline(always)]
    fn write(self) -> [i16; 8] {
        let mut lanes = [0; 8];
        // SAFETY: eight numbers are written.
        unsafe { v128_store(lanes.as_mut_ptr().cast(), self.0) };
        lanes
    }

    #[inline(always)]
    fn from_bytes(bytes: &[u8; 8], zero: u8) -> Self {
        // SAFETY: eight bytes are read.
        let words = unsafe { i16x8_load_extend_u8x8(bytes.as_ptr()) };
        Self(i16x8_sub(words, i16x8_splat(i16::from(zero))))
    }

    #[inline(always)]
    fn multiply_add(self, other: Self, sum: EightInts) -> EightInts {
        EightInts([
            i32x4_add(sum.0[0], i32x4_extmul_low_i16x8(self.0, other.0)),
            i32x4_add(sum.0[1], i32x4_extmul_high_i16x8(self.0, other.0)),
        ])
    }
}
