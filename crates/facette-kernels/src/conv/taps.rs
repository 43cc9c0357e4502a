//! Which source coordinate meets which tap of the kernel, along one axis.
//!
//! Only pairs inside the picture are listed, so that no kernel multiplies by padding.

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

/// The outputs that one tap serves along an axis, with their inputs: `len` pairs
/// `(output + i, input + i * step)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TapRun {
    pub(crate) output: usize,
    pub(crate) input: usize,
    pub(crate) step: usize,
    pub(crate) len: usize,
}

impl TapRun {
    /// The run of `tap` along `axis`.
    pub(crate) fn new(s: &ConvShape, axis: usize, tap: usize) -> Self {
        let (size, out) = sizes(s, axis);
        let (stride, padding) = (s.options.stride[axis], s.options.padding[axis]);
        let offset = tap * s.options.dilation[axis];
        let first = padding.saturating_sub(offset).div_ceil(stride);
        // The last input row lies at size - 1 = output * stride + offset - padding.
        let end = match (size + padding).checked_sub(offset + 1) {
            Some(room) => (room / stride + 1).min(out),
            None => 0,
        };
        if first >= end {
            return Self { output: 0, input: 0, step: stride, len: 0 };
        }
        let input = first * stride + offset - padding;
        Self { output: first, input, step: stride, len: end - first }
    }
}

fn sizes(s: &ConvShape, axis: usize) -> (usize, usize) {
    if axis == 0 { (s.height, s.out_height) } else { (s.width, s.out_width) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conv::ConvOptions;

    #[test]
    fn runs_and_taps_agree() {
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
            for tap in 0..kernel {
                let run = TapRun::new(&s, 0, tap);
                let listed: Vec<_> = (0..s.out_height)
                    .flat_map(|o| forward.at(o).iter().map(move |t| (o, *t)))
                    .filter(|(_, t)| t.tap == tap)
                    .map(|(o, t)| (o, t.source))
                    .collect();
                let walked: Vec<_> =
                    (0..run.len).map(|i| (run.output + i, run.input + i * run.step)).collect();
                assert_eq!(listed, walked);
                for (output, input) in listed {
                    assert!(transposed.at(input).contains(&Tap { source: output, tap }));
                }
            }
        }
    }
}
