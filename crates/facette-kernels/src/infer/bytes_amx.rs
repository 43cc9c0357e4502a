//! Convolutions of bytes with AMX, a block's sums being finished between the products of the next.
//!
//! A product of two tiles occupies its unit for 16 cycles and little else, and what follows the sums
//! of four pixels takes others about as long: one after each product, the two go side by side.

use super::bytes::{Run, Tiles};
use super::dot::{COLUMNS, PANELS, ROWS, SUMS};
use super::dot_amx::{Beside, Block};
use super::hand_avx512::{Hand, Place};
use super::settle::Sums;
use super::settle_avx512::Sixteen;
use super::unrolled::STEP;

/// Sums of a block.
const BLOCK: usize = 2 * PANELS * SUMS;

impl Run<'_> {
    /// Whether [`Run::tiled`] serves: where pixels come in fours and channels in sixteens, and no more
    /// than a residual and a rectifier behind it follow.
    pub(super) fn is_tiled(&self, of: &Sixteen<'_>) -> bool {
        let [inner, outer] = of.rectified;
        let second = if of.has_residual() { inner } else { outer };
        self.layer.area.is_multiple_of(4) && of.is_full() && !second
    }

    /// Block by block, the sums of one being finished between the products of the next.
    ///
    /// # Panics
    /// Where [`Run::is_tiled`] says no.
    pub(super) fn tiled(self, of: &Sixteen<'_>) {
        assert!(self.is_tiled(of), "another way of computing it");
        // SAFETY: the table gives this way out with AMX alone, which no processor has without AVX-512,
        // and has begun.
        unsafe {
            match (of.has_residual(), of.rectified) {
                (false, [false, _]) => self.blocks::<false, false, false>(of),
                (false, [true, _]) => self.blocks::<false, true, false>(of),
                (true, [_, false]) => self.blocks::<true, false, false>(of),
                (true, [_, true]) => self.blocks::<true, false, true>(of),
            }
        }
    }

    /// # Safety
    /// The processor must have AMX, and the tiles must have been begun. The constants say whether
    /// there is a residual, an inner and an outer rectifier.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn blocks<const RESIDUAL: bool, const INNER: bool, const OUTER: bool>(
        self,
        of: &Sixteen<'_>,
    ) {
        let Self { layer, level, batch, x, room, starts, sums } = self;
        let picture = &layer.picture;
        let last_run = picture.runs.iter().max().copied().unwrap_or(0);
        let reach = (ROWS - 1) * picture.stride + last_run + picture.run;
        let steps = picture.runs.len() * picture.run / STEP;
        let zeroed = starts.iter().all(|&start| start == 0);
        let (mut into, mut filled) = sums[..2 * BLOCK].split_at_mut(BLOCK);
        let mut waiting = Waiting::<RESIDUAL, INNER, OUTER>::new(of);
        for first in (0..batch).step_by(layer.group) {
            let pictures = layer.group.min(batch - first);
            let source = layer.lay_out(level, x, first, pictures, room);
            for panel in (0..layer.panels).step_by(PANELS) {
                let panels = PANELS.min(layer.panels - panel);
                let weight = layer.weights(panel, panels);
                let starts = &starts[panel * COLUMNS..][..panels * COLUMNS];
                waiting.take_up(of, panel, panels);
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
                    waiting.spread(count * panels * (steps - 1).max(1));
                    // SAFETY: the extents of rows and weights were just checked, and sums have room
                    // for a block; as many products were said as there are behind the first step.
                    unsafe { block.multiply(count, &waiting) };
                    core::mem::swap(&mut into, &mut filled);
                    let sums = Sums {
                        sums: &filled[..pixels * COLUMNS],
                        channel: panel * COLUMNS,
                        left: panels * COLUMNS,
                        pixel,
                    };
                    waiting.wait(of, &sums, panels, apart);
                }
            }
        }
        // SAFETY: what waits is there until here.
        unsafe { waiting.rest(waiting.start()) };
    }
}

