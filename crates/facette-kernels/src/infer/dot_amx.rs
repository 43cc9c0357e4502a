//! Bytes by bytes with AMX: tiles of 16 rows by 64 bytes, products of two of them.
//!
//! 64 weights of a panel's 16 columns are one tile. Two tiles of rows by two of weights make four
//! sums, a load for each product. The processor multiplies for 64 cycles in such a step, and does
//! what is to be done meanwhile beside it. Stable Rust has no intrinsics for these instructions; the compiler
//! itself never uses the tile registers, so that they keep their values from one line of assembly to
//! the next.

use core::arch::asm;

use super::dot::{COLUMNS, Dot, PANELS, ROWS, SUMS, TILES};
use super::settle_avx512::{Fours, Waiting};
use super::unrolled::STEP;

/// Bytes of a row of a tile.
const BYTES: usize = 64;

const _: () = assert!(ROWS == 16 && COLUMNS == 16 && STEP == BYTES && PANELS == 2);

/// How the tile registers are divided: all eight of 16 rows by 64 bytes.
#[repr(C, align(64))]
struct Configuration {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    bytes: [u16; 16],
    rows: [u8; 16],
}

static CONFIGURATION: Configuration = Configuration {
    palette: 1,
    start_row: 0,
    reserved: [0; 14],
    bytes: [64, 64, 64, 64, 64, 64, 64, 64, 0, 0, 0, 0, 0, 0, 0, 0],
    rows: [16, 16, 16, 16, 16, 16, 16, 16, 0, 0, 0, 0, 0, 0, 0, 0],
};

/// Makes the tile registers what the loop takes them for.
///
/// # Safety
/// The process must be allowed to use the tiles.
pub(super) unsafe fn begin() {
    // SAFETY: the configuration is one that the processor has, and nobody else uses the tiles.
    unsafe {
        asm!(
            "ldtilecfg [{}]",
            in(reg) &raw const CONFIGURATION,
            options(nostack, readonly, preserves_flags)
        );
    }
}

/// Gives the tile registers back, so that the system need not keep them.
///
/// # Safety
/// As for [`begin`].
pub(super) unsafe fn end() {
    // SAFETY: the tiles are no longer needed.
    unsafe { asm!("tilerelease", options(nostack, nomem, preserves_flags)) };
}

/// Loads a tile from rows `$pitch` bytes apart.
macro_rules! load {
    ($tile:tt, $from:expr, $pitch:expr) => {
        asm!(
            concat!("tileloadd ", $tile, ", [{from} + {pitch}]"),
            from = in(reg) $from,
            pitch = in(reg) $pitch,
            out($tile) _,
            options(nostack, readonly, preserves_flags)
        )
    };
}

/// Makes a tile of sums start: each of its 16 rows as the same 16 numbers, `None` as zeros.
macro_rules! start {
    ($sum:tt, $from:expr) => {
        match $from {
            Some(from) => load!($sum, from, 0_usize),
            None => asm!(
                concat!("tilezero ", $sum),
                out($sum) _,
                options(nostack, nomem, preserves_flags)
            ),
        }
    };
}

/// Adds the product of two tiles to `$sum`.
macro_rules! multiply_add {
    ($sum:tt, $rows:tt, $weight:tt) => {
        asm!(
            concat!("tdpbusd ", $sum, ", ", $rows, ", ", $weight),
            out($sum) _,
            options(nostack, nomem, preserves_flags)
        )
    };
}

/// Stores a tile to rows of 64 bytes.
macro_rules! store {
    ($tile:tt, $into:expr) => {
        asm!(
            concat!("tilestored [{into} + {pitch}], ", $tile),
            into = in(reg) $into,
            pitch = in(reg) BYTES,
            options(nostack, preserves_flags)
        )
    };
}

/// # Safety
/// [`Dot::check`] must pass, and [`begin`] have been called.
pub(super) unsafe fn dot(p: &mut Dot<'_>) {
    // SAFETY: the caller vouches for all of it, and for AVX-512, without which there is no AMX.
    unsafe {
        let Some(waiting) = p.waiting.filter(|waiting| waiting.fours > 0) else {
            return blocks(p, &mut ());
        };
        let products = p.tiles.len() * p.panels() * p.runs.len() * p.run / STEP;
        let share = Share { parts: waiting.fours, products, owed: 0 };
        match waiting.way {
            [false, false] => blocks(p, &mut Between::<false, false, false>::new(share, waiting)),
            [false, true] => blocks(p, &mut Between::<false, true, false>::new(share, waiting)),
            [true, false] => blocks(p, &mut Between::<true, false, false>::new(share, waiting)),
            [true, true] => blocks(p, &mut Between::<true, false, true>::new(share, waiting)),
        }
    }
}

