//! The inner loop: rows of a source by packed weights, several sums at once in registers.

use alloc::vec;

use super::aligned::Plain;
use crate::Level;

/// Most rows of a register tile.
pub(super) const ROWS: usize = 6;
/// Columns of a wide panel of weights; a narrow one has half.
pub(super) const COLUMNS: usize = 16;

/// Calls `$block::<M>` for every group of at most [`ROWS`] rows.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
macro_rules! by_rows {
    ($p:ident, $block:ident $(, $parameter:tt)*) => {
        for first in (0..$p.rows.starts().len()).step_by($crate::infer::tile::ROWS) {
            // SAFETY: the caller vouches for the extents of all rows.
            unsafe {
                match $p.rows.starts().len() - first {
                    1 => $block::<1 $(, $parameter)*>($p, first),
                    2 => $block::<2 $(, $parameter)*>($p, first),
                    3 => $block::<3 $(, $parameter)*>($p, first),
                    4 => $block::<4 $(, $parameter)*>($p, first),
                    5 => $block::<5 $(, $parameter)*>($p, first),
                    _ => $block::<6 $(, $parameter)*>($p, first),
                }
            }
        }
    };
}
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub(super) use by_rows;

/// Where rows start in a source, and the last place among them.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    starts: &'a [usize],
    last: usize,
}

impl<'a> Rows<'a> {
    pub(super) fn new(starts: &'a [usize]) -> Self {
        // Eight at a time, which do not wait for each other.
        let (eights, rest) = starts.as_chunks::<8>();
        let mut last = [0; 8];
        for eight in eights {
            for (last, &start) in last.iter_mut().zip(eight) {
                *last = start.max(*last);
            }
        }
        Self { starts, last: rest.iter().chain(&last).copied().max().unwrap_or(0) }
    }

    #[cfg(any(
        target_arch = "x86_64",
        all(target_arch = "aarch64", target_feature = "neon"),
        all(target_arch = "wasm32", target_feature = "simd128")
    ))]
    pub(super) fn starts(&self) -> &'a [usize] {
        self.starts
    }
}

/// Sums of products for some rows and one panel of columns.
///
/// `into[i * pitch + n] = sum over runs r and steps k of source[rows[i] + runs[r] + k] *
/// weight[r][k][n]`, for n below 16 or 8. In whole numbers a step is a pair of values: `source` at
/// `2 k` and `2 k + 1`, `weight [r][k][n][2]`.
pub(super) struct Product<'a, X, S> {
    pub(super) source: &'a [X],
    pub(super) rows: Rows<'a>,
    pub(super) runs: &'a [usize],
    pub(super) steps: usize,
    pub(super) weight: &'a [X],
    pub(super) into: &'a mut [S],
    pub(super) pitch: usize,
}

