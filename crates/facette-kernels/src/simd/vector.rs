//! Eight lanes, for loops written once over all instruction sets.

use core::array::from_fn;

use crate::fresh::{Fresh, fresh};

/// Eight `f32` and the arithmetic that the kernels do with them.
///
/// Methods of an instruction set's own type must be inlined into functions that enable that set.
#[allow(unreachable_pub, reason = "a public trait names it")]
pub trait Vector: Copy {
    /// # Safety
    /// Eight elements must be readable.
    unsafe fn load(from: *const f32) -> Self;

    /// # Safety
    /// Eight elements must be writable.
    unsafe fn store(self, into: *mut f32);

    /// Eight times the same.
    fn splat(value: f32) -> Self;

    fn add(self, other: Self) -> Self;

    fn sub(self, other: Self) -> Self;

    fn mul(self, other: Self) -> Self;

    /// `self * factor + other`, rounded once or twice.
    fn mul_add(self, factor: Self, other: Self) -> Self;

    /// `yes` where `self < other`, else `no`; a NaN is not less.
    fn less(self, other: Self, yes: Self, no: Self) -> Self;

    /// `self` where it is greater than `low`, else `low`, also for a NaN.
    #[inline(always)]
    fn at_least(self, low: Self) -> Self {
        low.less(self, self, low)
    }

    /// `self` where it is less than `high`, else `high`, also for a NaN.
    #[inline(always)]
    fn at_most(self, high: Self) -> Self {
        self.less(high, self, high)
    }

    /// `self * factor`
    #[inline(always)]
    fn scale(self, factor: f32) -> Self {
        self.mul(Self::splat(factor))
    }

    /// `self * factor + other`
    #[inline(always)]
    fn scale_add(self, factor: f32, other: Self) -> Self {
        self.mul_add(Self::splat(factor), other)
    }

    /// The sum of the lanes.
    #[inline(always)]
    fn sum(self) -> f32 {
        let mut lanes = [0.0; 8];
        // SAFETY: eight elements are writable.
        unsafe { self.store(lanes.as_mut_ptr()) };
        lanes.iter().sum()
    }

    /// Elements `i..i + 8` of a slice, those beyond its end `fill`.
    #[inline(always)]
    fn part(from: &[f32], i: usize, fill: f32) -> Self {
        match from.get(i..i + 8) {
            // SAFETY: the chunk has eight elements.
            Some(chunk) => unsafe { Self::load(chunk.as_ptr()) },
            None => {
                let padded: [f32; 8] = from_fn(|j| from.get(i + j).copied().unwrap_or(fill));
                // SAFETY: the array has eight elements.
                unsafe { Self::load(padded.as_ptr()) }
            }
        }
    }

    /// Writes elements `i..i + 8` of a slice, as far as it reaches.
    #[inline(always)]
    fn put(self, into: &mut [f32], i: usize) {
        // SAFETY: `put_fresh` writes initialised values.
        self.put_fresh(unsafe { fresh(into) }, i);
    }

    /// [`Vector::put`] to memory that nothing was written to.
    #[inline(always)]
    fn put_fresh(self, into: &mut Fresh, i: usize) {
        match into.get_mut(i..i + 8) {
            // SAFETY: the chunk has eight elements.
            Some(chunk) => unsafe { self.store(chunk.as_mut_ptr().cast()) },
            None => {
                let mut lanes = [0.0; 8];
                // SAFETY: the array has eight elements.
                unsafe { self.store(lanes.as_mut_ptr()) };
                into[i..].iter_mut().zip(lanes).for_each(|(into, lane)| _ = into.write(lane));
            }
        }
    }
}

impl Vector for [f32; 8] {
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller vouches for eight elements.
        unsafe { *from.cast::<[f32; 8]>() }
    }

    #[inline(always)]
    unsafe fn store(self, into: *mut f32) {
        // SAFETY: the caller vouches for eight elements.
        unsafe { *into.cast::<[f32; 8]>() = self }
    }

    #[inline(always)]
    fn splat(value: f32) -> Self {
        [value; 8]
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        from_fn(|i| self[i] + other[i])
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        from_fn(|i| self[i] - other[i])
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        from_fn(|i| self[i] * other[i])
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, other: Self) -> Self {
        from_fn(|i| self[i] * factor[i] + other[i])
    }

    #[inline(always)]
    fn less(self, other: Self, yes: Self, no: Self) -> Self {
        from_fn(|i| if self[i] < other[i] { yes[i] } else { no[i] })
    }
}
