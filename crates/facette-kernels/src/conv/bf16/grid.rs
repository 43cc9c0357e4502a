//! Where pixels lie: source and destination planes of a pass on grids of the same pitch.
//!
//! A grid is a plane row after row, with zeros before and between the rows, picture after picture. With
//! a stride, the finer of the two planes is cut into as many grids as the stride is long, its **phases**:
//! pixels `phase`, `phase + stride`, ... of an axis. Then every tap of the kernel takes each position
//! of one grid to the position that lies a fixed way further on in another, forwards and backwards.

use super::pack::Rows;
use crate::conv::ConvShape;

/// One tap along an axis: position `i` of the destination's phase meets `i + shift` of the source's.
#[derive(Debug, Clone, Copy)]
struct Link {
    tap: usize,
    source: usize,
    destination: usize,
    shift: isize,
}

/// One plane along an axis.
#[derive(Debug, Clone, Copy)]
pub(super) struct Side {
    /// Pixels.
    pub(super) size: usize,
    /// Phases, and pixels between neighbours in a phase.
    pub(super) phases: usize,
}

impl Side {
    /// Pixels of a phase.
    pub(super) fn count(self, phase: usize) -> usize {
        (self.size + self.phases - 1 - phase) / self.phases
    }
}

/// An axis of both planes.
#[derive(Debug)]
pub(super) struct Axis {
    pub(super) source: Side,
    pub(super) destination: Side,
    /// Positions before the first source pixel.
    pub(super) before: usize,
    /// Positions from one row (or picture) to the next.
    pub(super) pitch: usize,
    /// The phases of the source that taps meet.
    met: Vec<usize>,
    links: Vec<Link>,
}

impl Axis {
    fn new(source: Side, destination: Side, links: Vec<Link>) -> Self {
        let least = links.iter().map(|l| l.shift).min().unwrap_or(0);
        let most = links.iter().map(|l| l.shift).max().unwrap_or(0);
        let before = least.min(0).unsigned_abs();
        // What a tap finds beyond the end of a row are the zeros before the next one.
        let reached = destination.count(0).saturating_add_signed(most);
        let pitch = (before + source.count(0)).max(destination.count(0)).max(reached);
        let mut met: Vec<usize> = links.iter().map(|l| l.source).collect();
        met.sort_unstable();
        met.dedup();
        Self { source, destination, before, pitch, met, links }
    }

    fn forward(s: &ConvShape, axis: usize) -> Self {
        let (sizes, stride, at) = parts(s, axis);
        let links = (0..s.kernel[axis]).map(|tap| Link {
            tap,
            source: at(tap).rem_euclid(stride as isize) as usize,
            destination: 0,
            shift: at(tap).div_euclid(stride as isize),
        });
        let source = Side { size: sizes[0], phases: stride };
        Self::new(source, Side { size: sizes[1], phases: 1 }, links.collect())
    }

    fn transposed(s: &ConvShape, axis: usize) -> Self {
        let (sizes, stride, at) = parts(s, axis);
        let links = (0..stride).flat_map(|phase| {
            (0..s.kernel[axis]).filter_map(move |tap| {
                let from = phase as isize - at(tap);
                let met = from.rem_euclid(stride as isize) == 0;
                let shift = from.div_euclid(stride as isize);
                met.then_some(Link { tap, source: 0, destination: phase, shift })
            })
        });
        let destination = Side { size: sizes[0], phases: stride };
        Self::new(Side { size: sizes[1], phases: 1 }, destination, links.collect())
    }

    /// Index of a link's source among the phases that taps meet.
    fn index(&self, link: &Link) -> usize {
        self.met.partition_point(|phase| *phase < link.source)
    }

    /// Positions that a link's shift reaches ahead.
    fn ahead(&self, link: &Link) -> usize {
        self.before.wrapping_add_signed(link.shift)
    }

    fn furthest(&self) -> usize {
        self.links.iter().map(|link| self.ahead(link)).max().unwrap_or(0)
    }
}

/// Sizes of input and output along an axis, the stride, and where a tap lies seen from its output's
/// first pixel.
fn parts(s: &ConvShape, axis: usize) -> ([usize; 2], usize, impl Fn(usize) -> isize + Copy) {
    let sizes = [[s.height, s.out_height], [s.width, s.out_width]][axis];
    let (dilation, padding) = (s.options.dilation[axis], s.options.padding[axis]);
    (sizes, s.options.stride[axis], move |tap| (tap * dilation) as isize - padding as isize)
}

