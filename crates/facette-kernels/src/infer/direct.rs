//! Convolutions of any geometry by plain sums.

use alloc::vec::Vec;

use super::arithmetic::Arithmetic;
use super::finish::Finish;
use super::level_task::run_at;
use super::padded::{Frame, Pad};
use super::panels::Panels;
use super::settle::{Settle, Sums};
use super::tile::{COLUMNS, Product, ROWS, Rows, Table};
use super::value::{Source, Target, Value};
use super::work::{Buffers, Needs};
use super::{LANES, pitch};
use crate::Level;
use crate::conv::ConvShape;

/// Output pixels computed at a time.
const BAND: usize = 16 * ROWS;

/// Values behind the last picture that a step may read, to multiply them by 0, and that padding is
/// written to.
const SLACK: usize = LANES;

/// A layer computed in this way.
#[derive(Debug)]
pub(super) struct Direct<A: Arithmetic> {
    frame: Frame,
    /// Whether pictures are read where they lie: no border, nothing to convert.
    in_place: bool,
    /// Where each output pixel's window starts in a picture with its border.
    windows: Vec<usize>,
    /// Where the runs of a window start in it.
    runs: Vec<usize>,
    /// Weights of each group.
    groups: Vec<Panels<A::Operand>>,
    inputs: usize,
    outputs: usize,
}

impl<A: Arithmetic> Direct<A> {
    pub(super) fn new(s: &ConvShape, weight: &[A::Weight]) -> Self {
        let (inputs, outputs) = (s.in_group(), s.out_group());
        let [kernel_rows, kernel_columns] = s.kernel;
        let [down, across] = s.options.dilation;
        let [top, left] = s.options.padding;
        let in_place = A::factors(&[]).is_some() && (top, left) == (0, 0);
        let reach = |axis: usize, outputs: usize| {
            (outputs - 1) * s.options.stride[axis]
                + (s.kernel[axis] - 1) * s.options.dilation[axis]
                + 1
        };
        let frame = Frame {
            height: s.height,
            width: s.width,
            pitch: pitch(s.in_channels),
            packed: if in_place { pitch(s.in_channels) } else { s.in_channels },
            top,
            left,
            rows: if in_place { s.height } else { reach(0, s.out_height).max(top + 1) },
            columns: if in_place { s.width } else { reach(1, s.out_width).max(left + 1) },
        };
        let [stride_down, stride_across] = s.options.stride;
        let windows = (0..s.out_height * s.out_width)
            .map(|i| [i / s.out_width * stride_down, i % s.out_width * stride_across])
            .map(|[y, x]| (y * frame.columns + x) * frame.packed)
            .collect();
        // Taps side by side make one run where no padding of the channels lies between them.
        let joined = s.options.groups == 1 && across == 1 && frame.packed == inputs;
        let run_columns = if joined { kernel_columns } else { 1 };
        let row_runs = kernel_columns / run_columns;
        let runs: Vec<usize> = (0..kernel_rows * row_runs)
            .map(|run| [run / row_runs * down, run % row_runs * across])
            .map(|[y, x]| (y * frame.columns + x) * frame.packed)
            .collect();
        let groups = (0..s.options.groups)
            .flat_map(|group| {
                Panels::new(outputs, runs.len(), run_columns * inputs, A::STEP, |o, run, k| {
                    let output = group * outputs + o;
                    let tap = run * run_columns + k / inputs;
                    [[A::factor(weight[(output * inputs + k % inputs) * s.taps() + tap])]]
                })
            })
            .collect();
        Self { frame, in_place, windows, runs, groups, inputs, outputs }
    }

    pub(super) fn needs(&self, batch: usize) -> Needs {
        let pictures = if self.in_place { 0 } else { batch * self.frame.len() + SLACK };
        Needs { pictures, tiles: 0, sums: BAND * COLUMNS }
    }

    #[expect(clippy::too_many_arguments, reason = "what a layer reads, writes and works in")]
    pub(super) fn run<R: Value, Y: Value>(
        &self,
        level: Level,
        batch: usize,
        unit: f32,
        x: Source<'_, A::Source>,
        residual: Option<Source<'_, R>>,
        finish: &Finish,
        y: Target<'_, Y>,
        buffers: &mut Buffers<A::Operand, A::Sum>,
    ) {
        let source = match A::factors(x.values).filter(|_| self.in_place) {
            Some(factors) => factors,
            None => {
                let into = &mut buffers.pictures[..batch * self.frame.len() + SLACK];
                run_at(level, Pad::<A> { from: x, into, frame: &self.frame, unit });
                &buffers.pictures[..batch * self.frame.len() + SLACK]
            }
        };
        let tiles = A::tiles(Table::of(level));
        let sums = &mut buffers.sums[..];
        let lone = self.groups.len() == 1;
        let mut settle = Settle::new::<A>(level, lone, residual, finish, y);
        let area = self.windows.len();
        for first in (0..batch * area).step_by(BAND) {
            let count = BAND.min(batch * area - first);
            let mut rows = [0; BAND];
            let (mut picture, mut window) = (first / area * self.frame.len(), first % area);
            let mut left = &mut rows[..count];
            while !left.is_empty() {
                let windows = &self.windows[window..area.min(window + left.len())];
                let (those, behind) = left.split_at_mut(windows.len());
                those.iter_mut().zip(windows).for_each(|(row, &window)| *row = picture + window);
                (left, picture, window) = (behind, picture + self.frame.len(), 0);
            }
            let rows = Rows::new(&rows[..count]);
            for (group, panels) in self.groups.iter().enumerate() {
                for panel in panels.iter() {
                    let source = &source[group * self.inputs..];
                    tiles.run(
                        panel.columns,
                        &mut Product {
                            source,
                            rows,
                            runs: &self.runs,
                            steps: panels.steps(),
                            weight: panel.weight,
                            into: sums,
                            pitch: COLUMNS,
                        },
                    );
                    let channel = group * self.outputs + panel.first;
                    settle.run::<A>(Sums {
                        sums: &sums[..count * COLUMNS],
                        channel,
                        left: self.outputs - panel.first,
                        pixel: first,
                    });
                }
            }
        }
    }
}