/// The inner loops of one arithmetic on one instruction set.
///
/// Both trust the extents of their argument, and that the processor has the instruction set.
pub(super) struct Tiles<X, S> {
    pub(super) wide: unsafe fn(&mut Product<'_, X, S>),
    pub(super) narrow: unsafe fn(&mut Product<'_, X, S>),
}

impl<X: Plain, S: Plain> Tiles<X, S> {
    /// Values of `source` in a step.
    const STEP: usize = size_of::<S>() / size_of::<X>();

    /// Computes `p` for a panel of `columns`, 16 or 8.
    ///
    /// # Panics
    /// Where `p` reaches beyond one of its slices.
    pub(super) fn run(&self, columns: usize, p: &mut Product<'_, X, S>) {
        let Some(last_run) = p.runs.iter().max().filter(|_| !p.rows.starts.is_empty()) else {
            return;
        };
        assert!(columns == COLUMNS || columns == COLUMNS / 2);
        let steps = p.steps * Self::STEP;
        assert!(
            p.rows.last + last_run + steps <= p.source.len(),
            "the source ends before the rows"
        );
        assert!(p.runs.len() * steps * columns <= p.weight.len(), "the weight is too short");
        assert!(
            (p.rows.starts.len() - 1) * p.pitch + columns <= p.into.len(),
            "the target is too short"
        );
        // SAFETY: the extents were just checked, and tables are handed out by level.
        unsafe { if columns == COLUMNS { (self.wide)(p) } else { (self.narrow)(p) } }
    }
}

/// The tables of one level.
pub(super) struct Table {
    pub(super) fused: Tiles<f32, f32>,
    pub(super) exact: Tiles<f32, f32>,
    pub(super) whole: Tiles<i16, i32>,
}

impl Table {
    pub(super) fn of(level: Level) -> &'static Self {
        match level {
            #[cfg(target_arch = "x86_64")]
            _ if level.runs(Level::Avx512Vnni) => &super::tile_avx512::VNNI,
            #[cfg(target_arch = "x86_64")]
            _ if level.runs(Level::Avx512) => &super::tile_avx512::TABLE,
            #[cfg(target_arch = "x86_64")]
            _ if level.runs(Level::AvxVnni) => &super::tile_avx2::VNNI,
            #[cfg(target_arch = "x86_64")]
            _ if level.runs(Level::Avx2) => &super::tile_avx2::TABLE,
            #[cfg(target_arch = "x86_64")]
            _ if level.runs(Level::Sse2) => &super::tile_sse2::TABLE,
            #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
            _ if level.runs(Level::Neon) => &super::tile_neon::TABLE,
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Level::Simd128 => &super::tile_simd128::TABLE,
            _ => &SCALAR,
        }
    }
}

/// The specification. Both float arithmetics round every product and every sum here.
static SCALAR: Table = Table {
    fused: Tiles { wide: float::<16>, narrow: float::<8> },
    exact: Tiles { wide: float::<16>, narrow: float::<8> },
    whole: Tiles { wide: whole::<16>, narrow: whole::<8> },
};

pub(super) fn float<const N: usize>(p: &mut Product<'_, f32, f32>) {
    for (i, &row) in p.rows.starts.iter().enumerate() {
        let mut sum = [0.0; N];
        for (&run, weight) in p.runs.iter().zip(p.weight.chunks_exact(p.steps * N)) {
            let source = &p.source[row + run..][..p.steps];
            for (x, weight) in source.iter().zip(weight.chunks_exact(N)) {
                sum.iter_mut().zip(weight).for_each(|(sum, w)| *sum += x * w);
            }
        }
        p.into[i * p.pitch..][..N].copy_from_slice(&sum);
    }
}

fn whole<const N: usize>(p: &mut Product<'_, i16, i32>) {
    for (i, &row) in p.rows.starts.iter().enumerate() {
        let mut sum = [0_i32; N];
        for (&run, weight) in p.runs.iter().zip(p.weight.chunks_exact(2 * p.steps * N)) {
            let source = &p.source[row + run..][..2 * p.steps];
            for (x, weight) in source.chunks_exact(2).zip(weight.chunks_exact(2 * N)) {
                for (sum, w) in sum.iter_mut().zip(weight.chunks_exact(2)) {
                    let products = [0, 1].map(|i| i32::from(x[i]) * i32::from(w[i]));
                    *sum = sum.wrapping_add(products[0].wrapping_add(products[1]));
                }
            }
        }
        p.into[i * p.pitch..][..N].copy_from_slice(&sum);
    }
}

/// Which inner loop's speed is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peak {
    /// Floats.
    Float,
    /// Whole numbers.
    Whole,
}

/// Runs the inner loop on data in the first-level cache and nothing else, `repeats` times; yields
/// the multiply-adds done. With a clock around it this is the core's practical peak.
pub fn multiply_adds(level: Level, peak: Peak, repeats: usize) -> usize {
    const STEPS: usize = 128;
    let rows: [usize; 4 * ROWS] = core::array::from_fn(|i| i * 8);
    fn repeat<X: Plain, S: Plain>(tiles: &Tiles<X, S>, rows: &[usize], repeats: usize) -> usize {
        let values = STEPS * Tiles::<X, S>::STEP;
        let source = vec![X::default(); values + 8 * rows.len()];
        let weight = super::aligned::Aligned::<X>::new(values * COLUMNS);
        let mut into = vec![S::default(); rows.len() * COLUMNS];
        for _ in 0..repeats {
            let (source, into) = (core::hint::black_box(&source[..]), &mut into[..]);
            let weight = &weight[..];
            let rows = Rows::new(rows);
            let mut p =
                Product { source, rows, runs: &[0], steps: STEPS, weight, into, pitch: COLUMNS };
            tiles.run(COLUMNS, &mut p);
        }
        core::hint::black_box(&into);
        repeats * rows.len() * COLUMNS * values
    }
    match peak {
        Peak::Float => repeat(&Table::of(level).fused, &rows, repeats),
        Peak::Whole => repeat(&Table::of(level).whole, &rows, repeats),
    }
}
