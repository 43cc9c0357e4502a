//! Rows of bytes by panels of int8 weights.

#[cfg(target_arch = "x86_64")]
use super::bytes::Run;
#[cfg(target_arch = "x86_64")]
use super::settle_avx512::Sixteen;
use super::unrolled::STEP;
use crate::Level;

/// Rows of a tile.
pub(super) const ROWS: usize = 16;
/// Most tiles of a band.
pub(super) const TILES: usize = 4;
/// Columns of a panel.
pub(super) const COLUMNS: usize = super::tile::COLUMNS;
/// Most panels at a time.
pub(super) const PANELS: usize = 2;

/// Sums of a tile by a panel.
pub(super) const SUMS: usize = ROWS * COLUMNS;

/// Rows at one distance from each other.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tile {
    /// Where the first row starts.
    pub(super) start: usize,
    /// Rows whose sums are asked for.
    pub(super) count: usize,
}

/// `into[p][t][i][n] = starts[p][n] + sum over runs r and k below used of
/// (source[tiles[t].start + i stride + runs[r] + k] - s) * weight[p][r][k / 4][n][k % 4]`, modulo
/// 2^32, for rows i below the tile's count, with s from [`ByteProducts`].
///
/// All 16 rows of a tile, and their runs up to `run` bytes, must lie in `source` and may be read, and
/// all 16 rows of `into` may be written. A panel of weights has `run` bytes a run, of which those
/// beyond `used` are 0.
pub(super) struct Dot<'a> {
    pub(super) source: &'a [u8],
    pub(super) tiles: &'a [Tile],
    /// From one row to the next.
    pub(super) stride: usize,
    pub(super) runs: &'a [usize],
    /// A multiple of [`STEP`], and no less than `used`.
    pub(super) run: usize,
    pub(super) used: usize,
    pub(super) weight: &'a [i8],
    pub(super) starts: &'a [i32],
    pub(super) into: &'a mut [i32],
}

impl Dot<'_> {
    pub(super) fn panels(&self) -> usize {
        self.starts.len() / COLUMNS
    }

    /// Weights of a panel.
    pub(super) fn panel(&self) -> usize {
        self.runs.len() * self.run * COLUMNS
    }

    /// # Panics
    /// Where the slices do not hold what is to be read and written.
    pub(super) fn check(&self) {
        let panels = self.panels();
        assert!(self.run.is_multiple_of(STEP) && (4..=self.run).contains(&self.used), "runs");
        assert!(self.used.is_multiple_of(4), "runs");
        assert!(self.tiles.len() <= TILES && panels <= PANELS, "a band");
        let last = |of: Option<usize>| of.expect("there are tiles and runs");
        let (tile, run) = (self.tiles.iter().map(|t| t.start).max(), self.runs.iter().max());
        let end = last(tile) + (ROWS - 1) * self.stride + last(run.copied()) + self.run;
        assert!(end <= self.source.len(), "the source ends before the rows");
        assert!(self.tiles.iter().all(|tile| (1..=ROWS).contains(&tile.count)), "rows");
        assert_eq!(self.weight.len(), panels * self.panel(), "weight");
        assert_eq!(self.into.len(), panels * TILES * SUMS, "sums");
    }
}

/// The loop of a level that has instructions for bytes.
#[derive(Clone, Copy)]
pub(super) struct ByteProducts {
    /// Must have been called before `dot`, on the same thread, and `end` after it.
    pub(super) begin: unsafe fn(),
    /// Trusts that [`Dot::check`] has passed and that the processor has the level.
    pub(super) dot: unsafe fn(&mut Dot<'_>),
    pub(super) end: unsafe fn(),
    /// A way of its own for the layers of which [`Run::is_tiled`] says so. Trusts that the processor
    /// has the level, and that `begin` has been called.
    #[cfg(target_arch = "x86_64")]
    pub(super) tiled: Option<unsafe fn(Run<'_>, &Sixteen<'_>)>,
    /// What it takes off each byte of the rows.
    pub(super) taken: u8,
    /// Input channels from which on Winograd's shortcut outdoes it.
    pub(super) shortcut_from: usize,
}

impl ByteProducts {
    /// `None` for levels without such instructions.
    pub(super) fn of(level: Level) -> Option<Self> {
        match level {
            #[cfg(target_arch = "x86_64")]
            _ if level.runs(Level::Amx) => Some(Self {
                begin: super::dot_amx::begin,
                dot: super::dot_amx::dot,
                end: super::dot_amx::end,
                tiled: Some(super::bytes_amx::tiled::<super::bytes_amx::Tiled>),
                taken: 0,
                shortcut_from: usize::MAX,
            }),
            #[cfg(target_arch = "x86_64")]
            _ if level.runs(Level::Avx512Vnni) => Some(Self::plain(super::dot_vnni::wide, 0, 32)),
            #[cfg(target_arch = "x86_64")]
            _ if level.runs(Level::AvxVnni) => Some(Self::plain(super::dot_vnni::narrow, 0, 0)),
            #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
            _ if level.runs(Level::NeonDot) => {
                Some(Self::plain(super::dot_neon::dot, 128, usize::MAX))
            }
            _ => None,
        }
    }

