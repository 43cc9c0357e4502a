//! Pictures of bytes with the taps of a window's row side by side.

use core::ops::Range;

use alloc::vec::Vec;

use super::lanes::Lanes;
use super::level_task::Task;
use super::pitch;
use crate::conv::ConvShape;

/// What the bytes of a run are padded to, in a multiple.
pub(super) const STEP: usize = 64;

/// A picture as `[line][output column][tap][channel]`.
///
/// The windows of all outputs lie at one distance, whatever the kernel, its stride, dilation and
/// padding: window i starts at `i * stride`, and its rows, the runs, start there plus `runs`. To that
/// end lines stand in the order of their place modulo the stride downwards. A window's bytes stand
/// where they do in memory as many times as the kernel has columns.
#[derive(Debug)]
pub(super) struct Unrolled {
    width: usize,
    pitch: usize,
    columns: usize,
    taps: usize,
    left: usize,
    across: usize,
    apart: usize,
    /// For each line, which of the picture's it shows; none of the border.
    lines: Vec<Option<usize>>,
    /// Output columns whose windows lie within the picture, with their taps side by side.
    inner: Range<usize>,
    /// Bytes from one window to the next, and of a run with its padding.
    pub(super) stride: usize,
    /// Bytes of a run that count.
    pub(super) used: usize,
    /// Where the runs of the first window start.
    pub(super) runs: Vec<usize>,
}

impl Unrolled {
    pub(super) fn new(s: &ConvShape) -> Self {
        let ([down, across], [below, apart]) = (s.options.stride, s.options.dilation);
        let ([top, left], [rows, taps]) = (s.options.padding, s.kernel);
        let pitch = pitch(s.in_channels);
        let stride = (taps * pitch).next_multiple_of(STEP);
        let mut residues: Vec<usize> = (0..rows).map(|row| row * below % down).collect();
        residues.sort_unstable();
        residues.dedup();
        let (mut lines, mut runs) = (Vec::new(), alloc::vec![0; rows]);
        for residue in residues {
            let start = lines.len();
            let mut count = 0;
            for (row, run) in runs.iter_mut().enumerate() {
                if row * below % down == residue {
                    *run = (start + row * below / down) * s.out_width * stride;
                    count = row * below / down + s.out_height;
                }
            }
            let shown = |place: usize| (place * down + residue).checked_sub(top);
            lines.extend((0..count).map(|place| shown(place).filter(|&line| line < s.height)));
        }
        let is_inner = |column: usize| {
            let first = (column * across).checked_sub(left);
            (taps == 1 || apart == 1) && first.is_some_and(|first| first + taps <= s.width)
        };
        let first = (0..s.out_width).find(|&column| is_inner(column)).unwrap_or(0);
        let inner = (first..s.out_width).take_while(|&column| is_inner(column)).count();
        Self {
            width: s.width,
            pitch,
            columns: s.out_width,
            taps,
            left,
            across,
            apart,
            lines,
            inner: first..first + inner,
            stride,
            used: taps * pitch,
            runs,
        }
    }

    /// Bytes of a picture.
    pub(super) fn len(&self) -> usize {
        self.lines.len() * self.columns * self.stride
    }

    /// The run of one output near the border.
    fn near_border(&self, line: &[u8], zero: u8, column: usize, run: &mut [u8]) {
        for (tap, into) in run.chunks_exact_mut(self.pitch).take(self.taps).enumerate() {
            let at = (column * self.across + tap * self.apart).checked_sub(self.left);
            match at.filter(|&at| at < self.width) {
                Some(at) => into.copy_from_slice(&line[at * self.pitch..][..self.pitch]),
                None => into.fill(zero),
            }
        }
    }
}

/// Fills `into` from one picture; `zero` stands beyond the border.
pub(super) struct Unroll<'a> {
    pub(super) layout: &'a Unrolled,
    pub(super) from: &'a [u8],
    pub(super) zero: u8,
    pub(super) into: &'a mut [u8],
}

impl Task for Unroll<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        let l = self.layout;
        for (shown, into) in l.lines.iter().zip(self.into.chunks_exact_mut(l.columns * l.stride)) {
            let Some(line) = *shown else {
                into.fill(self.zero);
                continue;
            };
            let line = &self.from[line * l.width * l.pitch..][..l.width * l.pitch];
            for (column, run) in into.chunks_exact_mut(l.stride).enumerate() {
                if !l.inner.contains(&column) {
                    l.near_border(line, self.zero, column, run);
                }
            }
            if l.inner.is_empty() {
                continue;
            }
            // Column by column of registers, so that each move is of a fixed size.
            let line = &line[(l.inner.start * l.across - l.left) * l.pitch..];
            let into = &mut into[l.inner.start * l.stride..l.inner.end * l.stride];
            let mut at = 0;
            while at + 32 <= l.used {
                copy::<32>(line, l.across * l.pitch, into, l.stride, at);
                at += 32;
            }
            while at < l.used {
                copy::<8>(line, l.across * l.pitch, into, l.stride, at);
                at += 8;
            }
        }
    }
}

/// Copies bytes `at..at + N` of each run; runs are `step` apart in `from`, and `stride` in `into`.
#[inline(always)]
fn copy<const N: usize>(from: &[u8], step: usize, into: &mut [u8], stride: usize, at: usize) {
    for (i, into) in into.chunks_exact_mut(stride).enumerate() {
        into[at..at + N].copy_from_slice(&from[i * step + at..][..N]);
    }
}
