//! Convolutions of bytes with AMX, a block's sums being finished between the products of the next.
//!
//! The products of a step occupy their unit for 64 cycles and little else, and what follows sums takes
//! others: some of it in each step, the two go side by side.

use core::marker::PhantomData;
use core::ops::Range;

use super::bytes::{Run, Tiles};
use super::dot::{COLUMNS, PANELS, ROWS, SUMS};
use super::dot_amx::{Beside, Block};
use super::following::{Following, Known};
use super::hand_avx512::{Hand, Place};
use super::settle::Sums;
use super::settle_avx512::Sixteen;
use super::unrolled::STEP;

#[cfg(test)]
mod tests;

/// What sums the products of a block.
pub(super) trait Multiply {
    /// # Safety
    /// As [`Block::multiply`].
    unsafe fn block<const P: usize>(block: &Block<'_>, tiles: usize, beside: &impl Beside);
}

/// AMX.
pub(super) struct Tiled;

impl Multiply for Tiled {
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn block<const P: usize>(block: &Block<'_>, tiles: usize, beside: &impl Beside) {
        // SAFETY: the caller vouches for all of it.
        unsafe { block.multiply::<P>(tiles, beside) };
    }
}

/// Sums of a block.
const BLOCK: usize = 2 * PANELS * SUMS;

/// Block by block, the sums of one being finished between the products of the next.
///
/// # Panics
/// Where [`Run::is_tiled`] says no.
///
/// # Safety
/// The processor must have what M needs, which must have been begun; there is no `Sixteen` without
/// AVX-512.
pub(super) unsafe fn tiled<M: Multiply>(mut run: Run<'_>, of: &Sixteen<'_>) {
    assert!(run.is_tiled(of), "another way of computing it");
    // SAFETY: the caller vouches for the processor, and the constants are as the layer is.
    unsafe {
        match (of.has_residual(), of.rectified, of.shifted) {
            (false, [false, _], false) => run.by_pairs::<M, Known<false, false, false, false>>(of),
            (false, [false, _], true) => run.by_pairs::<M, Known<false, false, false, true>>(of),
            (false, [true, _], _) => run.by_pairs::<M, Known<false, true, false, true>>(of),
            (true, [_, false], false) => run.by_pairs::<M, Known<true, false, false, false>>(of),
            (true, [_, false], true) => run.by_pairs::<M, Known<true, false, false, true>>(of),
            (true, [_, true], _) => run.by_pairs::<M, Known<true, false, true, true>>(of),
        }
    }
}

impl Run<'_> {
    /// Whether [`tiled`] serves: where pixels come in fours and channels in sixteens, and no more
    /// than a residual and a rectifier behind it follow.
    pub(super) fn is_tiled(&self, of: &Sixteen<'_>) -> bool {
        let [inner, outer] = of.rectified;
        let second = if of.has_residual() { inner } else { outer };
        self.layer.area.is_multiple_of(4) && of.is_full() && !second
    }

    /// Two panels at a time, and one that is left.
    ///
    /// # Safety
    /// As [`tiled`], and F must say what there is.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn by_pairs<M: Multiply, F: Following>(&mut self, of: &Sixteen<'_>) {
        let panels = self.layer.panels;
        let paired = panels / PANELS * PANELS;
        // SAFETY: the caller vouches for all of it.
        unsafe {
            if paired > 0 {
                self.blocks::<PANELS, M, F>(0..paired, of);
            }
            if paired < panels {
                self.blocks::<1, M, F>(paired..panels, of);
            }
        }
    }

    /// P panels at a time.
    ///
    /// # Safety
    /// As above; there must be a multiple of P panels.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn blocks<const P: usize, M: Multiply, F: Following>(
        &mut self,
        all: Range<usize>,
        of: &Sixteen<'_>,
    ) {
        let Self { layer, level, batch, x, .. } = *self;
        let picture = &layer.picture;
        let last_run = picture.runs.iter().max().copied().unwrap_or(0);
        let reach = (ROWS - 1) * picture.stride + last_run + picture.run;
        let steps = picture.runs.len() * picture.run / STEP;
        let zeroed = self.starts.iter().all(|&start| start == 0);
        let (mut into, mut filled) = self.sums[..2 * BLOCK].split_at_mut(BLOCK);
        let mut waiting = Waiting::<P>::new(of, (steps - 1).max(1));
        for first in (0..batch).step_by(layer.group) {
            let pictures = layer.group.min(batch - first);
            let source = layer.lay_out(level, x, first, pictures, self.room);
            for panel in all.clone().step_by(P) {
                let weight = layer.weights(panel, P);
                let starts = &self.starts[panel * COLUMNS..][..P * COLUMNS];
                waiting.take_up(of, panel);
                let mut tiles = Tiles::new(layer, first, pictures);
                while let Some((one, pixel)) = tiles.next() {
                    // The pixels of two tiles follow each other, and their sums if the first is full.
                    let other = if one.count == ROWS { tiles.next() } else { None };
                    let pixels = one.count + other.map_or(0, |(other, _)| other.count);
                    let (other, count) = other.map_or((one, 1), |(other, _)| (other, 2));
                    let rows = [one, other].map(|tile| {
                        assert!(tile.start + reach <= source.len(), "the source ends before");
                        source[tile.start..].as_ptr()
                    });
                    let apart = count * SUMS;
                    let block = Block {
                        rows,
                        pitch: picture.stride,
                        runs: &picture.runs,
                        run: picture.run,
                        weight,
                        starts,
                        zeroed,
                        into: into.as_mut_ptr(),
                        apart,
                    };
                    // SAFETY: the extents of rows and weights were just checked, and sums have room
                    // for a block; no more steps follow the first of each than were said.
                    unsafe { M::block::<P>(&block, count, &waiting.as_by::<F>()) };
                    core::mem::swap(&mut into, &mut filled);
                    let (sums, channel) = (&filled[..pixels * COLUMNS], panel * COLUMNS);
                    waiting.wait(of, &Sums { sums, channel, left: P * COLUMNS, pixel }, apart);
                }
            }
        }
        let last = waiting.as_by::<F>();
        // SAFETY: what waits is there until here.
        unsafe { last.rest(last.start()) };
    }
}

