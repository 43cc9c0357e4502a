//! Bytes by bytes with AMX: tiles of 16 rows by 64 bytes, products of two of them.
//!
//! 64 weights of a panel's 16 columns are one tile. Two tiles of rows by two of weights make four
//! sums, a load for each product. The processor multiplies for 64 cycles in such a step, and does
//! what is to be done meanwhile beside it. Stable Rust has no intrinsics for these instructions; the compiler
//! itself never uses the tile registers, so that they keep their values from one line of assembly to
//! the next.

use core::arch::asm;

use super::dot::{COLUMNS, Dot, Meanwhile, PANELS, ROWS, SUMS, TILES};
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
    let steps = p.tiles.len().div_ceil(2) * p.runs.len() * p.run / STEP;
    let mut share = Share { parts: p.meanwhile.left(), steps, owed: 0 };
    for tile in (0..p.tiles.len()).step_by(2) {
        // SAFETY: the caller vouches for all of it.
        unsafe {
            match (p.tiles.len() - tile, p.panels()) {
                (1, 1) => block::<1, 1>(p, tile, &mut share),
                (1, _) => block::<1, 2>(p, tile, &mut share),
                (_, 1) => block::<2, 1>(p, tile, &mut share),
                _ => block::<2, 2>(p, tile, &mut share),
            }
        }
    }
}

/// So many parts of other work, spread over so many steps.
struct Share {
    parts: usize,
    steps: usize,
    /// What is due, in parts of a part as many as there are steps.
    owed: usize,
}

impl Share {
    #[inline(always)]
    fn step(&mut self, work: &mut dyn Meanwhile) {
        self.owed += self.parts;
        while self.owed >= self.steps {
            self.owed -= self.steps;
            work.next();
        }
    }
}

/// # Safety
/// As above, with T tiles from `tile` on and P panels.
#[inline]
unsafe fn block<const T: usize, const P: usize>(p: &mut Dot<'_>, tile: usize, share: &mut Share) {
    let (pitch, panel) = (p.stride, p.panel());
    let start = p.starts.as_ptr();
    let first = p.source[p.tiles[tile].start..].as_ptr();
    let second = p.source[p.tiles[tile + T - 1].start..].as_ptr();
    let mut weight = p.weight.as_ptr();
    // SAFETY: the caller vouches for 16 starts and for the weights of each panel, for 16 rows of each
    // tile, and for as many sums.
    unsafe {
        // Every row of a tile of sums starts as the same 16 numbers.
        load!("tmm0", start, 0_usize);
        if T > 1 {
            load!("tmm2", start, 0_usize);
        }
        if P > 1 {
            load!("tmm1", start.add(COLUMNS), 0_usize);
        }
        if T > 1 && P > 1 {
            load!("tmm3", start.add(COLUMNS), 0_usize);
        }
        for &run in p.runs {
            for k in (0..p.run).step_by(STEP) {
                load!("tmm4", first.add(run + k), pitch);
                load!("tmm6", weight, BYTES);
                multiply_add!("tmm0", "tmm4", "tmm6");
                if P > 1 {
                    load!("tmm7", weight.add(panel), BYTES);
                    multiply_add!("tmm1", "tmm4", "tmm7");
                }
                if T > 1 {
                    load!("tmm5", second.add(run + k), pitch);
                    multiply_add!("tmm2", "tmm5", "tmm6");
                }
                if T > 1 && P > 1 {
                    multiply_add!("tmm3", "tmm5", "tmm7");
                }
                weight = weight.add(STEP * COLUMNS);
                share.step(p.meanwhile);
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
