//! Eight lanes in two vectors of WebAssembly. Its engines are refused a module that uses them where
//! they lack them, so that the target's features are the processor's.

use core::arch::wasm32::*;

use super::Vector;

/// Eight lanes in two vectors.
#[derive(Clone, Copy)]
#[allow(unreachable_pub, reason = "a public trait names it")]
pub struct Eight(pub(crate) [v128; 2]);

impl Vector for Eight {
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller vouches for eight elements.
        Self(unsafe { [v128_load(from.cast()), v128_load(from.add(4).cast())] })
    }

    #[inline(always)]
    unsafe fn store(self, into: *mut f32) {
        // SAFETY: the caller vouches for eight elements.
        unsafe {
            v128_store(into.cast(), self.0[0]);
            v128_store(into.add(4).cast(), self.0[1]);
        }
    }

    #[inline(always)]
    fn splat(value: f32) -> Self {
        Self([f32x4_splat(value); 2])
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self([f32x4_add(self.0[0], other.0[0]), f32x4_add(self.0[1], other.0[1])])
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self([f32x4_sub(self.0[0], other.0[0]), f32x4_sub(self.0[1], other.0[1])])
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Self([f32x4_mul(self.0[0], other.0[0]), f32x4_mul(self.0[1], other.0[1])])
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, other: Self) -> Self {
        // There is no fused instruction that all engines compute alike.
        self.mul(factor).add(other)
    }

    #[inline(always)]
    fn less(self, other: Self, yes: Self, no: Self) -> Self {
        let choose = |i: usize| v128_bitselect(yes.0[i], no.0[i], f32x4_lt(self.0[i], other.0[i]));
        Self([choose(0), choose(1)])
    }
}
