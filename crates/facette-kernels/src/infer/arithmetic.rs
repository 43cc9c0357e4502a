//! The three ways to multiply and add.

use super::dotted::Dotted;
use super::lanes::{Ints, Lanes, Shorts};
use super::tile::{Table, Tiles};
use super::value::{Code, Value};
use super::winograd::whole;
use super::work::{Buffers, Work};
use crate::Level;
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
    use super::{Buffers, Tiles, Value, Work};
    use crate::Level;
    use crate::infer::aligned::Plain;
    use crate::infer::lanes::Lanes;

    /// What plain sums of products need to know of an arithmetic.
    #[expect(private_interfaces, private_bounds, reason = "only this crate calls these")]
    pub trait Products: Copy + Send + Sync + core::fmt::Debug + 'static {
        /// Activations that are read.
        type Source: Value;
        /// Weights as they are given.
        type Weight: Copy + Send + Sync;
        /// Factors.
        type Operand: Plain + Send + Sync + core::fmt::Debug;
        /// Sums.
        type Sum: Plain + Send + Sync;
        /// Factors in a step of the inner loop.
        const STEP: usize;
        /// Whether factors are activations less a constant, which [`Products::shift`] makes up for.
        const SHIFTED: bool = false;

        fn tiles(level: Level) -> &'static Tiles<Self::Operand, Self::Sum>;
        fn buffers(work: &mut Work) -> &mut Buffers<Self::Operand, Self::Sum>;
        /// An activation as a factor.
        fn operand(value: Self::Source, code: <Self::Source as Value>::Code) -> Self::Operand;
        /// What stands for 0, as a factor.
        fn zero(_: <Self::Source as Value>::Code) -> Self::Operand {
            Self::Operand::default()
        }
        fn factor(weight: Self::Weight) -> Self::Operand;
        /// Activations that are factors already.
        fn factors(values: &[Self::Source]) -> Option<&[Self::Operand]>;
        /// Eight sums.
        type S<L: Lanes>: Copy;
        fn sums<L: Lanes>(from: &[Self::Sum; 8]) -> Self::S<L>;
        /// A weight's share in the totals that [`Products::shift`] is given.
        fn share(_: Self::Weight) -> i32 {
            0
        }
        /// The sums as if nothing had been taken off; `totals` are those of each kernel's weights.
        #[inline(always)]
        fn shift<L: Lanes>(
            sum: Self::S<L>,
            _: &[i32; 8],
            _: <Self::Source as Value>::Code,
        ) -> Self::S<L> {
            sum
        }
        fn real<L: Lanes>(sum: Self::S<L>) -> L;
    }

    /// What other layers need to know besides.
    pub trait Rules: Products {
        /// Whether sums are the same in any order.
        const ORDERLESS: bool;
        /// The same by dot products of bytes, where this arithmetic is of bytes; else itself.
        type Dotted: Products<Source = Self::Source, Weight = Self::Weight>;
        /// Whether there is such a thing.
        const DOTTED: bool = false;

        /// Eight factors.
        type X<L: Lanes>: Copy;
        fn read<L: Lanes>(from: &[Self::Operand; 8]) -> Self::X<L>;
        fn write<L: Lanes>(lanes: Self::X<L>) -> [Self::Operand; 8];
        /// Eight activations as factors.
        fn operands<L: Lanes>(
            from: &[Self::Source; 8],
            code: <Self::Source as Value>::Code,
        ) -> Self::X<L>;
        fn multiply_add<L: Lanes>(x: Self::X<L>, w: Self::X<L>, sum: Self::S<L>) -> Self::S<L>;
        /// The largest sum of the magnitudes of a kernel's weights that Winograd's shortcut bears;
        /// `None` without the shortcut.
        fn shortcut() -> Option<f64>;
        fn magnitude(weight: Self::Weight) -> f64;
        fn input<L: Lanes>(x: [Self::X<L>; 6]) -> [Self::X<L>; 6];
        fn output<L: Lanes>(m: [Self::S<L>; 6]) -> [Self::S<L>; 4];
        /// What an output must still undergo after both passes of [`Rules::output`].
        fn settle<L: Lanes>(sum: Self::S<L>) -> Self::S<L>;
        /// A kernel of 3x3 to 6x6.
        fn kernel(weight: [Self::Weight; 9]) -> [Self::Operand; 36];
    }
}

