//! Eight lanes in two registers of NEON, which every AArch64 processor with floating point has: this
//! file is compiled for targets with NEON alone, which makes calls of its instructions sound.

use core::arch::aarch64::*;

use super::Vector;

/// Eight lanes in two registers.
#[derive(Clone, Copy)]
#[allow(unreachable_pub, reason = "a public trait names it")]
pub struct Eight(pub(crate) [float32x4_t; 2]);

impl Vector for Eight {
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller vouches for eight elements.
        Self(unsafe { [vld1q_f32(from), vld1q_f32(from.add(4))] })
    }

    #[inline(always)]
    unsafe fn store(self, into: *mut f32) {
        // SAFETY: the caller vouches for eight elements.
        unsafe {
            vst1q_f32(into, self.0[0]);
            vst1q_f32(into.add(4), self.0[1]);
        }
    }

    #[inline(always)]
    fn splat(value: f32) -> Self {
        // SAFETY: see the module.
        unsafe { Self([vdupq_n_f32(value); 2]) }
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: see the module.
        unsafe { Self([vaddq_f32(self.0[0], other.0[0]), vaddq_f32(self.0[1], other.0[1])]) }
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: see the module.
        unsafe { Self([vsubq_f32(self.0[0], other.0[0]), vsubq_f32(self.0[1], other.0[1])]) }
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: see the module.
        unsafe { Self([vmulq_f32(self.0[0], other.0[0]), vmulq_f32(self.0[1], other.0[1])]) }
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, other: Self) -> Self {
        // SAFETY: see the module.
        unsafe {
            Self([
                vfmaq_f32(other.0[0], self.0[0], factor.0[0]),
                vfmaq_f32(other.0[1], self.0[1], factor.0[1]),
            ])
        }
    }

    #[inline(always)]
    fn less(self, other: Self, yes: Self, no: Self) -> Self {
        // SAFETY: see the module.
        unsafe {
            Self([
                vbslq_f32(vcltq_f32(self.0[0], other.0[0]), yes.0[0], no.0[0]),
                vbslq_f32(vcltq_f32(self.0[1], other.0[1]), yes.0[1], no.0[1]),
            ])
        }
    }
}
