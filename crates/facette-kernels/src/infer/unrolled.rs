//! Pictures of bytes laid out so that windows lie at one distance from each other.

use alloc::vec::Vec;

use super::dot::ROWS;
use super::lanes::Lanes;
use super::level_task::Task;
use super::{LANES, pitch};
use crate::conv::ConvShape;

/// What the bytes of a run are padded to, in a multiple.
pub(super) const STEP: usize = 64;

/// How the lines of pictures are laid out.
///
/// The windows of outputs side by side lie at one distance, whatever the kernel, its stride, dilation
/// and padding, and those of outputs below each other, too: window (y, x) starts at
/// `y * line + x * stride`, and its rows, the runs, start there plus `runs`. To that end lines stand in
/// the order of their place modulo the stride downwards.
///
/// Where steps across are of one pixel and lines full of tiles, a line stands as it is, between its
/// borders, and windows overlap. Otherwise it is unrolled, `[output column][tap][channel]`: a
/// window's bytes stand where they do in memory as many times as the kernel has columns, but a tile
/// may go on from one line to the next.
#[derive(Debug)]
pub(super) struct Unrolled {
    width: usize,
    pitch: usize,
    left: usize,
    /// Bytes of a line of the picture between its borders, as far as windows reach.
    bordered: usize,
    /// Bytes from one output column to the next in such a line.
    step: usize,
    /// Bytes from one tap to the next in such a line.
    tap: usize,
    taps: usize,
    /// Whether lines stand as they are.
    as_it_is: bool,
    /// For each line, which of the picture's it shows; none of the border.
    lines: Vec<Option<usize>>,
    /// Parts of a picture whose windows lie at one distance: lines of the result, or all of it.
    pub(super) parts: usize,
    /// Bytes of a line as it is laid out.
    pub(super) line: usize,
    /// Bytes from one window to the next in a line.
    pub(super) stride: usize,
    /// Bytes of a run that count.
    pub(super) used: usize,
    /// Bytes of a run with its padding.
    pub(super) run: usize,
    /// Where the runs of the first window start.
    pub(super) runs: Vec<usize>,
}

impl Unrolled {
    pub(super) fn new(s: &ConvShape) -> Self {
        let ([down, across], [below, apart]) = (s.options.stride, s.options.dilation);
        let ([top, left], [rows, taps]) = (s.options.padding, s.kernel);
        let pitch = pitch(s.in_channels);
        let reach = (s.out_width - 1) * across + (taps - 1) * apart + 1;
        let (used, bordered) = (taps * pitch, reach * pitch);
        let run = used.next_multiple_of(STEP);
        let as_it_is = across == 1 && apart == 1 && s.out_width.is_multiple_of(ROWS);
        let [line, stride] = if as_it_is { [bordered, pitch] } else { [s.out_width * run, run] };
        let mut residues: Vec<usize> = (0..rows).map(|row| row * below % down).collect();
        residues.sort_unstable();
        residues.dedup();
        let (mut lines, mut runs) = (Vec::new(), alloc::vec![0; rows]);
        for residue in residues {
            let start = lines.len();
            let mut count = 0;
            for (row, run) in runs.iter_mut().enumerate() {
                if row * below % down == residue {
                    *run = (start + row * below / down) * line;
                    count = row * below / down + s.out_height;
                }
            }
            let shown = |place: usize| (place * down + residue).checked_sub(top);
            lines.extend((0..count).map(|place| shown(place).filter(|&line| line < s.height)));
        }
        Self {
            width: s.width,
            pitch,
            left,
            bordered,
            step: across * pitch,
            tap: apart * pitch,
            taps,
            as_it_is,
            lines,
            parts: if as_it_is { s.out_height } else { 1 },
            line,
            stride,
            used,
            run,
            runs,
        }
    }

    /// Bytes of a picture.
    pub(super) fn len(&self) -> usize {
        self.lines.len() * self.line
    }

    /// Bytes behind the last picture that tiles reach into.
    pub(super) fn slack(&self) -> usize {
        (ROWS - 1) * self.stride + self.run
    }

