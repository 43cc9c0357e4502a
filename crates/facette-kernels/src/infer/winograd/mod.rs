//! Convolutions of 3x3 with stride 1 by Winograd's shortcut F(4x4, 3x3), 36 products for 16 outputs
//! in the place of 144, or F(2x2, 3x3), 16 products for 4 outputs in the place of 36.
//!
//! Tiles of 6x6 or 4x4 pixels are transformed, multiplied point by point with the transformed kernel,
//! which makes 36 or 16 products of matrices, and transformed back to 4x4 or 2x2 pixels.

#![allow(clippy::needless_range_loop, clippy::manual_map, reason = "closures are not inlined")]

use alloc::vec::Vec;

#[cfg(target_arch = "x86_64")]
mod avx512;
mod shortcut;
mod small;
#[cfg(test)]
mod tests;
mod transforms;
mod whole;

pub(super) use shortcut::{ByBatch, ByShape, Shortcut};
use transforms::Transforms;

use super::arithmetic::rules::Rules;
use super::finish::Finish;
use super::lanes::Lanes;
use super::level_task::{Task, run_at};
use super::padded::{Frame, Pad};
use super::panels::Panels;
use super::settle::{Columns, Settle};
use super::tile::{Product, ROWS, Rows, Table};
use super::value::{Source, Target, Value};
use super::work::{Buffers, Needs};
use super::{LANES, pitch};
use crate::Level;
use crate::conv::ConvShape;

/// Bytes of transformed tiles and products that are to stay in the second-level cache.
const BLOCK: usize = 128 << 10;

/// A layer computed in tiles of OxO outputs; I = O + 2.
#[derive(Debug)]
pub struct Winograd<A: Transforms<I, O>, const I: usize, const O: usize> {
    frame: Frame,
    grid: Grid,
    /// Transformed weights of each point.
    points: Vec<Panels<A::Operand>>,
    inputs: usize,
    outputs: usize,
    /// Tiles computed at a time.
    block: usize,
    /// Pictures whose borders are drawn at a time: as many as fill a block.
    pictures: usize,
    /// Where each tile of a block starts among the transformed tiles.
    rows: Vec<usize>,
}

/// The tiles of a layer's output.
#[derive(Debug, Clone, Copy)]
struct Grid {
    /// Tiles down and across a picture, and the rows and columns of each.
    tiles: [usize; 2],
    outputs: usize,
    /// Rows and columns of a picture.
    size: [usize; 2],
}

impl Grid {
    /// Tiles of one picture.
    fn len(&self) -> usize {
        self.tiles[0] * self.tiles[1]
    }

    /// Picture, first row and first column of a tile.
    #[inline(always)]
    fn place(&self, tile: usize) -> [usize; 3] {
        let [down, across] = self.tiles;
        [tile / (down * across), tile / across % down * self.outputs, tile % across * self.outputs]
    }
}

impl<A: Transforms<I, O>, const I: usize, const O: usize> Winograd<A, I, O> {
    const POINTS: usize = I * I;

    /// Whether a layer of this shape can and should be computed in this way.
    fn pays(s: &ConvShape) -> bool {
        let plain = s.kernel == [3, 3]
            && s.options.stride == [1, 1]
            && s.options.dilation == [1, 1]
            && s.options.groups == 1
            && s.options.padding[0] <= 2
            && s.options.padding[1] <= 2;
        let tiles = s.out_height.div_ceil(O) * s.out_width.div_ceil(O);
        let fewer = 2 * Self::POINTS * tiles <= 9 * s.out_height * s.out_width;
        plain && fewer && s.in_channels.min(s.out_channels) >= LANES
    }

