//! Rows of bytes by panels of int8 weights.

use crate::Level;

/// Rows multiplied at a time.
pub(super) const BAND: usize = 64;
/// Columns of a panel.
pub(super) const COLUMNS: usize = super::tile::COLUMNS;
/// What the length of a row is a multiple of.
pub(super) const DEPTH: usize = 64;

/// `into[p][i][n] = starts[p][n] + sum over k of (rows[i][k] - t) * weight[p][k / 4][n][k % 4]`,
/// modulo 2^32, for rows i below `count` and all panels p, with t from [`ByteProducts`].
///
/// What lies in the rows from `count` on, up to [`BAND`], may be read, and the same rows of `into`
/// may be written.
pub(super) struct Dot<'a> {
    pub(super) rows: &'a [u8],
    pub(super) count: usize,
    pub(super) depth: usize,
    pub(super) weight: &'a [i8],
    pub(super) starts: &'a [i32],
    pub(super) into: &'a mut [i32],
}

impl Dot<'_> {
    pub(super) fn panels(&self) -> usize {
        self.starts.len() / COLUMNS
    }

    /// # Panics
    /// Where a slice is not as long as depth and panels say.
    pub(super) fn check(&self) {
        let panels = self.panels();
        assert!(self.count <= BAND && self.depth.is_multiple_of(DEPTH), "a band of whole steps");
        assert_eq!(self.rows.len(), BAND * self.depth, "rows");
        assert_eq!(self.weight.len(), panels * self.depth * COLUMNS, "weight");
        assert_eq!(self.into.len(), panels * BAND * COLUMNS, "sums");
    }
}

/// The loop of a level that has instructions for bytes.
#[derive(Clone, Copy)]
pub(super) struct ByteProducts {
    /// Trusts that [`Dot::check`] has passed and that the processor has the level.
    pub(super) dot: unsafe fn(&mut Dot<'_>),
    /// What it takes off each byte of the rows.
    pub(super) taken: u8,
    /// Whether it outdoes Winograd's shortcut, and not the plain sums alone.
    pub(super) outdoes_shortcut: bool,
}

impl ByteProducts {
    /// `None` for levels without such instructions.
    pub(super) fn of(level: Level) -> Option<Self> {
        match level {
            #[cfg(target_arch = "x86_64")]
            _ if level.runs(Level::Amx) => {
                Some(Self { dot: super::dot_amx::dot, taken: 0, outdoes_shortcut: true })
            }
            #[cfg(target_arch = "x86_64")]
            _ if level.runs(Level::Avx512Vnni) => {
                Some(Self { dot: super::dot_vnni::wide, taken: 0, outdoes_shortcut: false })
            }
            #[cfg(target_arch = "x86_64")]
            _ if level.runs(Level::AvxVnni) => {
                Some(Self { dot: super::dot_vnni::narrow, taken: 0, outdoes_shortcut: false })
            }
            #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
            _ if level.runs(Level::NeonDot) => {
                Some(Self { dot: super::dot_neon::dot, taken: 128, outdoes_shortcut: true })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The specification.
    fn dot(p: &Dot<'_>, taken: u8, panel: usize, row: usize, column: usize) -> i32 {
        (0..p.depth).fold(p.starts[panel * COLUMNS + column], |sum, k| {
            let at = ((panel * p.depth + k / 4 * 4) * COLUMNS) + 4 * column + k % 4;
            let byte = i32::from(p.rows[row * p.depth + k]) - i32::from(taken);
            sum.wrapping_add(byte * i32::from(p.weight[at]))
        })
    }

    #[test]
    fn every_level_sums_bytes_as_defined() {
        for (depth, panels) in [(64, 1), (128, 3), (576, 2)] {
            let number = |i: usize| (i.wrapping_mul(2_654_435_761) >> 13) as u8;
            let rows: Vec<u8> = (0..BAND * depth).map(number).collect();
            // The largest magnitudes among them.
            let weight: Vec<i8> = (0..panels * depth * COLUMNS)
                .map(|i| if i % 7 == 0 { -128 } else { number(i + 5) as i8 })
                .collect();
            let starts: Vec<i32> = (0..panels * COLUMNS).map(|i| i as i32 * -77).collect();
            for count in [0, 1, 5, 12, 13, 16, 17, 32, 47, 49, 64] {
                for &level in Level::available() {
                    let Some(products) = ByteProducts::of(level) else { continue };
                    let mut into = vec![i32::MIN; panels * BAND * COLUMNS];
                    let mut p = Dot {
                        rows: &rows,
                        count,
                        depth,
                        weight: &weight,
                        starts: &starts,
                        into: &mut into,
                    };
                    p.check();
                    // SAFETY: the extents were checked, and the level is available.
                    unsafe { (products.dot)(&mut p) };
                    for i in 0..panels * count * COLUMNS {
                        let (panel, row) = (i / COLUMNS / count, i / COLUMNS % count);
                        let found = p.into[(panel * BAND + row) * COLUMNS + i % COLUMNS];
                        let expected = dot(&p, products.taken, panel, row, i % COLUMNS);
                        assert_eq!(found, expected, "{level:?}, {count} rows of {depth}");
                    }
                }
            }
        }
    }
}
