//! Eight lanes of floats, whole numbers and short whole numbers, for loops written once over all
//! instruction sets. Arrays are the specification.
//!
//! Methods of an instruction set's own types must be inlined into functions that enable that set,
//! which [`run_at`](super::level_task::run_at) sees to.

use core::array::from_fn;

use crate::simd::Vector;

/// Added to a number of less than 22 bits it leaves its integer, rounded half to even, in the last
/// bits of the mantissa: rounding without an instruction for it, the same on every processor.
pub(super) const ROUND: f32 = 12_582_912.0;

/// Eight floats.
#[allow(unreachable_pub, reason = "a public trait names it")]
pub trait Lanes: Vector {
    /// Eight whole numbers.
    type Int: Ints<Float = Self>;
    /// Eight short whole numbers.
    type Short: Shorts<Int = Self::Int>;
    /// Sixteen short whole numbers; two times eight where no register holds them.
    type Wide: WideShorts;

    /// Bytes as floats.
    fn from_bytes(bytes: &[u8; 8]) -> Self;

    /// The sums of `zero` and these numbers, rounded half to even, of -255 to 255; modulo 256.
    fn to_bytes(self, zero: u8) -> [u8; 8];

    /// The sums of `zero` and these numbers, rounded half to even; what is beyond 0 or 255 becomes
    /// that, and a NaN 0.
    #[inline(always)]
    fn to_nearest_bytes(self, zero: u8) -> [u8; 8] {
        let zero_point = f32::from(zero);
        let within =
            self.at_least(Self::splat(-zero_point)).at_most(Self::splat(255.0 - zero_point));
        within.to_bytes(zero)
    }

    /// These numbers, of -32768 to 32767, rounded half to even.
    #[inline(always)]
    fn to_shorts(self) -> Self::Short {
        let sums = self.add(Self::splat(ROUND)).write();
        Self::Short::read(&from_fn(|i| sums[i].to_bits() as i16))
    }

    /// The lanes of an array.
    #[inline(always)]
    fn read(from: &[f32; 8]) -> Self {
        // SAFETY: an array of eight can be read.
        unsafe { Self::load(from.as_ptr()) }
    }

    /// The lanes as an array.
    #[inline(always)]
    fn write(self) -> [f32; 8] {
        let mut lanes = [0.0; 8];
        // SAFETY: an array of eight can be written.
        unsafe { self.store(lanes.as_mut_ptr()) };
        lanes
    }
}

/// Eight whole numbers, in arithmetic modulo 2^32.
#[allow(unreachable_pub, reason = "a public trait names it")]
pub trait Ints: Additive {
    /// Eight floats.
    type Float;
    fn read(from: &[i32; 8]) -> Self;
    fn times(self, factor: i32) -> Self;
    fn right<const N: i32>(self) -> Self;
    fn float(self) -> Self::Float;
}

/// Whole numbers side by side, in arithmetic modulo 2^32, or 2^16 where they are short.
#[allow(unreachable_pub, reason = "a public trait names it")]
pub trait Additive: Copy {
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn left<const N: i32>(self) -> Self;
}

/// Sixteen short whole numbers.
#[allow(unreachable_pub, reason = "a public trait names it")]
pub trait WideShorts: Additive {
    fn read(from: &[i16; 16]) -> Self;
    fn write(self) -> [i16; 16];
}

/// Eight short whole numbers.
#[allow(unreachable_pub, reason = "a public trait names it")]
pub trait Shorts: Additive {
    /// Eight whole numbers.
    type Int;
    fn read(from: &[i16; 8]) -> Self;
    fn write(self) -> [i16; 8];
    /// Bytes less `zero`.
    fn from_bytes(bytes: &[u8; 8], zero: u8) -> Self;
    /// `sum + self * other`, in whole numbers.
    fn multiply_add(self, other: Self, sum: Self::Int) -> Self::Int;
}

impl Lanes for [f32; 8] {
    type Int = [i32; 8];
    type Short = [i16; 8];
    type Wide = [[i16; 8]; 2];

    #[inline(always)]
    fn from_bytes(bytes: &[u8; 8]) -> Self {
        from_fn(|i| f32::from(bytes[i]))
    }

    #[inline(always)]
    fn to_bytes(self, zero: u8) -> [u8; 8] {
        from_fn(|i| ((self[i] + ROUND).to_bits() as u8).wrapping_add(zero))
    }
}

impl Additive for [i32; 8] {
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        from_fn(|i| self[i].wrapping_add(other[i]))
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        from_fn(|i| self[i].wrapping_sub(other[i]))
    }

    #[inline(always)]
    fn left<const N: i32>(self) -> Self {
        from_fn(|i| self[i] << N)
    }
}

impl Ints for [i32; 8] {
    type Float = [f32; 8];

    #[inline(always)]
    fn read(from: &[i32; 8]) -> Self {
        *from
    }

    #[inline(always)]
    fn times(self, factor: i32) -> Self {
        from_fn(|i| self[i].wrapping_mul(factor))
    }

    #[inline(always)]
    fn right<const N: i32>(self) -> Self {
        from_fn(|i| self[i] >> N)
    }

    #[inline(always)]
    fn float(self) -> [f32; 8] {
        from_fn(|i| self[i] as f32)
    }
}

impl Additive for [i16; 8] {
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        from_fn(|i| self[i].wrapping_add(other[i]))
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        from_fn(|i| self[i].wrapping_sub(other[i]))
    }

    #[inline(always)]
    fn left<const N: i32>(self) -> Self {
        from_fn(|i| self[i] << N)
    }
}

impl Shorts for [i16; 8] {
    type Int = [i32; 8];

    #[inline(always)]
    fn read(from: &[i16; 8]) -> Self {
        *from
    }

    #[inline(always)]
    fn write(self) -> [i16; 8] {
        self
    }

    #[inline(always)]
    fn from_bytes(bytes: &[u8; 8], zero: u8) -> Self {
        from_fn(|i| i16::from(bytes[i]) - i16::from(zero))
    }

    #[inline(always)]
    fn multiply_add(self, other: Self, sum: [i32; 8]) -> [i32; 8] {
        from_fn(|i| sum[i].wrapping_add(i32::from(self[i]) * i32::from(other[i])))
    }
}

impl<S: Shorts> Additive for [S; 2] {
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        [self[0].add(other[0]), self[1].add(other[1])]
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        [self[0].sub(other[0]), self[1].sub(other[1])]
    }

    #[inline(always)]
    fn left<const N: i32>(self) -> Self {
        [self[0].left::<N>(), self[1].left::<N>()]
    }
}

impl<S: Shorts> WideShorts for [S; 2] {
    #[inline(always)]
    fn read(from: &[i16; 16]) -> Self {
        let (halves, _) = from.as_chunks();
        [S::read(&halves[0]), S::read(&halves[1])]
    }

    #[inline(always)]
    fn write(self) -> [i16; 16] {
        let mut lanes = [0; 16];
        let (halves, _) = lanes.as_chunks_mut();
        (halves[0], halves[1]) = (self[0].write(), self[1].write());
        lanes
    }
}
