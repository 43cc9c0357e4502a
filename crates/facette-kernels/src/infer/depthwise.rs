//! Convolutions in which every channel sees only itself.

#![allow(clippy::manual_map, reason = "closures are not inlined, and thus not vectorised")]

use alloc::{vec, vec::Vec};

use super::arithmetic::Arithmetic;
use super::finish::Finish;
use super::lanes::Lanes;
use super::level_task::Task;
use super::value::{Source, Target, Value};
use super::{LANES, pitch};
use crate::conv::ConvShape;

/// A layer computed in this way.
#[derive(Debug)]
pub(super) struct Depthwise<A: Arithmetic> {
    shape: ConvShape,
    /// `[tap][channel]`, channels padded.
    weight: Vec<A::Operand>,
}

impl<A: Arithmetic> Depthwise<A> {
    pub(super) fn new(shape: &ConvShape, weight: &[A::Weight]) -> Self {
        let pitch = pitch(shape.in_channels);
        let mut packed = vec![A::Operand::default(); shape.taps() * pitch];
        for (i, &weight) in weight.iter().enumerate() {
            packed[i % shape.taps() * pitch + i / shape.taps()] = A::factor(weight);
        }
        Self { shape: *shape, weight: packed }
    }
}

/// One run of a [`Depthwise`] layer.
pub(super) struct Run<'a, A: Arithmetic, R: Value, Y: Value> {
    pub(super) layer: &'a Depthwise<A>,
    pub(super) batch: usize,
    pub(super) unit: f32,
    pub(super) x: Source<'a, A::Source>,
    pub(super) residual: Option<Source<'a, R>>,
    pub(super) finish: &'a Finish,
    pub(super) y: Target<'a, Y>,
}

impl<A: Arithmetic, R: Value, Y: Value> Task for Run<'_, A, R, Y> {
    #[inline(always)]
    fn run<L: Lanes>(mut self) {
        let s = &self.layer.shape;
        let (pitch, steps) = (pitch(s.in_channels), self.y.unit());
        for picture in 0..self.batch {
            let x = &self.x.values[picture * s.height * s.width * pitch..];
            for row in 0..s.out_height {
                let rows = taps(s, 0, row, s.height);
                for column in 0..s.out_width {
                    let columns = taps(s, 1, column, s.width);
                    let pixel = (picture * s.out_height + row) * s.out_width + column;
                    for c in (0..pitch).step_by(LANES) {
                        let mut sum = A::sums::<L>(&[A::Sum::default(); 8]);
                        for i in rows.clone() {
                            let y = row * s.options.stride[0] + i * s.options.dilation[0]
                                - s.options.padding[0];
                            for j in columns.clone() {
                                let z = column * s.options.stride[1] + j * s.options.dilation[1]
                                    - s.options.padding[1];
                                let x = &x[(y * s.width + z) * pitch + c..][..LANES];
                                let tap = (i * s.kernel[1] + j) * pitch + c;
                                let w = &self.layer.weight[tap..][..LANES];
                                let x = x.try_into().expect("a range of eight");
                                let w = w.try_into().expect("a range of eight");
                                let x = A::operands::<L>(x, self.x.code, self.unit);
                                sum = A::multiply_add::<L>(x, A::read::<L>(w), sum);
                            }
                        }
                        let at = pixel * pitch + c;
                        let residual = match &self.residual {
                            Some(residual) => Some(residual.lanes(at, steps)),
                            None => None,
                        };
                        let finish = self.finish.at::<L>(c, steps);
                        self.y.put(at, LANES, finish.of(A::real::<L>(sum), residual));
                    }
                }
            }
        }
    }
}

/// The taps of an output position that lie on the picture.
#[inline(always)]
fn taps(s: &ConvShape, axis: usize, at: usize, size: usize) -> core::ops::Range<usize> {
    let (padding, dilation) = (s.options.padding[axis], s.options.dilation[axis]);
    let start = at * s.options.stride[axis];
    let first = padding.saturating_sub(start).div_ceil(dilation);
    let end = (size + padding).saturating_sub(start).div_ceil(dilation);
    first..end.min(s.kernel[axis]).max(first)
}