    fn new(s: &ConvShape, weight: &[A::Weight]) -> Self {
        let (inputs, outputs) = (s.in_channels, s.out_channels);
        let tiles = [s.out_height.div_ceil(O), s.out_width.div_ceil(O)];
        let kernels = weight.as_chunks::<9>().0;
        let points =
            Panels::new(outputs, 1, inputs, A::STEP, |o, _, i| A::kernel(kernels[o * inputs + i]));
        let tile = Self::POINTS
            * (pitch(inputs) * size_of::<A::Operand>() + pitch(outputs) * size_of::<A::Sum>());
        let block = (BLOCK / tile / ROWS * ROWS).clamp(2 * ROWS, 8 * ROWS);
        Self {
            frame: Frame {
                height: s.height,
                width: s.width,
                pitch: pitch(inputs),
                packed: pitch(inputs),
                top: s.options.padding[0],
                left: s.options.padding[1],
                rows: O * tiles[0] + 2,
                columns: O * tiles[1] + 2,
            },
            grid: Grid { tiles, outputs: O, size: [s.out_height, s.out_width] },
            points,
            inputs,
            outputs,
            block,
            pictures: (block / (tiles[0] * tiles[1])).max(1),
            rows: (0..block).map(|i| i * Self::POINTS * pitch(inputs)).collect(),
        }
    }

    /// Tiles of one picture.
    fn tiles(&self) -> usize {
        self.grid.len()
    }

    fn needs(&self, batch: usize) -> Needs {
        let pictures = self.pictures.min(batch);
        let block = self.block.min(pictures * self.tiles());
        Needs {
            pictures: pictures * self.frame.len(),
            tiles: Self::POINTS * block * pitch(self.inputs),
            sums: Self::POINTS * block * pitch(self.outputs),
        }
    }

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
    ) {
        let mut settle = Settle::new::<A>(level, true, residual, finish, y);
        let inner = self.frame.inner();
        for before in (0..batch).step_by(self.pictures) {
            let number = self.pictures.min(batch - before);
            let from = Source { values: &x.values[before * inner..][..number * inner], ..x };
            let pictures = &mut buffers.pictures[..number * self.frame.len()];
            run_at(level, Pad::<A> { from, into: pictures, frame: &self.frame, unit: 1.0 });
            let total = number * self.tiles();
            for first in (0..total).step_by(self.block) {
                let count = self.block.min(total - first);
                let tiles = &mut buffers.tiles[..];
                A::forth(level, Forth { layer: self, pictures, first, count, into: tiles });
                let sums = &mut buffers.sums[..];
                self.multiply(level, count, tiles, sums);
                let first = before * self.tiles() + first;
                match &mut settle {
                    #[cfg(target_arch = "x86_64")]
                    Settle::Sixteen(of) => {
                        if let Some(sums) = A::ints(sums) {
                            avx512::back(Part { grid: self.grid, sums, first, count }, of);
                        }
                    }
                    Settle::Lanes(level, columns) => {
                        let part = Part { grid: self.grid, sums, first, count };
                        run_at(*level, Back::<A, R, Y, I, O> { part, columns });
                    }
                }
            }
        }
    }

    /// The products of `count` transformed tiles, `[tile][point][channel]` both.
    fn multiply(&self, level: Level, count: usize, source: &[A::Operand], sums: &mut [A::Sum]) {
        let tiles = A::tiles(Table::of(level));
        let rows = Rows::new(&self.rows[..count]);
        let outputs = pitch(self.outputs);
        for (point, panels) in self.points.iter().enumerate() {
            for panel in panels.iter() {
                tiles.run(
                    panel.columns,
                    &mut Product {
                        source: &source[point * pitch(self.inputs)..],
                        rows,
                        runs: &[0],
                        steps: panels.steps(),
                        weight: panel.weight,
                        into: &mut sums[point * outputs + panel.first..],
                        pitch: Self::POINTS * outputs,
                    },
                );
            }
        }
    }
}

/// Transforms `count` tiles from `first` on to `[tile][point][channel]`.
struct Forth<'a, A: Transforms<I, O>, const I: usize, const O: usize> {
    layer: &'a Winograd<A, I, O>,
    pictures: &'a [A::Operand],
    first: usize,
    count: usize,
    into: &'a mut [A::Operand],
}

