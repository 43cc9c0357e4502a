//! Which source coordinate meets which tap of the kernel, along one axis.
//!
//! Only pairs inside the picture are listed, so that no kernel multiplies by padding.

use alloc::{vec, vec::Vec};

use super::ConvShape;

/// One pair along an axis: a source coordinate and the tap that weighs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tap {
    pub(crate) source: usize,
    pub(crate) tap: usize,
}

/// For each destination coordinate along an axis, its taps in ascending order.
#[derive(Debug)]
pub(crate) struct AxisTaps {
    starts: Vec<usize>,
    taps: Vec<Tap>,
}

impl AxisTaps {
    fn build(
        destinations: usize,
        kernel: usize,
        source: impl Fn(usize, usize) -> Option<usize>,
    ) -> Self {
        let mut axis = AxisTaps { starts: vec![0], taps: Vec::new() };
        for d in 0..destinations {
            let found = (0..kernel).filter_map(|tap| Some(Tap { source: source(d, tap)?, tap }));
            axis.taps.extend(found);
            axis.starts.push(axis.taps.len());
        }
        axis
    }

    /// Outputs as destinations, inputs as sources; axis 0 is rows, axis 1 columns.
    pub(crate) fn forward(s: &ConvShape, axis: usize) -> Self {
        let (size, out) = sizes(s, axis);
        let o = &s.options;
        Self::build(out, s.kernel[axis], |d, tap| {
            let at = (d * o.stride[axis] + tap * o.dilation[axis]).checked_sub(o.padding[axis])?;
            (at < size).then_some(at)
        })
    }

    /// Inputs as destinations, outputs as sources: the transpose of [`AxisTaps::forward`].
    pub(crate) fn transposed(s: &ConvShape, axis: usize) -> Self {
        let (size, out) = sizes(s, axis);
        let o = &s.options;
        Self::build(size, s.kernel[axis], |d, tap| {
            let at = (d + o.padding[axis]).checked_sub(tap * o.dilation[axis])?;
            let at = at.is_multiple_of(o.stride[axis]).then_some(at / o.stride[axis])?;
            (at < out).then_some(at)
        })
    }

    /// The taps of destination `d`.
    pub(crate) fn at(&self, d: usize) -> &[Tap] {
        &self.taps[self.starts[d]..self.starts[d + 1]]
    }

    /// Whether everywhere the next tap has the next source.
    pub(crate) fn adjacent(&self) -> bool {
        let next = |t: &[Tap]| t[1].tap == t[0].tap + 1 && t[1].source == t[0].source + 1;
        (0..self.len()).all(|d| self.at(d).windows(2).all(next))
    }

    /// The coordinates that one tap pairs.
    fn of_tap(&self, tap: usize) -> Vec<Pair> {
        let each = (0..self.len()).flat_map(|d| self.at(d).iter().map(move |t| (d, t)));
        each.filter(|(_, t)| t.tap == tap)
            .map(|(destination, t)| Pair { destination, source: t.source })
            .collect()
    }

    /// Destinations along the axis.
    pub(crate) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Taps of all destinations together.
    pub(crate) fn total(&self) -> usize {
        self.taps.len()
    }

    /// The half-open range of sources that destinations `from..to` touch; empty where none does.
    pub(crate) fn sources(&self, from: usize, to: usize) -> (usize, usize) {
        let taps = &self.taps[self.starts[from]..self.starts[to]];
        let low = taps.iter().map(|t| t.source).min().unwrap_or(0);
        let high = taps.iter().map(|t| t.source + 1).max().unwrap_or(low);
        (low, high)
    }
}

/// The pixels that one tap pairs, in the order of the destinations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) destination: usize,
    pub(crate) source: usize,
}

/// The pairs of every tap of a kernel, pixels counted in planes that are `widths` columns wide
/// (destination's, source's).
pub(crate) fn pairs(
    rows: &AxisTaps,
    columns: &AxisTaps,
    kernel: [usize; 2],
    widths: [usize; 2],
) -> Vec<Vec<Pair>> {
    let columns: Vec<_> = (0..kernel[1]).map(|tap| columns.of_tap(tap)).collect();
    let of_taps = (0..kernel[0]).flat_map(|row| columns.iter().map(move |column| (row, column)));
    of_taps
        .map(|(row, columns)| {
            let rows = rows.of_tap(row);
            let each = rows.iter().flat_map(|row| columns.iter().map(move |column| (row, column)));
            each.map(|(row, column)| Pair {
                destination: row.destination * widths[0] + column.destination,
                source: row.source * widths[1] + column.source,
            })
            .collect()
        })
        .collect()
}

fn sizes(s: &ConvShape, axis: usize) -> (usize, usize) {
    if axis == 0 { (s.height, s.out_height) } else { (s.width, s.out_width) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conv::ConvOptions;

    #[test]
    fn the_transposed_taps_are_the_same_pairs() {
        for (size, kernel, stride, padding, dilation) in
            [(7, 3, 1, 1, 1), (8, 3, 2, 1, 1), (9, 5, 3, 4, 2), (4, 4, 1, 0, 1), (3, 1, 2, 2, 1)]
        {
            let options = ConvOptions {
                stride: [stride; 2],
                padding: [padding; 2],
                dilation: [dilation; 2],
                groups: 1,
            };
            let s = ConvShape::new([1, 1, size, size], 1, [kernel; 2], options).expect("valid");
            let forward = AxisTaps::forward(&s, 0);
            let transposed = AxisTaps::transposed(&s, 0);
            assert_eq!(forward.total(), transposed.total());
            for tap in 0..kernel {
                for pair in forward.of_tap(tap) {
                    let there = pair.destination * stride + tap * dilation;
                    assert_eq!(there, pair.source + padding);
                    let back = Tap { source: pair.destination, tap };
                    assert!(transposed.at(pair.source).contains(&back));
                }
            }
        }
    }
}
