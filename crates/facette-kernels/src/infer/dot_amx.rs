//! Bytes by bytes with AMX: tiles of 16 rows by 64 bytes, products of two of them.
//!
//! 64 weights of a panel's 16 columns are one tile. Two tiles of rows by two of weights make four
//! sums, a load for each product. The processor multiplies for 64 cycles in such a step, and does
//! what is to be done meanwhile beside it. Stable Rust has no intrinsics for these instructions; the compiler
//! itself never uses the tile registers, so that they keep their values from one line of assembly to
//! the next.

use core::arch::asm;
use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

use super::dot::{COLUMNS, Dot, PANELS, ROWS, SUMS, TILES};
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

#[cfg(feature = "std")]
std::thread_local! {
    /// How many have begun on this thread and not ended.
    static USERS: core::cell::Cell<usize> = const { core::cell::Cell::new(0) };
}

/// Adds `change` to the users of this thread's tiles; yields how many there were. Without threads to
/// tell apart none is remembered.
fn users(change: isize) -> usize {
    #[cfg(feature = "std")]
    return USERS.with(|users| users.replace(users.get().wrapping_add_signed(change)));
    #[cfg(not(feature = "std"))]
    return usize::from(change < 0);
}

/// Makes the tile registers what the loop takes them for, if nobody has on this thread.
///
/// # Safety
/// The process must be allowed to use the tiles.
pub(super) unsafe fn begin() {
    if users(1) > 0 {
        return;
    }
    // SAFETY: the configuration is one that the processor has, and nobody else uses the tiles.
    unsafe {
        asm!(
            "ldtilecfg [{}]",
            in(reg) &raw const CONFIGURATION,
            options(nostack, readonly, preserves_flags)
        );
    }
}

/// Gives the tile registers back, so that the system need not keep them, unless somebody else on this
/// thread has begun.
///
/// # Safety
/// [`begin`] must have been called for it.
pub(super) unsafe fn end() {
    if users(-1) > 1 {
        return;
    }
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
    for tile in (0..p.tiles.len()).step_by(2) {
        let tiles = (p.tiles.len() - tile).min(2);
        let rows = [0, tiles - 1].map(|t| p.source[p.tiles[tile + t].start..].as_ptr());
        let into = p.into[tile * SUMS..].as_mut_ptr();
        let block = Block {
            rows,
            pitch: p.stride,
            runs: p.runs,
            run: p.run,
            weight: p.weight,
            starts: p.starts,
            zeroed: false,
            into,
            apart: TILES * SUMS,
        };
        // SAFETY: the caller vouches for the extents.
        unsafe {
            match p.panels() {
                1 => block.multiply::<1>(tiles, &()),
                _ => block.multiply::<PANELS>(tiles, &()),
            }
        }
    }
}

/// Work done beside the products.
pub(super) trait Beside {
    /// How far it is.
    type Progress;

    /// At the beginning.
    fn start(&self) -> Self::Progress;

    /// What is due in a step; nothing in the first, during which the sums of the block before are
    /// still on their way to memory.
    ///
    /// # Safety
    /// The processor must have AVX-512, and there must not be more steps than were said.
    unsafe fn step(&self, progress: &mut Self::Progress);

    /// What is left after all steps.
    ///
    /// # Safety
    /// The processor must have AVX-512.
    unsafe fn rest(&self, progress: Self::Progress);
}

/// None.
impl Beside for () {
    type Progress = ();

    #[inline]
    fn start(&self) {}

    #[inline]
    unsafe fn step(&self, (): &mut ()) {}

    #[inline]
    unsafe fn rest(&self, (): ()) {}
}

/// Weights of a block that the first-level cache keeps from one block to the next.
const NEAR: usize = 24 << 10;

/// How far ahead others are fetched: two steps.
const AHEAD: usize = 2 * STEP * COLUMNS;

/// Has a tile's weights fetched from the second-level cache.
#[inline]
fn fetch(weight: *const i8) {
    for line in 0..ROWS {
        // SAFETY: fetching ahead is allowed of any address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(weight.wrapping_add(BYTES * line)) };
    }
}

/// One or two tiles of rows by one or two panels.
pub(super) struct Block<'a> {
    /// Where the first row of each tile is.
    pub(super) rows: [*const u8; 2],
    /// From one row to the next.
    pub(super) pitch: usize,
    pub(super) runs: &'a [usize],
    pub(super) run: usize,
    /// Of each panel, one behind the other.
    pub(super) weight: &'a [i8],
    /// Of each panel.
    pub(super) starts: &'a [i32],
    /// Whether all of them are 0.
    pub(super) zeroed: bool,
    /// Sums of the first tile by the first panel; the other's behind it.
    pub(super) into: *mut i32,
    /// From a tile's sums by one panel to those by the next.
    pub(super) apart: usize,
}

impl Block<'_> {
    /// # Safety
    /// [`begin`] must have been called. Each tile must have 16 rows with all runs, each of P panels 16
    /// starts and all weights, and each sum its place; `beside` must be prepared for so many products.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    pub(super) unsafe fn multiply<const P: usize>(&self, tiles: usize, beside: &impl Beside) {
        // SAFETY: the caller vouches for all of it.
        unsafe {
            match tiles {
                1 => self.parts::<1, P, _>(beside),
                _ => self.parts::<2, P, _>(beside),
            }
        }
    }

    /// # Safety
    /// As above, with T tiles and P panels.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn parts<const T: usize, const P: usize, B: Beside>(&self, beside: &B) {
        let mut progress = beside.start();
        let (pitch, panel, [first, second]) = (self.pitch, self.weight.len() / P, self.rows);
        let start = |panel: usize| (!self.zeroed).then(|| self.starts[panel * COLUMNS..].as_ptr());
        let mut weight = self.weight.as_ptr();
        // SAFETY: the caller vouches for all of it.
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
            let far = self.weight.len() > NEAR;
            for &run in self.runs {
                for k in (0..self.run).step_by(STEP) {
                    if far {
                        fetch(weight.wrapping_add(AHEAD));
                        if P > 1 {
                            fetch(weight.wrapping_add(panel + AHEAD));
                        }
                    }
                    load!("tmm4", first.add(run + k), pitch);
                    load!("tmm6", weight, BYTES);
                    multiply_add!("tmm0", "tmm4", "tmm6");
                    if P > 1 {
                        load!("tmm7", weight.add(panel), BYTES);
                        multiply_add!("tmm1", "tmm4", "tmm7");
                    }
                    beside.step(&mut progress);
                    if T > 1 {
                        load!("tmm5", second.add(run + k), pitch);
                        multiply_add!("tmm2", "tmm5", "tmm6");
                    }
                    if T > 1 && P > 1 {
                        multiply_add!("tmm3", "tmm5", "tmm7");
                    }
                    weight = weight.add(STEP * COLUMNS);
                }
            }
            store!("tmm0", self.into);
            if T > 1 {
                store!("tmm2", self.into.add(SUMS));
            }
            if P > 1 {
                store!("tmm1", self.into.add(self.apart));
            }
            if T > 1 && P > 1 {
                store!("tmm3", self.into.add(self.apart + SUMS));
            }
            beside.rest(progress);
        }
    }
}
