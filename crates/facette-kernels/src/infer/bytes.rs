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
use super::dot::{ByteProducts, COLUMNS, Dot, Held, PANELS, ROWS, SUMS, TILES, Tile};
use super::finish::Finish;
use super::pitch;
use super::settle::{Settle, Sums};
use super::unrolled::{Unroll, Unrolled};
use super::value::{Source, Target, Value};
use super::work::Work;
use crate::Level;
use crate::conv::ConvShape;

/// Most bytes of unrolled pictures: what a file asks for beyond that is computed otherwise.
const MOST: usize = 1 << 24;

/// Sums of a band.
const BAND: usize = PANELS * TILES * SUMS;

/// A layer computed in this way.
#[derive(Debug)]
pub(super) struct Bytes {
    pub(super) picture: Unrolled,
    /// Values of a picture as it comes.
    input: usize,
    /// Pixels of a picture's result.
    pub(super) area: usize,
    /// Pictures at a time, so that bands are full.
    pub(super) group: usize,
    pub(super) panels: usize,
    /// `[panel][run][bytes of a run / 4][COLUMNS][4]`
    weight: Aligned<i8>,
    /// The sum of each output's weights, `[panel][COLUMNS]`.
    totals: Vec<i32>,
}

impl Bytes {
    /// `None` for layers that gain nothing or would need too much memory, and on processors without
    /// such instructions.
    pub(super) fn new(s: &ConvShape, weight: &[i8]) -> Option<Self> {
        let used = Level::available().iter().any(|&level| ByteProducts::of(level).is_some());
        let layer =
            (used && s.options.groups == 1 && !s.is_depthwise()).then(|| Self::pack(s, weight));
        layer.filter(|layer| layer.room(layer.group) <= MOST)
    }

    pub(super) fn pack(s: &ConvShape, weight: &[i8]) -> Self {
        let picture = Unrolled::new(s);
        let panels = s.out_channels.div_ceil(COLUMNS);
        let area = s.out_height * s.out_width;
        let panel = picture.runs.len() * picture.run * COLUMNS;
        let mut packed = Aligned::new(panels * panel);
        let mut totals = vec![0; panels * COLUMNS];
        for (i, &weight) in weight.iter().enumerate() {
            let (column, row) = (i % s.kernel[1], i / s.kernel[1] % s.kernel[0]);
            let (input, output) = (i / s.taps() % s.in_channels, i / s.taps() / s.in_channels);
            let k = column * pitch(s.in_channels) + input;
            let at = output / COLUMNS * panel + (row * picture.run + k / 4 * 4) * COLUMNS;
            packed[at + 4 * (output % COLUMNS) + k % 4] = weight;
            totals[output] += i32::from(weight);
        }
        Self {
            picture,
            input: s.height * s.width * pitch(s.in_channels),
            area,
            group: (TILES * ROWS).div_ceil(area),
            panels,
            weight: packed,
            totals,
        }
    }

    /// Makes room in `work`.
    pub(super) fn reserve(&self, work: &mut Work) {
        work.rows.reserve(self.room(self.group));
        work.starts.reserve(self.panels * COLUMNS);
        work.whole.sums.reserve(BAND);
    }

    /// Bytes of so many pictures laid out, and around them.
    fn room(&self, pictures: usize) -> usize {
        self.picture.lead + pictures * self.picture.len + self.picture.slack()
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
        let zero = x.code.zero();
        let starts = &mut work.starts[..self.panels * COLUMNS];
        for (start, total) in starts.iter_mut().zip(&self.totals) {
            *start = total.wrapping_mul(i32::from(products.taken) - i32::from(zero));
        }
        let sums = &mut work.whole.sums[..BAND];
        let room = &mut work.rows[..];
        let mut settle = Settle::new::<Whole>(level, true, residual, finish, y);
        let run = Run { layer: self, level, batch, x, room, starts, sums };
        let _held = Held::of(products);
        #[cfg(target_arch = "x86_64")]
        if let (Settle::Sixteen(of), Some(tiled)) = (&settle, products.tiled)
            && run.is_tiled(of)
        {
            // SAFETY: the level is the processor's, and it has begun.
            return unsafe { tiled(run, of) };
        }
        run.banded(products, &mut settle, finish.channels());
    }

