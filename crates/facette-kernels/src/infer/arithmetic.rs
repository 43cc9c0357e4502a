//! The four ways to multiply and add.

use core::convert::Infallible;

use super::fixed;
use super::lanes::{Ints, Lanes, Shorts, WideShorts};
use super::tile::{Table, Tiles};
use super::value::{Code, Source, Value};
use super::winograd::{ByBatch, ByShape, Shortcut};
use super::work::{Buffers, Work};

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

/// `f32` rounded to fixed point, by whole numbers of 16 bits: the same bytes on every level, for
/// values whose range is known. See [`Fixed::weights`].
#[derive(Debug, Clone, Copy)]
pub struct Fixed;

/// An arithmetic; [`Fused`], [`Exact`], [`Whole`] or [`Fixed`].
pub trait Arithmetic: rules::Rules {}

impl Arithmetic for Fused {}
impl Arithmetic for Exact {}
impl Arithmetic for Whole {}
impl Arithmetic for Fixed {}

pub(super) mod rules {
    use super::{Buffers, Shortcut, Source, Table, Tiles, Value, Work};
    use crate::infer::aligned::Plain;
    use crate::infer::lanes::Lanes;

    /// What layers need to know of an arithmetic.
    #[expect(private_interfaces, reason = "only this crate calls these")]
    pub trait Rules: Copy + Send + Sync + 'static {
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
        /// How it takes Winograd's shortcut.
        type Shortcut: Shortcut<Self>;

