//! Convolutions of bytes with AMX, a block's sums being finished between the products of the next.
//!
//! A product of two tiles occupies its unit for 16 cycles and little else, and what follows the sums
//! of four pixels takes others about as long: one after each product, the two go side by side.

use super::bytes::{Bytes, Tiles};
use super::dot::{COLUMNS, PANELS, ROWS, SUMS};
use super::dot_amx::{Beside, Block};
use super::settle::Sums;
use super::settle_avx512::{Hand, Place, Sixteen};
use super::unrolled::STEP;
use super::value::Source;
use crate::Level;

/// Sums of a block.
const BLOCK: usize = 2 * PANELS * SUMS;

impl Bytes {
    /// Computes a layer, if its pixels come in fours and its channels in sixteens and it has not too
    /// many rectifiers; yields whether. The tiles must have been begun.
    #[expect(clippy::too_many_arguments, reason = "what a layer reads, writes and works in")]
    pub(super) fn run_tiled(
        &self,
        level: Level,
        batch: usize,
        x: Source<'_, u8>,
        of: &mut Sixteen<'_>,
        room: &mut [u8],
        starts: &[i32],
        sums: &mut [i32],
    ) -> bool {
        if !self.area.is_multiple_of(4) || !of.is_full() {
            return false;
        }
        let way = (of.has_residual(), of.rectified);
        let layer = Layer { layer: self, level, batch, x, of, room, starts, sums };
        // SAFETY: the table gives this way out with AMX alone, which no processor has without AVX-512.
        unsafe {
            match way {
                (false, [false, false]) => layer.run::<false, false, false>(),
                (false, [true, false]) => layer.run::<false, true, false>(),
                (true, [false, false]) => layer.run::<true, false, false>(),
                (true, [false, true]) => layer.run::<true, false, true>(),
                _ => return false,
            }
        }
        true
    }
}

/// A layer, what it reads, writes and works in.
struct Layer<'r, 'a> {
    layer: &'r Bytes,
    level: Level,
    batch: usize,
    x: Source<'r, u8>,
    of: &'r mut Sixteen<'a>,
    room: &'r mut [u8],
    starts: &'r [i32],
    sums: &'r mut [i32],
}

impl Layer<'_, '_> {
    /// # Safety
    /// The processor must have AMX, and the tiles must have been begun. The constants say whether
    /// there is a residual, an inner and an outer rectifier.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn run<const RESIDUAL: bool, const INNER: bool, const OUTER: bool>(self) {
        let Self { layer, level, batch, x, of, room, starts, sums } = self;
        let picture = &layer.picture;
        let last_run = picture.runs.iter().max().copied().unwrap_or(0);
        let reach = (ROWS - 1) * picture.stride + last_run + picture.run;
        let steps = picture.runs.len() * picture.run / STEP;
        let (mut into, mut filled) = sums[..2 * BLOCK].split_at_mut(BLOCK);
        let channels = of.channels();
        let mut waiting = Waiting::<RESIDUAL, INNER, OUTER>::new();
        for first in (0..batch).step_by(layer.group) {
            let pictures = layer.group.min(batch - first);
            let source = layer.lay_out(level, x, first, pictures, room);
            for panel in (0..layer.panels).step_by(PANELS) {
                let panels = PANELS.min(layer.panels - panel);
                // SAFETY: the caller vouches for the processor.
                unsafe { waiting.take_up(of, panel, panels) };
                let mut tiles = Tiles::new(layer, first, pictures);
                while let Some(one) = tiles.next() {
                    let other = tiles.next();
                    let tiles = [Some(one), other];
                    let rows = [one, other.unwrap_or(one)].map(|(tile, _)| {
                        assert!(tile.start + reach <= source.len(), "the source ends before");
                        source[tile.start..].as_ptr()
                    });
                    let block = Block {
                        rows,
                        pitch: picture.stride,
                        runs: &picture.runs,
                        run: picture.run,
                        weight: layer.weights(panel, panels),
                        starts: &starts[panel * COLUMNS..][..panels * COLUMNS],
                        into: into.as_mut_ptr(),
                        apart: 2 * SUMS,
                    };
                    let count = if other.is_some() { 2 } else { 1 };
                    waiting.spread(count * panels * steps);
                    // SAFETY: the extents of rows and weights were just checked, and sums have room
                    // for a block; as many products were said as there are.
                    unsafe { block.multiply(count, &mut waiting) };
                    core::mem::swap(&mut into, &mut filled);
                    waiting.clear();
                    for (p, hand) in (0..panels).zip(waiting.hands_from..) {
                        for (t, (tile, pixel)) in tiles.into_iter().flatten().enumerate() {
                            let sums = &filled[(2 * p + t) * SUMS..][..tile.count * COLUMNS];
                            let channel = (panel + p) * COLUMNS;
                            let left = channels - channel;
                            waiting.push(of, Sums { sums, channel, left, pixel }, hand);
                        }
                    }
                }
            }
        }
        // SAFETY: what was pushed waits until here.
        unsafe { waiting.end() };
    }
}