    /// Lays some pictures out.
    pub(super) fn lay_out<'r>(
        &self,
        level: Level,
        x: Source<'_, u8>,
        first: usize,
        pictures: usize,
        room: &'r mut [u8],
    ) -> &'r [u8] {
        let source = &mut room[self.picture.lead..self.room(pictures)];
        let from = x.values[first * self.input..].chunks_exact(self.input).take(pictures);
        for (from, into) in from.zip(source.chunks_exact_mut(self.picture.len)) {
            let (layout, zero, again) = (&self.picture, x.code.zero(), first > 0);
            Unroll { layout, from, zero, again, into }.run(level);
        }
        source
    }

    /// The weights of some panels.
    pub(super) fn weights(&self, panel: usize, panels: usize) -> &[i8] {
        let size = self.picture.runs.len() * self.picture.run * COLUMNS;
        &self.weight[panel * size..][..panels * size]
    }
}

/// One run of a layer: what it reads and works in.
pub(super) struct Run<'r> {
    pub(super) layer: &'r Bytes,
    pub(super) level: Level,
    pub(super) batch: usize,
    pub(super) x: Source<'r, u8>,
    pub(super) room: &'r mut [u8],
    /// What each output's sum starts from.
    pub(super) starts: &'r [i32],
    pub(super) sums: &'r mut [i32],
}

impl Run<'_> {
    /// Band by band, whose sums are finished before the next.
    fn banded<R: Value, Y: Value>(
        self,
        products: ByteProducts,
        settle: &mut Settle<'_, R, Y>,
        channels: usize,
    ) {
        let Self { layer, level, batch, x, room, starts, sums } = self;
        for first in (0..batch).step_by(layer.group) {
            let pictures = layer.group.min(batch - first);
            let source = layer.lay_out(level, x, first, pictures, room);
            for panel in (0..layer.panels).step_by(PANELS) {
                let panels = PANELS.min(layer.panels - panel);
                let channels = channels - panel * COLUMNS;
                let mut tiles = Tiles::new(layer, first, pictures);
                loop {
                    let band = Band { panel, channels, ..Band::of(&mut tiles) };
                    if band.count == 0 {
                        break;
                    }
                    let mut product = Dot {
                        source,
                        tiles: &band.tiles[..band.count],
                        stride: layer.picture.stride,
                        runs: &layer.picture.runs,
                        run: layer.picture.run,
                        used: layer.picture.used,
                        weight: layer.weights(panel, panels),
                        starts: &starts[panel * COLUMNS..][..panels * COLUMNS],
                        into: &mut sums[..panels * TILES * SUMS],
                    };
                    product.check();
                    // SAFETY: the extents were just checked, the level is the processor's, and it
                    // has begun.
                    unsafe { (products.dot)(&mut product) };
                    for panel in 0..panels {
                        let mut tile = 0;
                        while tile < band.count {
                            let tiles = band.following(tile);
                            settle.run::<Whole>(band.sums(sums, panel, tile, tiles));
                            tile += tiles;
                        }
                    }
                }
            }
        }
    }
}

/// Some tiles by some panels.
#[derive(Debug, Clone, Copy, Default)]
struct Band {
    panel: usize,
    /// Channels from its first panel on.
    channels: usize,
    tiles: [Tile; TILES],
    /// The first pixel of each tile's results.
    pixels: [usize; TILES],
    count: usize,
}

impl Band {
    /// The next tiles; fewer at the end.
    fn of(tiles: &mut Tiles) -> Self {
        let mut band = Self::default();
        for (i, (tile, pixel)) in tiles.take(TILES).enumerate() {
            (band.tiles[i], band.pixels[i], band.count) = (tile, pixel, i + 1);
        }
        band
    }

