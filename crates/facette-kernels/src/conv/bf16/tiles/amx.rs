//! The products with AMX: four tiles of sums from two tiles of either factor, so that each tile that is
//! loaded is multiplied twice.
//!
//! Stable Rust has no intrinsics for these instructions; the compiler itself never uses the tile
//! registers, so that they keep their values from one line of assembly to the next.

use core::arch::asm;

use super::{Correlated, Gathered, HALVES, SIDE, SUMS, Tiles};

pub(super) static TILES: Tiles = Tiles { gather, correlate };

/// Bytes of a row of a tile.
const BYTES: usize = 64;

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

/// Stores a tile to rows `$pitch` bytes apart.
macro_rules! store {
    ($tile:tt, $into:expr, $pitch:expr) => {
        asm!(
            concat!("tilestored [{into} + {pitch}], ", $tile),
            into = in(reg) $into,
            pitch = in(reg) $pitch,
            options(nostack, preserves_flags)
        )
    };
}

/// Sets a tile of sums to zero.
macro_rules! zero {
    ($tile:tt) => {
        asm!(
            concat!("tilezero ", $tile),
            out($tile) _,
            options(nostack, nomem, preserves_flags)
        )
    };
}

/// Adds a product of two tiles to a third.
macro_rules! multiply_add {
    ($sum:tt, $a:tt, $b:tt) => {
        asm!(
            concat!("tdpbf16ps ", $sum, ", ", $a, ", ", $b),
            out($sum) _,
            options(nostack, nomem, preserves_flags)
        )
    };
}

/// Divides the tile registers.
///
/// # Safety
/// The process must be allowed to use the tiles.
unsafe fn configure() {
    // SAFETY: the configuration is one that the processor has, and nobody else uses the tiles.
    unsafe {
        asm!(
            "ldtilecfg [{}]",
            in(reg) &raw const CONFIGURATION,
            options(nostack, readonly, preserves_flags)
        );
    }
}

/// Gives the tiles back, so that the system need not save them.
///
/// # Safety
/// As [`configure`].
unsafe fn release() {
    // SAFETY: the tiles are no longer needed.
    unsafe { asm!("tilerelease", options(nostack, nomem, preserves_flags)) };
}

unsafe fn gather(g: &Gathered<'_>) {
    let pitch = g.pitch * size_of::<u32>();
    let out_pitch = g.positions * size_of::<f32>();
    let both = g.row_tiles > 1;
    // SAFETY: the caller vouches for the tiles of weights of every tap and block, for sources at
    // every position that the taps meet, for sums of all rows, and that tiles may be used.
    unsafe {
        configure();
        for position in (0..g.positions).step_by(2 * SIDE) {
            zero!("tmm0");
            zero!("tmm1");
            zero!("tmm2");
            zero!("tmm3");
            let mut weights = g.weights;
            for tap in g.taps {
                let mut source = g.source.add(tap + position);
                for _ in 0..g.blocks {
                    load!("tmm6", source, pitch);
                    load!("tmm4", weights, BYTES);
                    multiply_add!("tmm0", "tmm4", "tmm6");
                    load!("tmm7", source.add(SIDE), pitch);
                    multiply_add!("tmm1", "tmm4", "tmm7");
                    if both {
                        load!("tmm5", weights.add(g.row_tiles_apart), BYTES);
                        multiply_add!("tmm2", "tmm5", "tmm6");
                        multiply_add!("tmm3", "tmm5", "tmm7");
                    }
                    weights = weights.add(HALVES);
                    source = source.wrapping_add(SIDE * g.pitch);
                }
            }
            let out = g.out.add(position);
            store!("tmm0", out, out_pitch);
            store!("tmm1", out.add(SIDE), out_pitch);
            if both {
                let out = out.add(SIDE * g.positions);
                store!("tmm2", out, out_pitch);
                store!("tmm3", out.add(SIDE), out_pitch);
            }
        }
        release();
    }
}

unsafe fn correlate(c: &Correlated) {
    let pitch = c.pitch * size_of::<u16>();
    let (tall, wide) = (c.input_tiles > 1, c.gradient_tiles > 1);
    // SAFETY: the caller vouches for `steps` tiles of both factors, for four tiles of sums, and
    // that tiles may be used.
    unsafe {
        configure();
        load!("tmm0", c.sums, BYTES);
        load!("tmm1", c.sums.add(SUMS), BYTES);
        load!("tmm2", c.sums.add(2 * SUMS), BYTES);
        load!("tmm3", c.sums.add(3 * SUMS), BYTES);
        for step in 0..c.steps {
            let input = c.input.add(step * 2 * SIDE);
            let gradient = c.gradient.add(step * SUMS);
            load!("tmm4", input, pitch);
            load!("tmm6", gradient, BYTES);
            multiply_add!("tmm0", "tmm4", "tmm6");
            if wide {
                load!("tmm7", gradient.add(c.gradient_tiles_apart), BYTES);
                multiply_add!("tmm1", "tmm4", "tmm7");
            }
            if tall {
                load!("tmm5", input.add(SIDE * c.pitch), pitch);
                multiply_add!("tmm2", "tmm5", "tmm6");
                if wide {
                    multiply_add!("tmm3", "tmm5", "tmm7");
                }
            }
        }
        store!("tmm0", c.sums, BYTES);
        store!("tmm1", c.sums.add(SUMS), BYTES);
        store!("tmm2", c.sums.add(2 * SUMS), BYTES);
        store!("tmm3", c.sums.add(3 * SUMS), BYTES);
        release();
    }
}