    /// A loop that needs nothing before or after.
    #[cfg(any(test, target_arch = "x86_64", target_arch = "aarch64"))]
    fn plain(dot: unsafe fn(&mut Dot<'_>), taken: u8, shortcut_from: usize) -> Self {
        Self {
            begin: || (),
            dot,
            end: || (),
            #[cfg(target_arch = "x86_64")]
            tiled: None,
            taken,
            shortcut_from,
        }
    }
}

/// What the layers of a level begin and end with; as long as one lives on a thread, others there have
/// nothing to do.
#[derive(Debug)]
pub struct Held {
    end: unsafe fn(),
    /// It belongs to its thread.
    thread: core::marker::PhantomData<*const ()>,
}

impl Held {
    /// Begins; `None` for levels without instructions for bytes.
    pub fn new(level: Level) -> Option<Self> {
        ByteProducts::of(level).map(Self::of)
    }

    pub(super) fn of(products: ByteProducts) -> Self {
        // SAFETY: the table gives out what belongs to a level that this processor has.
        unsafe { (products.begin)() };
        Self { end: products.end, thread: core::marker::PhantomData }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // SAFETY: it was begun when this was made, and on the same thread.
        unsafe { (self.end)() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The specification, which takes `TAKEN` off each byte.
    fn dot<const TAKEN: i32>(p: &mut Dot<'_>) {
        for i in 0..p.panels() * p.tiles.len() * SUMS {
            let (panel, tile) = (i / SUMS / p.tiles.len(), i / SUMS % p.tiles.len());
            let (row, column) = (i % SUMS / COLUMNS, i % COLUMNS);
            let mut sum = p.starts[panel * COLUMNS + column];
            for (r, run) in p.runs.iter().enumerate() {
                for k in 0..p.used {
                    let at = panel * p.panel() + (r * p.run + k / 4 * 4) * COLUMNS;
                    let byte = p.source[p.tiles[tile].start + row * p.stride + run + k];
                    let weight = i32::from(p.weight[at + 4 * column + k % 4]);
                    sum = sum.wrapping_add((i32::from(byte) - TAKEN) * weight);
                }
            }
            p.into[(panel * TILES + tile) * SUMS + i % SUMS] = sum;
        }
    }

    impl ByteProducts {
        /// The specification; 0 or 128 is taken off each byte.
        pub(in crate::infer) fn specified(taken: u8) -> Self {
            Self::plain(if taken == 0 { dot::<0> } else { dot::<128> }, taken, 0)
        }
    }

    fn check([used, stride]: [usize; 2], rows: usize, panels: usize, tiles: &[Tile]) {
        let run = used.next_multiple_of(STEP);
        let number = |i: usize| (i.wrapping_mul(2_654_435_761) >> 13) as u8;
        let source: Vec<u8> = (0..96 * stride + run).map(number).collect();
        let runs: Vec<usize> = (0..rows).map(|row| row * 7 * stride).collect();
        // The largest magnitudes among them, and nothing beyond what is used.
        let weight = |i: usize| match i / (4 * COLUMNS) % (run / 4) * 4 < used {
            true if i.is_multiple_of(7) => -128,
            true => number(i + 5) as i8,
            false => 0,
        };
        let weight: Vec<i8> = (0..panels * rows * run * COLUMNS).map(weight).collect();
        let starts: Vec<i32> = (0..panels * COLUMNS).map(|i| i as i32 * -77).collect();
        for &level in Level::available() {
            let Some(products) = ByteProducts::of(level) else { continue };
            let mut sums = [products, ByteProducts::specified(products.taken)].map(|products| {
                let mut into = vec![i32::MIN; panels * TILES * SUMS];
                let (weight, starts, source) = (&weight[..], &starts[..], &source[..]);
                let (runs, into) = (&runs[..], &mut into[..]);
                let mut p = Dot { source, tiles, stride, runs, run, used, weight, starts, into };
                p.check();
                // SAFETY: the extents were checked, and the level is available.
                unsafe {
                    (products.begin)();
                    (products.dot)(&mut p);
                    (products.end)();
                }
                p.into.to_vec()
            });
            // What lies behind the rows that are asked for is of no account.
            for sums in &mut sums {
                for (i, sum) in sums.iter_mut().enumerate() {
                    let tile = tiles.get(i / SUMS % TILES).copied().unwrap_or_default();
                    if i % SUMS / COLUMNS >= tile.count {
                        *sum = 0;
                    }
                }
            }
            assert_eq!(sums[0], sums[1], "{level:?}, {used} of {stride} in {rows} runs");
        }
    }

    #[test]
    fn every_level_sums_bytes_as_defined() {
        let table =
            [(8, 64, 1), (96, 32, 3), (64, 64, 2), (96, 128, 3), (180, 192, 3), (72, 24, 2)];
        // An interpreter takes a second for what takes a millisecond otherwise.
        let (shapes, apart) = if cfg!(miri) { (2, 5) } else { (table.len(), 1) };
        for (used, stride, rows) in table.into_iter().take(shapes) {
            for panels in 1..=PANELS {
                for tiles in 1..=TILES {
                    let tiles: Vec<Tile> = (0..tiles)
                        .map(|t| Tile { start: t * 19 * stride, count: [16, 16, 5, 9][t] })
                        .collect();
                    check([used, stride], rows, panels, &tiles);
                }
                for count in (1..=ROWS).step_by(apart) {
                    check([used, stride], rows, panels, &[Tile { start: 3 * stride, count }]);
                }
            }
        }
    }
}