        fn tiles(table: &'static Table) -> &'static Tiles<Self::Operand, Self::Sum>;
        fn buffers(work: &mut Work) -> &mut Buffers<Self::Operand, Self::Sum>;
        /// An activation as a factor; what stands for 0 becomes 0. In fixed point there are `unit`
        /// steps in 1.
        fn operand(
            value: Self::Source,
            code: <Self::Source as Value>::Code,
            unit: f32,
        ) -> Self::Operand;
        fn factor(weight: Self::Weight) -> Self::Operand;
        /// Weights that bytes can be multiplied by as they are.
        fn byte_weights(_: &[Self::Weight]) -> Option<&[i8]> {
            None
        }
        /// Activations that are bytes.
        fn bytes(_: Source<'_, Self::Source>) -> Option<Source<'_, u8>> {
            None
        }
        /// Sums that are whole numbers.
        #[cfg(target_arch = "x86_64")]
        fn ints(_: &[Self::Sum]) -> Option<&[i32]> {
            None
        }
        /// Activations that are factors already.
        fn factors(values: &[Self::Source]) -> Option<&[Self::Operand]>;
        /// Eight factors.
        type X<L: Lanes>: Copy;
        /// Eight sums.
        type S<L: Lanes>: Copy;
        fn read<L: Lanes>(from: &[Self::Operand; 8]) -> Self::X<L>;
        /// As many factors as Winograd's first transform takes side by side at best.
        type Line<L: Lanes>: Copy;
        /// How many a [`Rules::Line`] holds: 8 or 16.
        const LINE: usize;
        fn read_line<L: Lanes>(from: &[Self::Operand]) -> Self::Line<L>;
        fn write_line<L: Lanes>(line: Self::Line<L>, into: &mut [Self::Operand]);
        fn write<L: Lanes>(lanes: Self::X<L>) -> [Self::Operand; 8];
        fn sums<L: Lanes>(from: &[Self::Sum; 8]) -> Self::S<L>;
        /// Eight activations as factors.
        fn operands<L: Lanes>(
            from: &[Self::Source; 8],
            code: <Self::Source as Value>::Code,
            unit: f32,
        ) -> Self::X<L>;
        fn multiply_add<L: Lanes>(x: Self::X<L>, w: Self::X<L>, sum: Self::S<L>) -> Self::S<L>;
        fn real<L: Lanes>(sum: Self::S<L>) -> L;
    }
}

macro_rules! float_rules {
    ($name:ty, $table:ident, $shortcut:ty) => {
        #[expect(private_interfaces, reason = "only this crate calls these")]
        impl rules::Rules for $name {
            type Source = f32;
            type Weight = f32;
            type Operand = f32;
            type Sum = f32;
            const STEP: usize = 1;
            type Shortcut = $shortcut;

            fn tiles(table: &'static Table) -> &'static Tiles<f32, f32> {
                &table.$table
            }

            fn buffers(work: &mut Work) -> &mut Buffers<f32, f32> {
                &mut work.floats
            }

            #[inline(always)]
            fn operand(value: f32, (): (), _: f32) -> f32 {
                value
            }

            fn factor(weight: f32) -> f32 {
                weight
            }

            fn factors(values: &[f32]) -> Option<&[f32]> {
                Some(values)
            }

            type X<L: Lanes> = L;
            type S<L: Lanes> = L;

            #[inline(always)]
            fn read<L: Lanes>(from: &[f32; 8]) -> L {
                L::read(from)
            }

            type Line<L: Lanes> = L;
            const LINE: usize = 8;

            #[inline(always)]
            fn read_line<L: Lanes>(from: &[f32]) -> L {
                L::read(from[..8].try_into().expect("a range of eight"))
            }

            #[inline(always)]
            fn write_line<L: Lanes>(line: L, into: &mut [f32]) {
                into[..8].copy_from_slice(&line.write());
            }

            #[inline(always)]
            fn write<L: Lanes>(lanes: L) -> [f32; 8] {
                lanes.write()
            }

            #[inline(always)]
            fn sums<L: Lanes>(from: &[f32; 8]) -> L {
                L::read(from)
            }

            #[inline(always)]
            fn operands<L: Lanes>(from: &[f32; 8], (): (), _: f32) -> L {
                L::read(from)
            }

            #[inline(always)]
            fn multiply_add<L: Lanes>(x: L, w: L, sum: L) -> L {
                x.mul(w).add(sum)
            }

            #[inline(always)]
            fn real<L: Lanes>(sum: L) -> L {
                sum
            }
        }
    };
}

float_rules!(Fused, fused, ByShape);
float_rules!(Exact, exact, Infallible);

/// What whole numbers of 16 bits, summed in 32, have in common.
macro_rules! whole_sums {
    () => {
        type Operand = i16;
        type Sum = i32;
        const STEP: usize = 2;

        fn tiles(table: &'static Table) -> &'static Tiles<i16, i32> {
            &table.whole
        }

        fn buffers(work: &mut Work) -> &mut Buffers<i16, i32> {
            &mut work.whole
        }

        fn factor(weight: Self::Weight) -> i16 {
            i16::from(weight)
        }

        #[cfg(target_arch = "x86_64")]
        fn ints(sums: &[i32]) -> Option<&[i32]> {
            Some(sums)
        }

        fn factors(_: &[Self::Source]) -> Option<&[i16]> {
            None
        }

        type X<L: Lanes> = L::Short;
        type S<L: Lanes> = L::Int;

        #[inline(always)]
        fn read<L: Lanes>(from: &[i16; 8]) -> L::Short {
            L::Short::read(from)
        }

        type Line<L: Lanes> = L::Wide;
        const LINE: usize = 16;

        #[inline(always)]
        fn read_line<L: Lanes>(from: &[i16]) -> L::Wide {
            L::Wide::read(from[..16].try_into().expect("a range of sixteen"))
        }

        #[inline(always)]
        fn write_line<L: Lanes>(line: L::Wide, into: &mut [i16]) {
            into[..16].copy_from_slice(&line.write());
        }

        #[inline(always)]
        fn write<L: Lanes>(lanes: L::Short) -> [i16; 8] {
            lanes.write()
        }

        #[inline(always)]
        fn sums<L: Lanes>(from: &[i32; 8]) -> L::Int {
            L::Int::read(from)
        }

        #[inline(always)]
        fn multiply_add<L: Lanes>(x: L::Short, w: L::Short, sum: L::Int) -> L::Int {
            x.multiply_add(w, sum)
        }

        #[inline(always)]
        fn real<L: Lanes>(sum: L::Int) -> L {
            sum.float()
        }
    };
}

#[expect(private_interfaces, reason = "only this crate calls these")]
impl rules::Rules for Whole {
    type Source = u8;
    type Weight = i8;
    type Shortcut = ByBatch;

    whole_sums!();

    #[inline(always)]
    fn operand(value: u8, code: Code, _: f32) -> i16 {
        i16::from(value) - i16::from(code.zero())
    }

    #[inline(always)]
    fn operands<L: Lanes>(from: &[u8; 8], code: Code, _: f32) -> L::Short {
        L::Short::from_bytes(from, code.zero())
    }

    fn byte_weights(weight: &[i8]) -> Option<&[i8]> {
        Some(weight)
    }

    fn bytes(x: Source<'_, u8>) -> Option<Source<'_, u8>> {
        Some(x)
    }
}

#[expect(private_interfaces, reason = "only this crate calls these")]
impl rules::Rules for Fixed {
    type Source = f32;
    type Weight = i16;
    /// The transformed picture would not fit 16 bits.
    type Shortcut = Infallible;

    whole_sums!();

    #[inline(always)]
    fn operand(value: f32, (): (), unit: f32) -> i16 {
        Self::operands::<[f32; 8]>(&[value; 8], (), unit)[0]
    }

    #[inline(always)]
    fn operands<L: Lanes>(from: &[f32; 8], (): (), unit: f32) -> L::Short {
        fixed::steps(L::read(from), unit).to_shorts()
    }
}