    /// Bytes of a line between its borders, where one has to be drawn before it is unrolled, as far
    /// as whole runs are read; what follows it starts with a cache line.
    pub(super) fn border(&self) -> usize {
        let last = (self.line / self.run).saturating_sub(1) * self.step;
        let reach = self.bordered.max(last + self.run);
        let within = self.left == 0 && reach <= self.width * self.pitch;
        if self.as_it_is || within { 0 } else { reach.next_multiple_of(STEP) }
    }
}

/// Fills `into` from one picture; `zero` stands beyond the border.
pub(super) struct Unroll<'a> {
    pub(super) layout: &'a Unrolled,
    pub(super) from: &'a [u8],
    pub(super) zero: u8,
    /// Whether another picture was laid out in the same place, so that its border is there.
    pub(super) again: bool,
    pub(super) into: &'a mut [u8],
    /// Room for [`Unrolled::border`] bytes.
    pub(super) border: &'a mut [u8],
}

impl Task for Unroll<'_> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self { layout: l, from, zero, again, into, border } = self;
        let left = (l.left * l.pitch).min(l.bordered);
        let shown = (l.width * l.pitch).min(l.bordered - left);
        if !again {
            border.fill(zero);
        }
        for (number, into) in l.lines.iter().zip(into.chunks_exact_mut(l.line)) {
            let Some(number) = *number else {
                if !again {
                    into.fill(zero);
                }
                continue;
            };
            let line = &from[number * l.width * l.pitch..][..l.width * l.pitch];
            if l.as_it_is {
                if !again {
                    fill(&mut into[..left], zero);
                    fill(&mut into[left + shown..], zero);
                }
                lines(&mut into[left..left + shown], &line[..shown]);
            } else if border.is_empty() {
                spread(l, line, into);
            } else {
                lines(&mut border[left..left + shown], &line[..shown]);
                spread(l, border, into);
            }
        }
    }
}

/// Copies a line, inline where it is of a usual length.
#[inline(always)]
fn lines(into: &mut [u8], from: &[u8]) {
    match (into.len(), from.len()) {
        (256, 256) => into[..256].copy_from_slice(&from[..256]),
        (512, 512) => into[..512].copy_from_slice(&from[..512]),
        _ => into.copy_from_slice(from),
    }
}

/// Fills whole pixels, of a usual length at once.
#[inline(always)]
fn fill(into: &mut [u8], value: u8) {
    match into.len() {
        16 => into.copy_from_slice(&[value; 16]),
        32 => into.copy_from_slice(&[value; 32]),
        64 => into.copy_from_slice(&[value; 64]),
        _ => into.as_chunks_mut::<8>().0.fill([value; 8]),
    }
}

/// Unrolls a line that has its borders.
#[inline(always)]
fn spread(l: &Unrolled, line: &[u8], into: &mut [u8]) {
    if l.tap == l.pitch {
        // Whole runs; what lies behind their taps is of no account.
        const TWO: usize = 2 * STEP;
        const THREE: usize = 3 * STEP;
        match l.run {
            STEP => copy::<STEP>(line, l.step, into, l.stride),
            TWO => copy::<TWO>(line, l.step, into, l.stride),
            THREE => copy::<THREE>(line, l.step, into, l.stride),
            _ => {
                for k in (0..l.run).step_by(STEP) {
                    copy::<STEP>(&line[k..], l.step, &mut into[k..], l.stride);
                }
            }
        }
        return;
    }
    for tap in 0..l.taps {
        let (line, into) = (&line[tap * l.tap..], &mut into[tap * l.pitch..]);
        for k in (0..l.pitch).step_by(LANES) {
            copy::<LANES>(&line[k..], l.step, &mut into[k..], l.stride);
        }
    }
}

/// Copies N bytes of each column; columns are `step` apart in `from` and `stride` in `into`.
#[inline(always)]
fn copy<const N: usize>(from: &[u8], step: usize, into: &mut [u8], stride: usize) {
    for (column, into) in into.chunks_mut(stride).enumerate() {
        into[..N].copy_from_slice(&from[column * step..][..N]);
    }
}
