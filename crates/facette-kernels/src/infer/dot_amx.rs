//! Bytes by bytes with AMX: tiles of 16 rows by 64 bytes, products of two of them.
//!
//! A panel's 64 weights of 16 columns are one tile, which at most four tiles of rows are multiplied
//! by. Stable Rust has no intrinsics for these instructions; the compiler itself never uses the tile
//! registers, so that they keep their values from one line of assembly to the next.

use core::arch::asm;

use super::dot::{BAND, COLUMNS, DEPTH, Dot};

/// Rows of a tile.
const ROWS: usize = 16;

/// Bytes of a row of a tile.
const BYTES: usize = 64;

const _: () = assert!(BAND == 4 * ROWS && COLUMNS == ROWS && DEPTH == BYTES);

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

/// Loads a tile of rows and adds its product with the weights in tmm7 to `$sum`.
macro_rules! multiply_add {
    ($sum:tt, $rows:tt, $from:expr, $pitch:expr) => {
        asm!(
            concat!("tileloadd ", $rows, ", [{from} + {pitch}]"),
            concat!("tdpbusd ", $sum, ", ", $rows, ", tmm7"),
            from = in(reg) $from,
            pitch = in(reg) $pitch,
            out($sum) _,
            out($rows) _,
            options(nostack, readonly, preserves_flags)
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
/// [`Dot::check`] must pass, and the process must be allowed to use the tiles.
pub(super) unsafe fn dot(p: &mut Dot<'_>) {
    let tiles = p.count.div_ceil(ROWS);
    let pitch = p.depth;
    // SAFETY: the configuration is one that the processor has, and nobody else uses the tiles.
    unsafe {
        asm!(
            "ldtilecfg [{}]",
            in(reg) &raw const CONFIGURATION,
            options(nostack, readonly, preserves_flags)
        );
    }
    for panel in 0..p.panels() {
        let start = p.starts[panel * COLUMNS..].as_ptr();
        let into = p.into[panel * BAND * COLUMNS..].as_mut_ptr();
        let weight = p.weight[panel * p.depth * COLUMNS..].as_ptr();
        // SAFETY: the caller vouches for 16 starts, `depth` by 16 weights, 64 rows of `depth` bytes
        // and 64 rows of 16 sums, so that four tiles of rows exist whatever the count.
        unsafe {
            // Every row of a tile of sums starts as the same 16 numbers.
            load!("tmm0", start, 0_usize);
            load!("tmm1", start, 0_usize);
            load!("tmm2", start, 0_usize);
            load!("tmm3", start, 0_usize);
            for k in (0..p.depth).step_by(DEPTH) {
                let rows = p.rows.as_ptr().add(k);
                load!("tmm7", weight.add(k * COLUMNS), BYTES);
                multiply_add!("tmm0", "tmm4", rows, pitch);
                if tiles > 1 {
                    multiply_add!("tmm1", "tmm5", rows.add(ROWS * pitch), pitch);
                }
                if tiles > 2 {
                    multiply_add!("tmm2", "tmm6", rows.add(2 * ROWS * pitch), pitch);
                }
                if tiles > 3 {
                    multiply_add!("tmm3", "tmm4", rows.add(3 * ROWS * pitch), pitch);
                }
            }
            store!("tmm0", into);
            store!("tmm1", into.add(ROWS * COLUMNS));
            store!("tmm2", into.add(2 * ROWS * COLUMNS));
            store!("tmm3", into.add(3 * ROWS * COLUMNS));
        }
    }
    // SAFETY: the tiles are no longer needed.
    unsafe { asm!("tilerelease", options(nostack, nomem, preserves_flags)) };
}