    /// How many tiles from this one on have sums that follow each other: up to one that is not full.
    fn following(&self, tile: usize) -> usize {
        let tiles = &self.tiles[tile..self.count];
        tiles.iter().position(|tile| tile.count < ROWS).map_or(tiles.len(), |last| last + 1)
    }

    /// The sums of some tiles that follow each other by one panel.
    fn sums<'a>(&self, sums: &'a [i32], panel: usize, tile: usize, tiles: usize) -> Sums<'a, i32> {
        let pixels = (tiles - 1) * ROWS + self.tiles[tile + tiles - 1].count;
        Sums {
            sums: &sums[(panel * TILES + tile) * SUMS..][..pixels * COLUMNS],
            channel: (self.panel + panel) * COLUMNS,
            left: self.channels - panel * COLUMNS,
            pixel: self.pixels[tile],
        }
    }
}

/// The tiles of the results of some pictures, and the first pixel of each.
pub(super) struct Tiles {
    /// Pixels of a part whose windows lie at one distance from each other.
    pixels: usize,
    stride: usize,
    /// Parts of a picture.
    parts: usize,
    /// Bytes from one part to the next.
    line: usize,
    /// Bytes from the last part of a picture to the first of the next.
    gap: usize,
    /// Parts that are left of this picture, and of all.
    left: [usize; 2],
    /// First pixel of the part, where its windows start, and pixels of it that are done.
    pixel: usize,
    start: usize,
    done: usize,
}

impl Tiles {
    /// Of pictures from `first` on.
    pub(super) fn new(layer: &Bytes, first: usize, pictures: usize) -> Self {
        let (area, picture) = (layer.area, &layer.picture);
        // Without lines of the border one picture goes on where the other ends.
        let joined = picture.len == area * picture.stride;
        let parts = if joined { 1 } else { picture.parts };
        let all = if joined { 1 } else { pictures * parts };
        Self {
            pixels: area * pictures / all,
            stride: picture.stride,
            parts,
            line: picture.line,
            gap: picture.len - (parts - 1) * picture.line,
            left: [parts, all],
            pixel: first * area,
            start: 0,
            done: 0,
        }
    }
}

impl Iterator for Tiles {
    type Item = (Tile, usize);