/// Work done beside the products.
trait Beside {
    /// What is due after a product.
    ///
    /// # Safety
    /// The processor must have AVX-512, and there must not be more products than were said.
    unsafe fn product(&mut self);
}

/// None.
impl Beside for () {
    #[inline]
    unsafe fn product(&mut self) {}
}

/// So many parts of other work, spread over so many products.
struct Share {
    parts: usize,
    products: usize,
    /// What is due, in parts of a part as many as there are products.
    owed: usize,
}

/// The pixels that wait.
struct Between<'a, const RESIDUAL: bool, const INNER: bool, const OUTER: bool> {
    share: Share,
    fours: Fours<'a, RESIDUAL, INNER, OUTER>,
}

impl<'a, const RESIDUAL: bool, const INNER: bool, const OUTER: bool>
    Between<'a, RESIDUAL, INNER, OUTER>
{
    /// # Safety
    /// As for [`Fours::new`], on a processor that has AVX-512.
    #[inline]
    unsafe fn new(share: Share, waiting: &'a Waiting<'a>) -> Self {
        // SAFETY: the caller vouches for it.
        Self { share, fours: unsafe { Fours::new(waiting) } }
    }
}

impl<const RESIDUAL: bool, const INNER: bool, const OUTER: bool> Beside
    for Between<'_, RESIDUAL, INNER, OUTER>
{
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn product(&mut self) {
        let Self { share, fours } = self;
        share.owed += share.parts;
        while share.owed >= share.products {
            share.owed -= share.products;
            // SAFETY: after all products all parts were due, and none more.
            unsafe { fours.next() };
        }
    }
}

/// # Safety
/// As above, and `beside` must be prepared for as many products as there are.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn blocks(p: &mut Dot<'_>, beside: &mut impl Beside) {
    for tile in (0..p.tiles.len()).step_by(2) {
        // SAFETY: the caller vouches for all of it.
        unsafe {
            match (p.tiles.len() - tile, p.panels()) {
                (1, 1) => block::<1, 1>(p, tile, beside),
                (1, _) => block::<1, 2>(p, tile, beside),
                (_, 1) => block::<2, 1>(p, tile, beside),
                _ => block::<2, 2>(p, tile, beside),
            }
        }
    }
}

/// # Safety
/// As above, with T tiles from `tile` on and P panels.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn block<const T: usize, const P: usize>(
    p: &mut Dot<'_>,
    tile: usize,
    beside: &mut impl Beside,
) {
    let (pitch, panel) = (p.stride, p.panel());
    let all_zero = p.starts.iter().all(|&start| start == 0);
    let start = |panel: usize| (!all_zero).then(|| p.starts[panel * COLUMNS..].as_ptr());
    let first = p.source[p.tiles[tile].start..].as_ptr();
    let second = p.source[p.tiles[tile + T - 1].start..].as_ptr();
    let mut weight = p.weight.as_ptr();
    // SAFETY: the caller vouches for 16 starts and for the weights of each panel, for 16 rows of each
    // tile, and for as many sums.
    unsafe {
        start!("tmm0", start(0));
        if T > 1 {
            start!("tmm2", start(0));
        }
        if P > 1 {
            start!("tmm1", start(1));
        }
        if T > 1 && P > 1 {
            start!("tmm3", start(1));
        }
        for &run in p.runs {
            for k in (0..p.run).step_by(STEP) {
                load!("tmm4", first.add(run + k), pitch);
                load!("tmm6", weight, BYTES);
                multiply_add!("tmm0", "tmm4", "tmm6");
                beside.product();
                if P > 1 {
                    load!("tmm7", weight.add(panel), BYTES);
                    multiply_add!("tmm1", "tmm4", "tmm7");
                    beside.product();
                }
                if T > 1 {
                    load!("tmm5", second.add(run + k), pitch);
                    multiply_add!("tmm2", "tmm5", "tmm6");
                    beside.product();
                }
                if T > 1 && P > 1 {
                    multiply_add!("tmm3", "tmm5", "tmm7");
                    beside.product();
                }
                weight = weight.add(STEP * COLUMNS);
            }
        }
        let into = p.into.as_mut_ptr().add(tile * SUMS);
        store!("tmm0", into);
        if T > 1 {
            store!("tmm2", into.add(SUMS));
        }
        if P > 1 {
            store!("tmm1", into.add(TILES * SUMS));
        }
        if T > 1 && P > 1 {
            store!("tmm3", into.add(TILES * SUMS + SUMS));
        }
    }
}
