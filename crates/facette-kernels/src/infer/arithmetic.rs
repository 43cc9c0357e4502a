//! The three ways to multiply and add.

use super::tile::{Table, Tiles};
use super::value::{Code, Value};
use super::winograd::whole;
use super::work::{Buffers, Work};
use crate::simd::winograd as float;
use float::Line;

/// `f32` with fused multiply-adds and Winograd's shortcut: the fastest in floats, with a rounding
/// of each level's own.
#[derive(Debug, Clone, Copy)]
pub struct Fused;

/// `f32`, each product and each sum rounded, in one order: the same bytes on every level.
#[derive(Debug, Clone, Copy)]
pub struct Exact;

/// Bytes by int8 weights, summed in whole numbers: the same bytes on every level.
#[derive(Debug, Clone, Copy)]
pub struct Whole;

/// An arithmetic; [`Fused`], [`Exact`] or [`Whole`].
pub trait Arithmetic: rules::Rules {}

impl Arithmetic for Fused {}
impl Arithmetic for Exact {}
impl Arithmetic for Whole {}

pub(super) mod rules {
    use super::{Buffers, Table, Tiles, Value, Work};
    use crate::infer::aligned::Plain;

    /// What layers need to know of an arithmetic.
    #[expect(private_interfaces, private_bounds, reason = "only this crate calls these")]
    pub trait Rules: Copy + Send + Sync + 'static {
        /// Activations that are read.
        type Source: Value;
        /// Weights as they are given.
        type Weight: Copy + Send + Sync;
        /// Factors.
        type Operand: Plain + Send + Sync + std::fmt::Debug;
        /// Sums.
        type Sum: Plain + Send + Sync;
        /// Factors in a step of the inner loop.
        const STEP: usize;

        fn tiles(table: &'static Table) -> &'static Tiles<Self::Operand, Self::Sum>;
        fn buffers(work: &mut Work) -> &mut Buffers<Self::Operand, Self::Sum>;
        /// An activation as a factor; what stands for 0 becomes 0.
        fn operand(value: Self::Source, code: <Self::Source as Value>::Code) -> Self::Operand;
        fn factor(weight: Self::Weight) -> Self::Operand;
        /// Activations that are factors already.
        fn factors(values: &[Self::Source]) -> Option<&[Self::Operand]>;
        fn real(sum: Self::Sum) -> f32;
        fn multiply_add(x: Self::Operand, w: Self::Operand, sum: Self::Sum) -> Self::Sum;
        /// The largest sum of the magnitudes of a kernel's weights that Winograd's shortcut bears;
        /// `None` without the shortcut.
        fn shortcut() -> Option<f64>;
        fn magnitude(weight: Self::Weight) -> f64;
        fn input(x: [[Self::Operand; 8]; 6]) -> [[Self::Operand; 8]; 6];
        fn output(m: [[Self::Sum; 8]; 6]) -> [[Self::Sum; 8]; 4];
        /// What an output must still undergo after both passes of [`Rules::output`].
        fn settle(sum: Self::Sum) -> Self::Sum;
        /// A kernel of 3x3 to 6x6.
        fn kernel(weight: [Self::Weight; 9]) -> [Self::Operand; 36];
    }
}

macro_rules! float_rules {
    ($name:ty, $table:ident, $shortcut:expr) => {
        #[expect(private_interfaces, reason = "only this crate calls these")]
        impl rules::Rules for $name {
            type Source = f32;
            type Weight = f32;
            type Operand = f32;
            type Sum = f32;
            const STEP: usize = 1;

            fn tiles(table: &'static Table) -> &'static Tiles<f32, f32> {
                &table.$table
            }

            fn buffers(work: &mut Work) -> &mut Buffers<f32, f32> {
                &mut work.floats
            }

            #[inline(always)]
            fn operand(value: f32, (): ()) -> f32 {
                value
            }

            fn factor(weight: f32) -> f32 {
                weight
            }

            fn factors(values: &[f32]) -> Option<&[f32]> {
                Some(values)
            }

            #[inline(always)]
            fn real(sum: f32) -> f32 {
                sum
            }

            #[inline(always)]
            fn multiply_add(x: f32, w: f32, sum: f32) -> f32 {
                x * w + sum
            }

            fn shortcut() -> Option<f64> {
                $shortcut
            }

            fn magnitude(weight: f32) -> f64 {
                f64::from(weight.abs())
            }

            #[inline(always)]
            fn input(x: [[f32; 8]; 6]) -> [[f32; 8]; 6] {
                float::Input::line(x)
            }

            #[inline(always)]
            fn output(m: [[f32; 8]; 6]) -> [[f32; 8]; 4] {
                float::Output::line(m)
            }

            #[inline(always)]
            fn settle(sum: f32) -> f32 {
                sum
            }

            fn kernel(weight: [f32; 9]) -> [f32; 36] {
                float::kernel(weight)
            }
        }
    };
}

float_rules!(Fused, fused, Some(f64::INFINITY));
float_rules!(Exact, exact, None);

#[expect(private_interfaces, reason = "only this crate calls these")]
impl rules::Rules for Whole {
    type Source = u8;
    type Weight = i8;
    type Operand = i16;
    type Sum = i32;
    const STEP: usize = 2;

    fn tiles(table: &'static Table) -> &'static Tiles<i16, i32> {
        &table.whole
    }

    fn buffers(work: &mut Work) -> &mut Buffers<i16, i32> {
        &mut work.whole
    }

    #[inline(always)]
    fn operand(value: u8, code: Code) -> i16 {
        i16::from(value) - i16::from(code.zero())
    }

    fn factor(weight: i8) -> i16 {
        i16::from(weight)
    }

    fn factors(_: &[u8]) -> Option<&[i16]> {
        None
    }

    #[inline(always)]
    fn real(sum: i32) -> f32 {
        sum as f32
    }

    #[inline(always)]
    fn multiply_add(x: i16, w: i16, sum: i32) -> i32 {
        sum.wrapping_add(i32::from(x) * i32::from(w))
    }

    fn shortcut() -> Option<f64> {
        Some(f64::from(whole::LIMIT))
    }

    fn magnitude(weight: i8) -> f64 {
        f64::from(weight).abs()
    }

    #[inline(always)]
    fn input(x: [[i16; 8]; 6]) -> [[i16; 8]; 6] {
        whole::input(x)
    }

    #[inline(always)]
    fn output(m: [[i32; 8]; 6]) -> [[i32; 8]; 4] {
        whole::output(m)
    }

    #[inline(always)]
    fn settle(sum: i32) -> i32 {
        whole::settle(sum)
    }

    fn kernel(weight: [i8; 9]) -> [i16; 36] {
        whole::kernel(weight)
    }
}
