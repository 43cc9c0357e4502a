//! Convolutions of bytes by int8 weights, four products in a lane at once.
//!
//! Instructions that multiply bytes want unsigned by signed ones (VNNI, AMX) or signed by signed ones
//! (NEON, for which 128 is taken off each byte by flipping its first bit), so that the byte that
//! stands for 0 cannot be taken off first: `sum (x - zero) w = sum (x - t) w + (t - zero) sum w`, of
//! which the last is where the sums start. All of it is exact, modulo 2^32 as everywhere, so that the
//! results are those of the other methods.

use alloc::vec;
use alloc::vec::Vec;

use super::aligned::Aligned;
use super::arithmetic::Whole;
use super::direct::Settle;
use super::dot::{BAND, ByteProducts, COLUMNS, DEPTH, Dot};
use super::finish::Finish;
use super::level_task::run_at;
use super::pitch;
use super::value::{Source, Target, Value};
use super::work::Work;
use crate::Level;
use crate::conv::ConvShape;

/// A layer computed in this way.
#[derive(Debug)]
pub(super) struct Bytes {
    shape: ConvShape,
    /// Weights a row of the product, padded to whole steps.
    depth: usize,
    /// Panels of a group.
    panels: usize,
    /// `[group][panel][depth / 4][COLUMNS][4]`
    weight: Aligned<i8>,
    /// The sum of each output's weights, `[group][panel][COLUMNS]`.
    totals: Vec<i32>,
}

impl Bytes {
    /// `None` for layers that gain nothing, and on processors without such instructions.
    pub(super) fn new(s: &ConvShape, weight: &[i8]) -> Option<Self> {
        let used = Level::available().iter().any(|&level| ByteProducts::of(level).is_some());
        (used && !s.is_depthwise()).then(|| Self::pack(s, weight))
    }

    fn pack(s: &ConvShape, weight: &[i8]) -> Self {
        let (inputs, outputs, taps) = (s.in_group(), s.out_group(), s.taps());
        let depth = (inputs * taps).next_multiple_of(DEPTH);
        let panels = outputs.div_ceil(COLUMNS);
        let mut packed = Aligned::new(s.options.groups * panels * depth * COLUMNS);
        let mut totals = vec![0; s.options.groups * panels * COLUMNS];
        for (output, row) in weight.chunks_exact(inputs * taps).enumerate() {
            let (group, within) = (output / outputs, output % outputs);
            let panel = group * panels + within / COLUMNS;
            let column = within % COLUMNS;
            for (i, &weight) in row.iter().enumerate() {
                let k = i % taps * inputs + i / taps;
                let at = (panel * depth / 4 + k / 4) * COLUMNS + column;
                packed.as_mut_slice()[4 * at + k % 4] = weight;
            }
            totals[panel * COLUMNS + column] = row.iter().map(|&w| i32::from(w)).sum();
        }
        Self { shape: *s, depth, panels, weight: packed, totals }
    }

    /// Makes room in `work`.
    pub(super) fn reserve(&self, work: &mut Work) {
        work.rows.reserve(BAND * self.depth);
        work.starts.reserve(self.panels * COLUMNS);
        work.whole.sums.reserve(self.panels * BAND * COLUMNS);
    }

    #[expect(clippy::too_many_arguments, reason = "what a layer reads, writes and works in")]
    pub(super) fn run<R: Value, Y: Value>(
        &self,
        level: Level,
        products: ByteProducts,
        batch: usize,
        x: Source<'_, u8>,
        residual: Option<Source<'_, R>>,
        finish: &Finish,
        y: Target<'_, Y>,
        work: &mut Work,
    ) {
        let (s, zero) = (&self.shape, x.code.zero());
        let rows = &mut work.rows.as_mut_slice()[..BAND * self.depth];
        let starts = &mut work.starts.as_mut_slice()[..self.panels * COLUMNS];
        let sums = &mut work.whole.sums.as_mut_slice()[..self.panels * BAND * COLUMNS];
        let pixels = batch * s.out_height * s.out_width;
        for first in (0..pixels).step_by(BAND) {
            let count = BAND.min(pixels - first);
            for group in 0..s.options.groups {
                for (i, row) in rows.chunks_exact_mut(self.depth).take(count).enumerate() {
                    self.gather(x.values, zero, group, first + i, row);
                }
                let totals = &self.totals[group * starts.len()..][..starts.len()];
                for (start, total) in starts.iter_mut().zip(totals) {
                    *start = total.wrapping_mul(i32::from(products.taken) - i32::from(zero));
                }
                let weight = self.panels * self.depth * COLUMNS;
                let weight = &self.weight.as_slice()[group * weight..][..weight];
                let mut product =
                    Dot { rows, count, depth: self.depth, weight, starts, into: &mut *sums };
                product.check();
                // SAFETY: the extents were just checked, and the table has given out the loop for a
                // level that this processor has.
                unsafe { (products.dot)(&mut product) };
                for (panel, sums) in sums.chunks_exact(BAND * COLUMNS).enumerate() {
                    let channel = panel * COLUMNS;
                    let settle = Settle::<Whole, R, Y> {
                        sums,
                        first,
                        count,
                        channels: [group * s.out_group() + channel, s.out_group() - channel],
                        lone: s.options.groups == 1,
                        residual,
                        finish,
                        y: Target { values: &mut *y.values, code: y.code },
                    };
                    run_at(level, settle);
                }
            }
        }
    }

    /// The values under the window of one output pixel, tap by tap; `zero` beyond the border.
    fn gather(&self, x: &[u8], zero: u8, group: usize, pixel: usize, row: &mut [u8]) {
        let s = &self.shape;
        let (inputs, pitch) = (s.in_group(), pitch(s.in_channels));
        let (column, line) = (pixel % s.out_width, pixel / s.out_width % s.out_height);
        let picture = pixel / (s.out_width * s.out_height);
        let place = |axis: usize, at: usize, tap: usize, size: usize| {
            let o = &s.options;
            let at = at * o.stride[axis] + tap * o.dilation[axis];
            at.checked_sub(o.padding[axis]).filter(|&at| at < size)
        };
        let mut taps = row.chunks_exact_mut(inputs);
        for i in 0..s.kernel[0] {
            let from_line = place(0, line, i, s.height);
            for j in 0..s.kernel[1] {
                let into = taps.next().expect("a row holds every tap");
                match (from_line, place(1, column, j, s.width)) {
                    (Some(i), Some(j)) => {
                        let at = ((picture * s.height + i) * s.width + j) * pitch;
                        into.copy_from_slice(&x[at + group * inputs..][..inputs]);
                    }
                    _ => into.fill(zero),
                }
            }
        }
    }
}