/// The pixels of a block, to be finished four by four.
struct Waiting<const P: usize> {
    /// The factors of the panels of a block, and of those of the block before.
    hands: [[Hand; P]; 2],
    /// Which are the current ones, and their first panel.
    current: usize,
    panel: Option<usize>,
    /// Where residual and results are.
    residual: *const u8,
    y: *mut u8,
    /// From one pixel to the next there.
    pitch: usize,
    /// Where the first pixel is, and its first channel.
    at: usize,
    /// Its sums, 16 of each pixel, one behind the other.
    sums: *const i32,
    /// From there to the sums of the second panel.
    apart: usize,
    /// Which are the panels' factors.
    hand: usize,
    /// How many fours there are.
    count: usize,
    /// Over how many steps of a block they are spread.
    steps: isize,
}

impl<const P: usize> Waiting<P> {
    /// None yet; they will be spread over so many steps.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    fn new(of: &Sixteen<'_>, steps: usize) -> Self {
        let (residual, y) = of.places();
        Self {
            hands: [[Hand::of(of.factors(), 0); P]; 2],
            current: 0,
            panel: None,
            residual,
            y,
            pitch: of.pitch(),
            at: 0,
            sums: core::ptr::null(),
            apart: 0,
            hand: 0,
            count: 0,
            steps: steps.cast_signed(),
        }
    }

    /// Takes up the factors of the panels from this one on.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    fn take_up(&mut self, of: &Sixteen<'_>, panel: usize) {
        if self.panel == Some(panel) {
            return;
        }
        self.panel = Some(panel);
        self.current = 1 - self.current;
        for (p, hand) in self.hands[self.current].iter_mut().enumerate() {
            hand.turn_to(of.factors(), (panel + p) * COLUMNS);
        }
    }

    /// Makes the sums of some pixels by the current panels wait. They, the residual and the results
    /// must be left alone until they are finished.
    ///
    /// # Panics
    /// As [`Sixteen::run`], or where pixels are no multiple of four.
    fn wait(&mut self, of: &Sixteen<'_>, first: &Sums<'_, i32>, apart: usize) {
        assert!(first.sums.len().is_multiple_of(4 * COLUMNS), "fours");
        of.check(&Sums { channel: first.channel + (P - 1) * COLUMNS, ..*first });
        self.at = first.pixel * self.pitch + first.channel;
        self.sums = first.sums.as_ptr();
        self.apart = apart;
        self.hand = self.current;
        self.count = first.sums.len() / (4 * COLUMNS);
    }

    /// The same, with what follows the sums.
    fn as_by<F: Following>(&self) -> Followed<'_, P, F> {
        Followed { waiting: self, following: PhantomData }
    }
}

/// How far the fours of a block are.
#[derive(Clone, Copy)]
struct Progress {
    done: usize,
    /// The next one's sums, and where its results are.
    sums: *const i32,
    at: usize,
    /// What is due, in parts of a four as many as there are steps.
    owed: isize,
}

/// What waits, and what follows its sums.
struct Followed<'a, const P: usize, F: Following> {
    waiting: &'a Waiting<P>,
    following: PhantomData<F>,
}

impl<const P: usize, F: Following> Followed<'_, P, F> {
    /// Finishes the next four pixels.
    ///
    /// # Safety
    /// So many of them must wait.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn finish(&self, progress: &mut Progress) {
        let waiting = self.waiting;
        let place = Place {
            sums: progress.sums,
            residual: waiting.residual.wrapping_add(progress.at),
            y: waiting.y.wrapping_add(progress.at),
        };
        // SAFETY: the pixels were checked, and the layer is full.
        unsafe {
            match &waiting.hands[waiting.hand][..] {
                [hand] => hand.four::<F, true>(place),
                [one, other, ..] => one.four_by_two::<F>(other, place, waiting.apart),
                [] => {}
            }
        }
        progress.sums = progress.sums.wrapping_add(4 * COLUMNS);
        progress.at += 4 * waiting.pitch;
        progress.done += 1;
    }
}

impl<const P: usize, F: Following> Beside for Followed<'_, P, F> {
    type Progress = Progress;

    #[inline]
    fn start(&self) -> Progress {
        Progress {
            done: 0,
            sums: self.waiting.sums,
            at: self.waiting.at,
            owed: -self.waiting.count.cast_signed(),
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn step(&self, progress: &mut Progress) {
        progress.owed += self.waiting.count.cast_signed();
        while progress.owed >= self.waiting.steps {
            progress.owed -= self.waiting.steps;
            // SAFETY: after all steps all fours were due, and none more.
            unsafe { self.finish(progress) };
        }
    }

    #[inline(never)]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn rest(&self, mut progress: Progress) {
        while progress.done < self.waiting.count {
            // SAFETY: so many wait.
            unsafe { self.finish(&mut progress) };
        }
    }
}