macro_rules! float_rules {
    ($name:ty, $table:ident, $shortcut:expr) => {
        #[expect(private_interfaces, reason = "only this crate calls these")]
        impl rules::Products for $name {
            type Source = f32;
            type Weight = f32;
            type Operand = f32;
            type Sum = f32;
            const STEP: usize = 1;

            fn tiles(level: Level) -> &'static Tiles<f32, f32> {
                &Table::of(level).$table
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

            type S<L: Lanes> = L;

            #[inline(always)]
            fn sums<L: Lanes>(from: &[f32; 8]) -> L {
                L::read(from)
            }

            #[inline(always)]
            fn real<L: Lanes>(sum: L) -> L {
                sum
            }
        }

        impl rules::Rules for $name {
            const ORDERLESS: bool = false;
            type Dotted = Self;

            type X<L: Lanes> = L;

            #[inline(always)]
            fn read<L: Lanes>(from: &[f32; 8]) -> L {
                L::read(from)
            }

            #[inline(always)]
            fn write<L: Lanes>(lanes: L) -> [f32; 8] {
                lanes.write()
            }

            #[inline(always)]
            fn operands<L: Lanes>(from: &[f32; 8], (): ()) -> L {
                L::read(from)
            }

            #[inline(always)]
            fn multiply_add<L: Lanes>(x: L, w: L, sum: L) -> L {
                x.mul(w).add(sum)
            }

            fn shortcut() -> Option<f64> {
                $shortcut
            }

            fn magnitude(weight: f32) -> f64 {
                f64::from(weight.abs())
            }

            #[inline(always)]
            fn input<L: Lanes>(x: [L; 6]) -> [L; 6] {
                float::Input::line(x)
            }

            #[inline(always)]
            fn output<L: Lanes>(m: [L; 6]) -> [L; 4] {
                float::Output::line(m)
            }

            #[inline(always)]
            fn settle<L: Lanes>(sum: L) -> L {
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
impl rules::Products for Whole {
    type Source = u8;
    type Weight = i8;
    type Operand = i16;
    type Sum = i32;
    const STEP: usize = 2;

    fn tiles(level: Level) -> &'static Tiles<i16, i32> {
        &Table::of(level).whole
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

    type S<L: Lanes> = L::Int;

    #[inline(always)]
    fn sums<L: Lanes>(from: &[i32; 8]) -> L::Int {
        L::Int::read(from)
    }

    #[inline(always)]
    fn real<L: Lanes>(sum: L::Int) -> L {
        sum.float()
    }
}

impl rules::Rules for Whole {
    const ORDERLESS: bool = true;
    type Dotted = Dotted;
    const DOTTED: bool = true;

    type X<L: Lanes> = L::Short;

    #[inline(always)]
    fn read<L: Lanes>(from: &[i16; 8]) -> L::Short {
        L::Short::read(from)
    }

    #[inline(always)]
    fn write<L: Lanes>(lanes: L::Short) -> [i16; 8] {
        lanes.write()
    }

    #[inline(always)]
    fn operands<L: Lanes>(from: &[u8; 8], code: Code) -> L::Short {
        L::Short::from_bytes(from, code.zero())
    }

    #[inline(always)]
    fn multiply_add<L: Lanes>(x: L::Short, w: L::Short, sum: L::Int) -> L::Int {
        x.multiply_add(w, sum)
    }

    fn shortcut() -> Option<f64> {
        Some(f64::from(whole::LIMIT))
    }

    fn magnitude(weight: i8) -> f64 {
        f64::from(weight).abs()
    }

    #[inline(always)]
    fn input<L: Lanes>(x: [L::Short; 6]) -> [L::Short; 6] {
        whole::input(x)
    }

    #[inline(always)]
    fn output<L: Lanes>(m: [L::Int; 6]) -> [L::Int; 4] {
        whole::output(m)
    }

    #[inline(always)]
    fn settle<L: Lanes>(sum: L::Int) -> L::Int {
        whole::settle(sum)
    }

    fn kernel(weight: [i8; 9]) -> [i16; 36] {
        whole::kernel(weight)
    }
}