/// A tap of the kernel on the grids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tap {
    /// Index in the kernel.
    pub(super) tap: usize,
    /// Index among the phases of the source.
    pub(super) source: usize,
    /// The destination's position plus this is the source's.
    pub(super) ahead: usize,
}

/// The grids of a pass.
#[derive(Debug)]
pub(super) struct Grid {
    pub(super) rows: Axis,
    pub(super) columns: Axis,
}

impl Grid {
    /// From input to output.
    pub(super) fn forward(s: &ConvShape) -> Self {
        Self { rows: Axis::forward(s, 0), columns: Axis::forward(s, 1) }
    }

    /// From output to input.
    pub(super) fn transposed(s: &ConvShape) -> Self {
        Self { rows: Axis::transposed(s, 0), columns: Axis::transposed(s, 1) }
    }

    /// Positions of a picture.
    pub(super) fn picture(&self) -> usize {
        self.rows.pitch * self.columns.pitch
    }

    /// The most that [`Tap::ahead`] is.
    pub(super) fn furthest(&self) -> usize {
        self.rows.furthest() * self.columns.pitch + self.columns.furthest()
    }

    /// Pixels of a source plane.
    pub(super) fn source_plane(&self) -> usize {
        self.rows.source.size * self.columns.source.size
    }

    /// Pixels of a destination plane.
    pub(super) fn destination_plane(&self) -> usize {
        self.rows.destination.size * self.columns.destination.size
    }

    /// For each phase of the source that taps meet the pixels, and the position of the first.
    pub(super) fn source_rows(&self) -> Vec<(Rows, usize)> {
        let first = self.rows.before * self.columns.pitch + self.columns.before;
        let phases =
            self.phases(&self.rows.met, self.rows.source, &self.columns.met, self.columns.source);
        phases.into_iter().map(|(_, rows)| (rows, first)).collect()
    }

    /// The phases of the destination, which begin at the first position, and their pixels.
    pub(super) fn destination_phases(&self) -> Vec<([usize; 2], Rows)> {
        let all = |axis: &Axis| (0..axis.destination.phases).collect::<Vec<_>>();
        let [rows, columns] = [&self.rows, &self.columns];
        self.phases(&all(rows), rows.destination, &all(columns), columns.destination)
    }

    /// Phases of the source that taps meet.
    pub(super) fn source_phases(&self) -> usize {
        self.rows.met.len() * self.columns.met.len()
    }

    /// The taps of a phase of the destination, `[row, column]`.
    pub(super) fn taps(&self, phase: [usize; 2], kernel_width: usize) -> Vec<Tap> {
        let of = |axis: &Axis, phase| -> Vec<Link> {
            axis.links.iter().filter(|link| link.destination == phase).copied().collect()
        };
        let columns = of(&self.columns, phase[1]);
        let rows = of(&self.rows, phase[0]).into_iter();
        rows.flat_map(|row| columns.iter().map(move |column| (row, *column)))
            .map(|(row, column)| Tap {
                tap: row.tap * kernel_width + column.tap,
                source: self.rows.index(&row) * self.columns.met.len()
                    + self.columns.index(&column),
                ahead: self.rows.ahead(&row) * self.columns.pitch + self.columns.ahead(&column),
            })
            .collect()
    }

    /// Whether pixels are at least a quarter of the positions, as they are unless taps reach far
    /// beyond a small plane.
    pub(super) fn is_dense(&self) -> bool {
        let pixels =
            |side: fn(&Axis) -> Side| side(&self.rows).count(0) * side(&self.columns).count(0);
        let most = pixels(|a| a.source).max(pixels(|a| a.destination));
        self.rows.pitch.saturating_mul(self.columns.pitch) <= 4 * most
            && self.furthest() <= 4 * most + 64
    }

    fn phases(
        &self,
        of_rows: &[usize],
        rows: Side,
        of_columns: &[usize],
        columns: Side,
    ) -> Vec<([usize; 2], Rows)> {
        let of_row = |row| of_columns.iter().map(move |column| [row, *column]);
        let pixels = |[row, column]: [usize; 2]| Rows {
            start: row * columns.size + column,
            count: rows.count(row),
            pitch: rows.phases * columns.size,
            width: columns.count(column),
            step: columns.phases,
            positions: self.columns.pitch,
        };
        of_rows.iter().copied().flat_map(of_row).map(|phase| (phase, pixels(phase))).collect()
    }
}