    fn next(&mut self) -> Option<(Tile, usize)> {
        if self.left[1] == 0 {
            return None;
        }
        let count = ROWS.min(self.pixels - self.done);
        let tile = Tile { start: self.start + self.done * self.stride, count };
        let pixel = self.pixel + self.done;
        self.done += count;
        if self.done == self.pixels {
            (self.done, self.pixel) = (0, self.pixel + self.pixels);
            self.left = self.left.map(|left| left - 1);
            self.start += if self.left[0] == 0 { self.gap } else { self.line };
            if self.left[0] == 0 {
                self.left[0] = self.parts;
            }
        }
        Some((tile, pixel))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conv::ConvOptions;
    use crate::infer::{Code, Conv};

    fn options(stride: usize, padding: usize, dilation: usize) -> ConvOptions {
        let [stride, padding, dilation] = [stride, padding, dilation].map(|n| [n, n]);
        ConvOptions { stride, padding, dilation, groups: 1 }
    }

    #[test]
    fn bytes_are_those_of_the_other_methods() {
        // An interpreter takes a second for what takes a millisecond otherwise.
        let (batches, largest): (&[usize], _) =
            if cfg!(miri) { (&[1, 2], 550) } else { (&[1, 2, 7, 65], usize::MAX) };
        let number = |i: usize| (i.wrapping_mul(2_654_435_761) >> 13) as u8;
        for (inputs, size, outputs, kernel, options) in [
            (3, [16, 16], 32, [3, 3], options(1, 1, 1)),
            (32, [5, 16], 40, [3, 3], options(1, 1, 1)),
            (64, [3, 16], 8, [1, 1], options(1, 0, 1)),
            (64, [5, 33], 8, [1, 1], options(2, 1, 1)),
            (20, [7, 34], 24, [3, 3], options(1, 0, 1)),
            (20, [6, 30], 24, [4, 2], options(1, 9, 1)),
            (12, [9, 16], 24, [3, 3], ConvOptions { stride: [2, 1], ..options(1, 1, 1) }),
            (12, [9, 16], 24, [3, 3], ConvOptions { dilation: [3, 1], ..options(1, 1, 1) }),
            (24, [9, 7], 17, [3, 3], options(2, 1, 1)),
            (8, [7, 9], 8, [5, 3], options(3, 2, 1)),
            (40, [4, 4], 48, [1, 1], options(1, 0, 1)),
            (16, [8, 8], 16, [1, 1], options(2, 0, 1)),
            (9, [8, 9], 20, [3, 3], options(1, 2, 2)),
            (9, [11, 9], 20, [3, 2], options(2, 2, 3)),
            (70, [1, 1], 33, [1, 1], options(1, 0, 1)),
            (5, [2, 3], 4, [2, 3], options(1, 0, 1)),
            (16, [5, 6], 8, [3, 3], options(1, 1, 1)),
            (32, [7, 6], 8, [3, 3], options(2, 1, 1)),
            (64, [8, 8], 8, [3, 3], options(1, 1, 1)),
            (96, [4, 4], 8, [3, 3], options(1, 1, 1)),
            (128, [3, 5], 8, [3, 3], options(1, 2, 1)),
            (64, [5, 6], 8, [2, 2], options(2, 0, 1)),
            (24, [4, 2], 8, [3, 5], options(1, 2, 1)),
            (16, [3, 32], 8, [3, 3], options(1, 1, 1)),
        ] {
            let [height, width] = size;
            if inputs * height * width > largest {
                continue;
            }
            for &batch in batches {
                let s = ConvShape::new([batch, inputs, height, width], outputs, kernel, options)
                    .expect("the table holds valid shapes");
                let weight: Vec<i8> = (0..s.weight_len()).map(|i| number(i + 3) as i8).collect();
                let x: Vec<u8> = (0..batch * height * width * pitch(inputs)).map(number).collect();
                let len = batch * s.out_height * s.out_width * pitch(outputs);
                let residual: Vec<u8> = (0..len).map(|i| number(i + 1)).collect();
                let code = |scale, zero| Code::new(scale, zero).expect("a usual scale");
                let x = Source { values: &x[..], code: code(0.1, 77) };
                let residual = Some(Source { values: &residual[..], code: code(0.05, 100) });
                let channels = 0..outputs as u8;
                let finish = Finish::new(
                    channels.clone().map(|c| 1e-4 + f32::from(c) * 1e-6).collect(),
                    channels.map(|c| f32::from(c) - 9.0).collect(),
                );
                let mut work = Work::default();
                let (mut found, mut expected) = (vec![0; len], vec![0; len]);
                let plain = Conv::<Whole>::new(&s, &weight, finish.clone());
                plain.reserve(&mut work, batch);
                let y = Target { values: &mut expected[..], code: code(0.1, 50) };
                plain.run(Level::Scalar, batch, x, residual, y, &mut work);
                let bytes = Bytes::pack(&s, &weight);
                bytes.reserve(&mut work);
                for products in [0, 128].map(ByteProducts::specified) {
                    let y = Target { values: &mut found[..], code: code(0.1, 50) };
                    let level = Level::current();
                    bytes.run(level, products, batch, x, residual, &finish, y, &mut work);
                    for i in (0..len).filter(|i| i % pitch(outputs) < outputs) {
                        assert_eq!(found[i], expected[i], "{s:?}, value {i}");
                    }
                }
            }
        }
    }
}
