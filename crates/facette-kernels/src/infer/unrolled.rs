//! Pictures of bytes laid out so that windows lie at one distance from each other.

use alloc::vec::Vec;
use core::ops::Range;

use super::dot::ROWS;
use super::{LANES, pitch};
use crate::Level;
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
    /// Bytes of a line of the picture, and from one output column to the next in it.
    from: usize,
    step: usize,
    /// Output columns of an unrolled line whose windows lie within the picture, without gaps, and
    /// where the first of these starts there.
    whole: Range<usize>,
    first: usize,
    /// What else is seen of the picture.
    pieces: Vec<Piece>,
    /// What lies beyond it.
    gaps: Vec<Range<usize>>,
    /// Where lines stand in a picture, and where those of the picture that they show; and the lines
    /// of the border.
    shown: Vec<[usize; 2]>,
    blank: Vec<usize>,
    /// Bytes of a picture.
    pub(super) len: usize,
    /// Bytes before the first picture with which the pixels of a line that stands as it is start with
    /// a cache line, where pictures do.
    pub(super) lead: usize,
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

/// Bytes that stand side by side in a line of the picture as well as in one that is unrolled.
#[derive(Debug)]
struct Piece {
    from: usize,
    into: usize,
    len: usize,
}

impl Piece {
    /// Whether it ends where these bytes start.
    fn ends_at(&self, from: usize, into: usize) -> bool {
        [self.from + self.len, self.into + self.len] == [from, into]
    }
}

impl Unrolled {
    pub(super) fn new(s: &ConvShape) -> Self {
        let ([down, across], [below, apart]) = (s.options.stride, s.options.dilation);
        let ([top, left], [rows, taps]) = (s.options.padding, s.kernel);
        let pitch = pitch(s.in_channels);
        let used = taps * pitch;
        let run = used.next_multiple_of(STEP);
        let as_it_is = across == 1 && apart == 1 && s.out_width.is_multiple_of(ROWS);
        let reach = s.out_width + taps - 1;
        let [line, stride] =
            if as_it_is { [reach * pitch, pitch] } else { [s.out_width * run, run] };
        // Column x starts at pixel `x across - left`.
        let whole = if as_it_is || apart != 1 {
            0..0
        } else {
            let start = left.div_ceil(across).min(s.out_width);
            let end = (s.width + left + 1).saturating_sub(taps).div_ceil(across);
            start..end.clamp(start, s.out_width)
        };
        let (mut pieces, mut gaps) = (Vec::<Piece>::new(), Vec::<Range<usize>>::new());
        let mut see = |pixel: usize, into: usize| match pixel.checked_sub(left) {
            Some(pixel) if pixel < s.width => match pieces.last_mut() {
                Some(last) if last.ends_at(pixel * pitch, into) => last.len += pitch,
                _ => pieces.push(Piece { from: pixel * pitch, into, len: pitch }),
            },
            _ => match gaps.last_mut() {
                Some(last) if last.end == into => last.end += pitch,
                _ => gaps.push(into..into + pitch),
            },
        };
        if as_it_is {
            (0..reach).for_each(|pixel| see(pixel, pixel * pitch));
        }
        for column in (0..s.out_width).filter(|column| !as_it_is && !whole.contains(column)) {
            (0..taps).for_each(|t| see(column * across + t * apart, column * stride + t * pitch));
        }
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
            lines.extend((0..count).map(|place| (place * down + residue).checked_sub(top)));
        }
        let (mut shown, mut blank) = (Vec::new(), Vec::new());
        for (place, number) in lines.iter().enumerate() {
            match number {
                Some(number) if *number < s.height => {
                    shown.push([number * s.width * pitch, place * line]);
                }
                _ => blank.push(place * line),
            }
        }
        Self {
            from: s.width * pitch,
            step: across * pitch,
            parts: if as_it_is { s.out_height } else { 1 },
            lead: if as_it_is { (left * pitch).wrapping_neg() % STEP } else { 0 },
            first: (whole.start * across).saturating_sub(left) * pitch,
            whole,
            pieces,
            gaps,
            shown,
            blank,
            len: lines.len() * line,
            line,
            stride,
            used,
            run,
            runs,
        }
    }

    /// Bytes behind the last picture that tiles reach into.
    pub(super) fn slack(&self) -> usize {
        (ROWS - 1) * self.stride + self.run
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
}

