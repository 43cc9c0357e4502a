//! Eight lanes in registers of NEON.
//!
//! As with [`Eight`], this file is compiled for targets with NEON alone, which makes calls of its
//! instructions sound.

use core::arch::aarch64::*;

use super::lanes::{Additive, Ints, Lanes, ROUND, Shorts};
use crate::simd::{Native as Eight, Vector};

/// Eight whole numbers in two registers.
#[derive(Clone, Copy)]
#[allow(unreachable_pub, reason = "a public trait names it")]
pub struct EightInts([int32x4_t; 2]);

/// Eight short whole numbers in a register.
#[derive(Clone, Copy)]
#[allow(unreachable_pub, reason = "a public trait names it")]
pub struct EightShorts(int16x8_t);

impl Lanes for Eight {
    type Int = EightInts;
    type Short = EightShorts;
    type Wide = [EightShorts; 2];

    #[inline(always)]
    fn from_bytes(bytes: &[u8; 8]) -> Self {
        // SAFETY: see the module; eight bytes are read.
        unsafe {
            let words = vmovl_u8(vld1_u8(bytes.as_ptr()));
            Eight([
                vcvtq_f32_u32(vmovl_u16(vget_low_u16(words))),
                vcvtq_f32_u32(vmovl_high_u16(words)),
            ])
        }
    }

    #[inline(always)]
    fn to_bytes(self, zero: u8) -> [u8; 8] {
        // SAFETY: see the module; eight bytes are written.
        unsafe {
            let Eight([low, high]) = self.add(Self::splat(ROUND));
            // Narrowing keeps the last bits, which is to say it is modulo 256.
            let (low, high) = (vreinterpretq_u32_f32(low), vreinterpretq_u32_f32(high));
            let words = vmovn_high_u32(vmovn_u32(low), high);
            let sums = vadd_u8(vmovn_u16(words), vdup_n_u8(zero));
            let mut bytes = [0; 8];
            vst1_u8(bytes.as_mut_ptr(), sums);
            bytes
        }
    }
}

impl Additive for EightInts {
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: see the module.
        unsafe { Self([vaddq_s32(self.0[0], other.0[0]), vaddq_s32(self.0[1], other.0[1])]) }
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: see the module.
        unsafe { Self([vsubq_s32(self.0[0], other.0[0]), vsubq_s32(self.0[1], other.0[1])]) }
    }

    #[inline(always)]
    fn left<const N: i32>(self) -> Self {
        // SAFETY: see the module.
        unsafe { Self([vshlq_n_s32::<N>(self.0[0]), vshlq_n_s32::<N>(self.0[1])]) }
    }
}

impl Ints for EightInts {
    type Float = Eight;

    #[inline(always)]
    fn read(from: &[i32; 8]) -> Self {
        // SAFETY: see the module; eight numbers are read.
        unsafe { Self([vld1q_s32(from.as_ptr()), vld1q_s32(from.as_ptr().add(4))]) }
    }

    #[inline(always)]
    fn times(self, factor: i32) -> Self {
        // SAFETY: see the module.
        unsafe { Self([vmulq_n_s32(self.0[0], factor), vmulq_n_s32(self.0[1], factor)]) }
    }

    #[inline(always)]
    fn right<const N: i32>(self) -> Self {
        // SAFETY: see the module.
        unsafe { Self([vshrq_n_s32::<N>(self.0[0]), vshrq_n_s32::<N>(self.0[1])]) }
    }

    #[inline(always)]
    fn float(self) -> Eight {
        // SAFETY: see the module.
        unsafe { Eight([vcvtq_f32_s32(self.0[0]), vcvtq_f32_s32(self.0[1])]) }
    }
}

impl Additive for EightShorts {
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: see the module.
        unsafe { Self(vaddq_s16(self.0, other.0)) }
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: see the module.
        unsafe { Self(vsubq_s16(self.0, other.0)) }
    }

    #[inline(always)]
    fn left<const N: i32>(self) -> Self {
        // SAFETY: see the module.
        unsafe { Self(vshlq_n_s16::<N>(self.0)) }
    }
}

impl Shorts for EightShorts {
    type Int = EightInts;

    #[inline(always)]
    fn read(from: &[i16; 8]) -> Self {
        // SAFETY: see the module; eight numbers are read.
        unsafe { Self(vld1q_s16(from.as_ptr())) }
    }

    #[inline(always)]
    fn write(self) -> [i16; 8] {
        // SAFETY: see the module; eight numbers are written.
        unsafe {
            let mut lanes = [0; 8];
            vst1q_s16(lanes.as_mut_ptr(), self.0);
            lanes
        }
    }

    #[inline(always)]
    fn from_bytes(bytes: &[u8; 8], zero: u8) -> Self {
        // SAFETY: see the module; eight bytes are read.
        unsafe {
            let bytes = vld1_u8(bytes.as_ptr());
            Self(vreinterpretq_s16_u16(vsubl_u8(bytes, vdup_n_u8(zero))))
        }
    }

    #[inline(always)]
    fn multiply_add(self, other: Self, sum: EightInts) -> EightInts {
        // SAFETY: see the module.
        unsafe {
            EightInts([
                vmlal_s16(sum.0[0], vget_low_s16(self.0), vget_low_s16(other.0)),
                vmlal_high_s16(sum.0[1], self.0, other.0),
            ])
        }
    }
}
