//! Which size of tiles an arithmetic takes Winograd's shortcut with, and when.

#![expect(private_interfaces, reason = "only this crate calls these")]

use core::convert::Infallible;
use core::fmt::Debug;

use super::{Winograd, whole};
use crate::Level;
use crate::conv::ConvShape;
use crate::infer::arithmetic::rules::Rules;
use crate::infer::arithmetic::{Fused, Whole};
use crate::infer::direct::Direct;
use crate::infer::finish::Finish;
use crate::infer::value::{Source, Target, Value};
use crate::infer::work::{Buffers, Needs};

/// A layer computed by Winograd's shortcut as an arithmetic takes it.
pub trait Shortcut<A: Rules>: Debug + Send + Sync + Sized {
    /// `None` where the layer cannot or should not be computed in this way.
    fn new(s: &ConvShape, weight: &[A::Weight]) -> Option<Self>;

    /// Whether a batch of so many pictures has tiles enough for the transformed weights to be worth
    /// loading, and at least this many input channels.
    fn pays(&self, batch: usize, channels: usize) -> bool;

    fn needs(&self, batch: usize) -> Needs;

    #[expect(clippy::too_many_arguments, reason = "what a layer reads, writes and works in")]
    fn run<R: Value, Y: Value>(
        &self,
        level: Level,
        batch: usize,
        x: Source<'_, A::Source>,
        residual: Option<Source<'_, R>>,
        finish: &Finish,
        y: Target<'_, Y>,
        buffers: &mut Buffers<A::Operand, A::Sum>,
    );
}

/// The arithmetic without it.
impl<A: Rules> Shortcut<A> for Infallible {
    fn new(_: &ConvShape, _: &[A::Weight]) -> Option<Self> {
        None
    }

    fn pays(&self, _: usize, _: usize) -> bool {
        match *self {}
    }

    fn needs(&self, _: usize) -> Needs {
        match *self {}
    }

    fn run<R: Value, Y: Value>(
        &self,
        _: Level,
        _: usize,
        _: Source<'_, A::Source>,
        _: Option<Source<'_, R>>,
        _: &Finish,
        _: Target<'_, Y>,
        _: &mut Buffers<A::Operand, A::Sum>,
    ) {
        match *self {}
    }
}

/// Floats: the size of tiles follows from the layer's shape alone, since it shows in the rounding,
/// and a picture's result must not depend on the pictures beside it.
#[derive(Debug)]
pub enum ByShape {
    /// For maps of one large tile, each of whose 36 points would load its weights for one row: four
    /// small tiles share those of 16.
    Small(Winograd<Fused, 4, 2>),
    /// For all others.
    Large(Winograd<Fused, 6, 4>),
}

impl Shortcut<Fused> for ByShape {
    fn new(s: &ConvShape, weight: &[f32]) -> Option<Self> {
        let one_tile = s.out_height.max(s.out_width) <= 4;
        Winograd::<Fused, 6, 4>::pays(s).then(|| match one_tile {
            true => Self::Small(Winograd::new(s, weight)),
            false => Self::Large(Winograd::new(s, weight)),
        })
    }

    fn pays(&self, _: usize, _: usize) -> bool {
        true
    }

    fn needs(&self, batch: usize) -> Needs {
        match self {
            Self::Small(layer) => layer.needs(batch),
            Self::Large(layer) => layer.needs(batch),
        }
    }

    fn run<R: Value, Y: Value>(
        &self,
        level: Level,
        batch: usize,
        x: Source<'_, f32>,
        residual: Option<Source<'_, R>>,
        finish: &Finish,
        y: Target<'_, Y>,
        buffers: &mut Buffers<f32, f32>,
    ) {
        match self {
            Self::Small(layer) => layer.run(level, batch, x, residual, finish, y, buffers),
            Self::Large(layer) => layer.run(level, batch, x, residual, finish, y, buffers),
        }
    }
}

/// Whole numbers: the result is the same to the byte in any way.
#[derive(Debug)]
pub struct ByBatch {
    many: Winograd<Whole, 6, 4>,
    /// For so few tiles that to load the transformed weights would take longer than to multiply
    /// plainly.
    few: Option<Direct<Whole>>,
}

/// Tiles from which on the transformed weights pay for being loaded.
const MANY: usize = 4;

impl Shortcut<Whole> for ByBatch {
    fn new(s: &ConvShape, weight: &[i8]) -> Option<Self> {
        let sum = |kernel: &[i8]| kernel.iter().map(|w| u32::from(w.unsigned_abs())).sum::<u32>();
        let pays = Winograd::<Whole, 6, 4>::pays(s)
            && weight.chunks_exact(9 * s.in_channels).all(|kernel| sum(kernel) <= whole::LIMIT);
        pays.then(|| {
            let many = Winograd::new(s, weight);
            let few = (many.tiles() < MANY).then(|| Direct::new(s, weight));
            Self { many, few }
        })
    }

    fn pays(&self, batch: usize, channels: usize) -> bool {
        batch * self.many.tiles() >= MANY && self.many.inputs >= channels
    }

    fn needs(&self, batch: usize) -> Needs {
        match &self.few {
            Some(few) => self.many.needs(batch).max(few.needs(batch)),
            None => self.many.needs(batch),
        }
    }

    fn run<R: Value, Y: Value>(
        &self,
        level: Level,
        batch: usize,
        x: Source<'_, u8>,
        residual: Option<Source<'_, R>>,
        finish: &Finish,
        y: Target<'_, Y>,
        buffers: &mut Buffers<i16, i32>,
    ) {
        match &self.few {
            Some(few) if !self.pays(batch, 0) => {
                few.run(level, batch, 1.0, x, residual, finish, y, buffers);
            }
            _ => self.many.run(level, batch, x, residual, finish, y, buffers),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::conv::ConvOptions;

    #[test]
    fn maps_of_one_large_tile_take_small_ones() {
        for (size, small) in [
            ([4, 4], Some(true)),
            ([3, 3], Some(true)),
            ([2, 4], Some(true)),
            ([4, 5], Some(false)),
            ([4, 8], Some(false)),
            ([8, 8], Some(false)),
            ([2, 2], None),
            ([1, 1], None),
        ] {
            let o = ConvOptions { padding: [1, 1], ..ConvOptions::default() };
            let s = ConvShape::new([1, 8, size[0], size[1]], 8, [3, 3], o).unwrap();
            let taken = ByShape::new(&s, &vec![0.0; s.weight_len()]);
            assert_eq!(taken.map(|way| matches!(way, ByShape::Small(_))), small, "{size:?}");
        }
    }
}