impl<A: Transforms<I, O>, const I: usize, const O: usize> Task for Forth<'_, A, I, O> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self { layer, pictures, first, count, into } = self;
        let frame = &layer.frame;
        let row = frame.columns * frame.pitch;
        let lines = frame.pitch / A::LINE * A::LINE;
        for i in 0..count {
            let [picture, top, left] = layer.grid.place(first + i);
            let start = picture * frame.len() + top * row + left * frame.pitch;
            // Loops without closures, which would not be inlined and thus not be vectorised.
            macro_rules! transform {
                ($channels:expr, $width:expr, $read:expr, $input:expr, $write:expr) => {
                    for c in $channels.step_by($width) {
                        let tile = &pictures[start + c..][..(I - 1) * (row + frame.pitch) + $width];
                        let mut lines = [[$read(tile); I]; I];
                        for j in 0..I {
                            let mut column = lines[0];
                            for (i, value) in column.iter_mut().enumerate() {
                                *value = $read(&tile[i * row + j * frame.pitch..]);
                            }
                            column = $input(column);
                            for r in 0..I {
                                lines[r][j] = column[r];
                            }
                        }
                        for r in 0..I {
                            let line = $input(lines[r]);
                            for j in 0..I {
                                let at = (i * I * I + r * I + j) * frame.pitch + c;
                                $write(line[j], &mut into[at..]);
                            }
                        }
                    }
                };
            }
            transform!(
                (0..lines),
                A::LINE,
                A::read_line::<L>,
                A::input_line::<L>,
                A::write_line::<L>
            );
            transform!(
                (lines..frame.pitch),
                LANES,
                read_eight::<A, L>,
                A::input::<L>,
                write_eight::<A, L>
            );
        }
    }
}

#[inline(always)]
fn read_eight<A: Rules, L: Lanes>(from: &[A::Operand]) -> A::X<L> {
    A::read::<L>(eight(from, 0))
}

#[inline(always)]
fn write_eight<A: Rules, L: Lanes>(lanes: A::X<L>, into: &mut [A::Operand]) {
    into[..8].copy_from_slice(&A::write::<L>(lanes));
}

/// The sums of `count` tiles from `first` on, of all pictures, `[tile][point][channel]`.
struct Part<'a, S> {
    grid: Grid,
    sums: &'a [S],
    first: usize,
    count: usize,
}

/// Transforms sums back, and finishes them.
struct Back<'a, 'b, A: Transforms<I, O>, R: Value, Y: Value, const I: usize, const O: usize> {
    part: Part<'b, A::Sum>,
    columns: &'b mut Columns<'a, R, Y>,
}

impl<A, R, Y, const I: usize, const O: usize> Task for Back<'_, '_, A, R, Y, I, O>
where
    A: Transforms<I, O>,
    R: Value,
    Y: Value,
{
    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Part { grid, sums, first, count } = self.part;
        let Columns { residual, finish, y, .. } = self.columns;
        let pitch = pitch(finish.channels());
        let [height, width] = grid.size;
        let unit = y.unit();
        for i in 0..count {
            let [picture, top, left] = grid.place(first + i);
            for c in (0..pitch).step_by(LANES) {
                let finish = finish.at::<L>(c, unit);
                let mut lines = [[A::sums::<L>(&[A::Sum::default(); 8]); I]; O];
                for j in 0..I {
                    let mut column = lines[0];
                    for (r, value) in column.iter_mut().enumerate() {
                        let at = (i * I * I + r * I + j) * pitch + c;
                        *value = A::sums::<L>(eight(sums, at));
                    }
                    let column = A::output::<L>(column);
                    for r in 0..O {
                        lines[r][j] = column[r];
                    }
                }
                for r in 0..O.min(height - top) {
                    let line = A::output::<L>(lines[r]);
                    for j in 0..O.min(width - left) {
                        let at = ((picture * height + top + r) * width + left + j) * pitch + c;
                        let residual = match residual {
                            Some(residual) => Some(residual.lanes(at, unit)),
                            None => None,
                        };
                        let sum = A::real::<L>(A::settle::<L>(line[j]));
                        y.put(at, 8, finish.of(sum, residual));
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn eight<T>(from: &[T], at: usize) -> &[T; 8] {
    from[at..at + 8].try_into().expect("a range of eight")
}
