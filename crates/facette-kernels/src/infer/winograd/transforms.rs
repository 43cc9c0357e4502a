//! Winograd's transforms in the arithmetics that take the shortcut.

#![expect(private_interfaces, reason = "only this crate calls these")]

use super::{Forth, small, whole};
use crate::Level;
use crate::infer::arithmetic::rules::Rules;
use crate::infer::arithmetic::{Fused, Whole};
use crate::infer::lanes::Lanes;
use crate::infer::level_task::run_at;
use crate::simd::winograd as large;
use large::Line;

/// The transforms of F(OxO, 3x3), where I = O + 2: of tiles line by line, along columns first.
#[allow(unreachable_pub, reason = "a public type names it")]
pub trait Transforms<const I: usize, const O: usize>: Rules {
    fn input<L: Lanes>(x: [Self::X<L>; I]) -> [Self::X<L>; I];
    fn input_line<L: Lanes>(x: [Self::Line<L>; I]) -> [Self::Line<L>; I];
    fn output<L: Lanes>(m: [Self::S<L>; I]) -> [Self::S<L>; O];
    /// What an output must still undergo after both passes of [`Transforms::output`].
    fn settle<L: Lanes>(sum: Self::S<L>) -> Self::S<L>;
    /// Transforms tiles of pictures.
    fn forth(level: Level, of: Forth<'_, Self, I, O>) {
        run_at(level, of);
    }
    /// A kernel of 3x3.
    fn kernel(weight: [Self::Weight; 9]) -> [[Self::Operand; I]; I];
}

impl Transforms<4, 2> for Fused {
    #[inline(always)]
    fn input<L: Lanes>(x: [L; 4]) -> [L; 4] {
        small::input(x)
    }

    #[inline(always)]
    fn input_line<L: Lanes>(x: [L; 4]) -> [L; 4] {
        small::input(x)
    }

    #[inline(always)]
    fn output<L: Lanes>(m: [L; 4]) -> [L; 2] {
        small::output(m)
    }

    #[inline(always)]
    fn settle<L: Lanes>(sum: L) -> L {
        sum
    }

    fn kernel(weight: [f32; 9]) -> [[f32; 4]; 4] {
        small::kernel(weight)
    }
}

impl Transforms<6, 4> for Fused {
    #[inline(always)]
    fn input<L: Lanes>(x: [L; 6]) -> [L; 6] {
        large::Input::line(x)
    }

    #[inline(always)]
    fn input_line<L: Lanes>(x: [L; 6]) -> [L; 6] {
        large::Input::line(x)
    }

    #[inline(always)]
    fn output<L: Lanes>(m: [L; 6]) -> [L; 4] {
        large::Output::line(m)
    }

    #[inline(always)]
    fn settle<L: Lanes>(sum: L) -> L {
        sum
    }

    fn kernel(weight: [f32; 9]) -> [[f32; 6]; 6] {
        large::kernel(weight)
    }
}

impl Transforms<6, 4> for Whole {
    #[inline(always)]
    fn input<L: Lanes>(x: [L::Short; 6]) -> [L::Short; 6] {
        whole::input(x)
    }

    #[inline(always)]
    fn input_line<L: Lanes>(x: [L::Wide; 6]) -> [L::Wide; 6] {
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

    fn forth(level: Level, of: Forth<'_, Self, 6, 4>) {
        #[cfg(target_arch = "x86_64")]
        if level.runs(Level::Avx512) {
            return super::avx512::forth(level, of);
        }
        run_at(level, of);
    }

    fn kernel(weight: [i8; 9]) -> [[i16; 6]; 6] {
        whole::kernel(weight)
    }
}