impl Unroll<'_> {
    /// Lays it out. Loops of their own for usual sizes are compiled for AVX-512 only, since for every
    /// level, as `run_at` would have them, they take much room.
    pub(super) fn run(mut self, level: Level) {
        #[cfg(target_arch = "x86_64")]
        if level.runs(Level::Avx512) {
            // SAFETY: the processor has AVX-512, as `runs` has just said.
            return unsafe { self.usual() };
        }
        let _ = level;
        self.blank();
        self.columns::<0>();
    }

    /// In registers of 64 bytes, what is usual in a loop of its own.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    fn usual(&mut self) {
        self.blank();
        let l = self.layout;
        match l.used {
            _ if l.whole.is_empty() => match l.pieces[..] {
                [Piece { len: 256, .. }] => self.piece::<256>(),
                [Piece { len: 512, .. }] => self.piece::<512>(),
                _ => self.columns::<0>(),
            },
            32 => self.columns::<32>(),
            48 => self.columns::<48>(),
            64 => self.columns::<64>(),
            96 => self.columns::<96>(),
            128 => self.columns::<128>(),
            192 => self.columns::<192>(),
            288 => self.columns::<288>(),
            384 => self.columns::<384>(),
            _ => self.columns::<0>(),
        }
    }

    /// Fills the lines of the border.
    #[inline(always)]
    fn blank(&mut self) {
        if !self.again {
            for &line in &self.layout.blank {
                fill(&mut self.into[line..][..self.layout.line], self.zero);
            }
        }
    }

    /// A line of the picture, and where it is to be shown, with its gaps filled.
    #[inline(always)]
    fn line(&mut self, [from, into]: [usize; 2]) -> (&[u8], &mut [u8]) {
        let l = self.layout;
        let into = &mut self.into[into..][..l.line];
        if !self.again {
            for gap in &l.gaps {
                fill(&mut into[gap.clone()], self.zero);
            }
        }
        (&self.from[from..][..l.from], into)
    }

    /// Copies the only piece of each line, N bytes.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn piece<const N: usize>(&mut self) {
        let piece = &self.layout.pieces[0];
        for &shown in &self.layout.shown {
            let (from, into) = self.line(shown);
            into[piece.into..][..N].copy_from_slice(&from[piece.from..][..N]);
        }
    }

    /// Copies all pieces of each line, and its whole windows of N bytes, 0 for any number.
    #[inline(always)]
    fn columns<const N: usize>(&mut self) {
        let Unrolled { step, first, used, stride, ref pieces, ref whole, .. } = *self.layout;
        let (start, count) = (whole.start * stride, whole.len());
        for &shown in &self.layout.shown {
            let (from, into) = self.line(shown);
            for piece in pieces {
                copy(&from[piece.from..][..piece.len], &mut into[piece.into..][..piece.len]);
            }
            if count == 0 {
                continue;
            }
            let (from, into) = (&from[first..], &mut into[start..]);
            for column in 0..count {
                let (from, into) = (&from[column * step..], &mut into[column * stride..]);
                match N {
                    0 => copy(&from[..used], &mut into[..used]),
                    _ => into[..N].copy_from_slice(&from[..N]),
                }
            }
        }
    }
}

/// Fills whole pixels.
#[inline(always)]
fn fill(into: &mut [u8], value: u8) {
    match into.len() {
        32 => into[..32].fill(value),
        64 => into[..64].fill(value),
        _ => {
            let (into, end) = into.as_chunks_mut::<STEP>();
            into.fill([value; STEP]);
            end.as_chunks_mut::<LANES>().0.fill([value; LANES]);
        }
    }
}

/// Copies whole pixels.
#[inline(always)]
fn copy(from: &[u8], into: &mut [u8]) {
    match from.len() {
        // The last part overlaps the one before.
        64.. => {
            for at in (0..from.len() - 64).step_by(64) {
                part::<64>(from, into, at);
            }
            part::<64>(from, into, from.len() - 64);
        }
        32.. => {
            part::<32>(from, into, 0);
            part::<32>(from, into, from.len() - 32);
        }
        16.. => {
            part::<16>(from, into, 0);
            part::<16>(from, into, from.len() - 16);
        }
        _ => part::<8>(from, into, 0),
    }
}

/// Copies N bytes.
#[inline(always)]
fn part<const N: usize>(from: &[u8], into: &mut [u8], at: usize) {
    into[at..][..N].copy_from_slice(&from[at..][..N]);
}
