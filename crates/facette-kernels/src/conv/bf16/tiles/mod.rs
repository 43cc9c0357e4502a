//! Products of tiles: 16 rows of 32 bfloat16s by 32 rows of 16, summed in `f32`.
//!
//! The second factor's rows lie in pairs, as AMX wants them: `[16 pairs of rows][16 columns][2]`. Each
//! tile is 16 rows of 64 bytes.

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod amx;
mod scalar;

use crate::Level;

/// Rows of a tile, and columns of a tile of sums.
pub(super) const SIDE: usize = 16;

/// Elements that a product of two tiles sums over.
pub(super) const DEPTH: usize = 32;

/// Elements of a tile of bfloat16s.
pub(super) const HALVES: usize = SIDE * DEPTH;

/// Elements of a tile of sums, and of bfloat16s in pairs.
pub(super) const SUMS: usize = SIDE * SIDE;

/// Sums of weights times pixels over taps and channels, for up to two tiles of rows and any
/// number of positions, two tiles at a time.
pub(super) struct Gathered<'a> {
    /// Tiles of weights, `[tap][block of DEPTH channels]`; those of the second tile of rows
    /// `row_tiles_apart` elements further on.
    pub(super) weights: *const u16,
    pub(super) row_tiles_apart: usize,
    /// Tiles of rows, 1 or 2.
    pub(super) row_tiles: usize,
    /// Pairs of channels at each position, `[pair of channels]`, `pitch` apart.
    pub(super) source: *const u32,
    pub(super) pitch: usize,
    /// For each tap, elements from `source` to what the first position meets.
    pub(super) taps: &'a [usize],
    /// Blocks of channels.
    pub(super) blocks: usize,
    /// Positions, a multiple of two tiles.
    pub(super) positions: usize,
    /// `[row][position]`, `positions` apart.
    pub(super) out: *mut f32,
}

/// Sums of inputs times output gradients over positions, added to two by two tiles of sums.
pub(super) struct Correlated {
    /// Rows of input channels, `pitch` apart, from the first position on.
    pub(super) input: *const u16,
    pub(super) pitch: usize,
    /// Tiles of input channels, 1 or 2.
    pub(super) input_tiles: usize,
    /// Tiles of output gradients, one a step; those of the second tile of channels
    /// `gradient_tiles_apart` elements further on.
    pub(super) gradient: *const u32,
    pub(super) gradient_tiles_apart: usize,
    /// Tiles of output channels, 1 or 2.
    pub(super) gradient_tiles: usize,
    /// Steps of [`DEPTH`] positions.
    pub(super) steps: usize,
    /// Four tiles of sums: `[tile of inputs][tile of outputs][input][output]`.
    pub(super) sums: *mut f32,
}

/// The products of one instruction set. The functions trust the pointers and extents of their
/// arguments, and that the processor has the instructions.
pub(super) struct Tiles {
    pub(super) gather: unsafe fn(&Gathered<'_>),
    pub(super) correlate: unsafe fn(&Correlated),
}

impl Tiles {
    /// Those of a level, where it has any.
    pub(super) fn of(level: Level) -> Option<&'static Tiles> {
        match level {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            _ if level.runs(Level::Amx) => Some(&amx::TILES),
            Level::Scalar => Some(&scalar::TILES),
            _ => None,
        }
    }
}