/// Four pixels of which so many are left at a place.
#[derive(Clone, Copy)]
struct Run {
    place: Place,
    left: usize,
    hand: usize,
}

/// The pixels of a block, to be finished four by four.
struct Waiting<const RESIDUAL: bool, const INNER: bool, const OUTER: bool> {
    /// Of the panels of a block, and of those of the block before.
    hands: [Hand<RESIDUAL, INNER, OUTER>; 2 * PANELS],
    /// Where those of the current panels start.
    hands_from: usize,
    runs: [Run; 2 * PANELS],
    count: usize,
    /// The run that is being finished.
    run: usize,
    /// Fours of all runs, to be spread over so many products.
    fours: usize,
    products: usize,
    /// What is due, in parts of a four as many as there are products.
    owed: usize,
}

impl<const RESIDUAL: bool, const INNER: bool, const OUTER: bool> Waiting<RESIDUAL, INNER, OUTER> {
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    fn new() -> Self {
        let run = Run { place: Place::none(), left: 0, hand: 0 };
        Self {
            hands: [Hand::none(); 2 * PANELS],
            hands_from: 0,
            runs: [run; 2 * PANELS],
            count: 0,
            run: 0,
            fours: 0,
            products: 1,
            owed: 0,
        }
    }

    /// Takes up the factors of other panels.
    ///
    /// # Safety
    /// The processor must have AVX-512.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn take_up(&mut self, of: &Sixteen<'_>, panel: usize, panels: usize) {
        self.hands_from = PANELS - self.hands_from;
        for (p, hand) in self.hands[self.hands_from..][..panels].iter_mut().enumerate() {
            *hand = Hand::of(of, (panel + p) * COLUMNS);
        }
    }

    /// Spreads what waits over so many products.
    fn spread(&mut self, products: usize) {
        (self.products, self.owed) = (products, 0);
    }

    /// Forgets what waited, all of which is finished.
    fn clear(&mut self) {
        debug_assert!(self.runs[..self.count].iter().all(|run| run.left == 0), "all is finished");
        (self.count, self.run, self.fours) = (0, 0, 0);
    }

    /// Adds a run, whose sums, residual and result must be left alone until it is finished.
    ///
    /// # Panics
    /// As [`Sixteen::run`], where pixels are no multiple of four, or where there are too many runs.
    fn push(&mut self, of: &Sixteen<'_>, run: Sums<'_, i32>, hand: usize) {
        of.check(&run);
        assert!(run.sums.len().is_multiple_of(4 * COLUMNS), "fours");
        let left = run.sums.len() / (4 * COLUMNS);
        self.runs[self.count] = Run { place: of.place(&run), left, hand };
        self.count += 1;
        self.fours += left;
    }

    /// Finishes the next four pixels.
    ///
    /// # Safety
    /// It may be called as often as there are fours.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn next(&mut self) {
        if self.runs[self.run].left == 0 {
            self.run += 1;
        }
        let run = &mut self.runs[self.run];
        let hand = &self.hands[run.hand];
        // SAFETY: the run's pixels were checked, the layer is full, and the caller vouches that some
        // pixels are left.
        unsafe { hand.four::<true>(run.place) };
        run.place = run.place.behind::<RESIDUAL>(4 * COLUMNS, 4 * hand.pitch);
        run.left -= 1;
    }

    /// Finishes all that is left.
    ///
    /// # Safety
    /// As for [`Waiting::push`].
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn end(&mut self) {
        for _ in 0..self.fours {
            // SAFETY: so many wait.
            unsafe { self.next() };
        }
    }
}

impl<const RESIDUAL: bool, const INNER: bool, const OUTER: bool> Beside
    for Waiting<RESIDUAL, INNER, OUTER>
{
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn product(&mut self) {
        self.owed += self.fours;
        while self.owed >= self.products {
            self.owed -= self.products;
            // SAFETY: after all products all fours were due, and none more.
            unsafe { self.next() };
        }
    }
}