/// The pixels of a block, to be finished four by four.
struct Waiting<const RESIDUAL: bool, const INNER: bool, const OUTER: bool> {
    /// The factors of the panels of a block, and of those of the block before.
    hands: [Hand<RESIDUAL, INNER, OUTER>; 2 * PANELS],
    /// Where the current ones start.
    current: usize,
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
    /// The first of the panels' factors.
    hand: usize,
    /// How many fours each panel has.
    fours: usize,
    /// How many there are of all panels.
    count: usize,
    /// Over how many products they are to be spread.
    products: usize,
}

impl<const RESIDUAL: bool, const INNER: bool, const OUTER: bool> Waiting<RESIDUAL, INNER, OUTER> {
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    fn new(of: &Sixteen<'_>) -> Self {
        let (residual, y) = of.places();
        Self {
            hands: [Hand::none(); 2 * PANELS],
            current: 0,
            residual,
            y,
            pitch: of.pitch(),
            at: 0,
            sums: core::ptr::null(),
            apart: 0,
            hand: 0,
            fours: 0,
            count: 0,
            products: 1,
        }
    }

    /// Takes up the factors of other panels.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    fn take_up(&mut self, of: &Sixteen<'_>, panel: usize, panels: usize) {
        self.current = PANELS - self.current;
        for (p, hand) in self.hands[self.current..][..panels].iter_mut().enumerate() {
            *hand = Hand::of(of.factors(), (panel + p) * COLUMNS);
        }
    }

    /// Spreads what waits over so many products.
    fn spread(&mut self, products: usize) {
        self.products = products;
    }

    /// Makes the sums of some pixels by the current panels wait. They, the residual and the results
    /// must be left alone until they are finished.
    ///
    /// # Panics
    /// As [`Sixteen::run`], or where pixels are no multiple of four.
    fn wait(&mut self, of: &Sixteen<'_>, first: &Sums<'_, i32>, panels: usize, apart: usize) {
        assert!(first.sums.len().is_multiple_of(4 * COLUMNS), "fours");
        of.check(&Sums { channel: first.channel + (panels - 1) * COLUMNS, ..*first });
        self.at = first.pixel * self.pitch + first.channel;
        self.sums = first.sums.as_ptr();
        self.apart = apart;
        self.hand = self.current;
        self.fours = first.sums.len() / (4 * COLUMNS);
        self.count = panels * self.fours;
    }

    /// Finishes the next four pixels.
    ///
    /// # Safety
    /// So many of them must wait.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn finish(&self, progress: &mut Progress) {
        if progress.done == self.fours {
            progress.sums = self.sums.wrapping_add(self.apart);
            progress.at = self.at + COLUMNS;
            progress.hand = self.hand + 1;
        }
        let place = Place {
            sums: progress.sums,
            residual: self.residual.wrapping_add(progress.at),
            y: self.y.wrapping_add(progress.at),
        };
        // SAFETY: the pixels were checked, and the layer is full.
        unsafe { self.hands[progress.hand].four::<true>(place) };
        progress.sums = progress.sums.wrapping_add(4 * COLUMNS);
        progress.at += 4 * self.pitch;
        progress.done += 1;
    }
}

/// How far the fours of a block are.
#[derive(Clone, Copy)]
struct Progress {
    done: usize,
    /// The next one's sums, where its results are, and the factors.
    sums: *const i32,
    at: usize,
    hand: usize,
    /// What is due, in parts of a four as many as there are products.
    owed: usize,
}

impl<const RESIDUAL: bool, const INNER: bool, const OUTER: bool> Beside
    for Waiting<RESIDUAL, INNER, OUTER>
{
    type Progress = Progress;

    #[inline]
    fn start(&self) -> Progress {
        Progress { done: 0, sums: self.sums, at: self.at, hand: self.hand, owed: 0 }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn product(&self, progress: &mut Progress) {
        progress.owed += self.count;
        while progress.owed >= self.products {
            progress.owed -= self.products;
            // SAFETY: after all products all fours were due, and none more.
            unsafe { self.finish(progress) };
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn rest(&self, mut progress: Progress) {
        while progress.done < self.count {
            // SAFETY: so many wait.
            unsafe { self.finish(&mut progress) };
        }
    }
}
