//! Layers that only move values: concatenation, selection, shuffle, crop, flattening.

use alloc::vec;
use alloc::vec::Vec;

use facette_graph::{Op, Shape};
use facette_kernels::infer::{Source, Target, Value, pitch};

/// Moves runs of channels of some inputs, pixel by pixel, to where they belong.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rearrange {
    /// For each input its runs: first channel in it, first channel in the output, length.
    runs: Vec<Vec<[usize; 3]>>,
    from: Shape,
    to: Shape,
    /// Whether pixels become channels, too.
    flatten: bool,
}

impl Rearrange {
    /// What `op` does to inputs of these shapes, if it only moves values.
    pub(crate) fn new(op: &Op, inputs: &[Shape], to: Shape) -> Option<Self> {
        let &from = inputs.first()?;
        let runs = match *op {
            Op::Concat => {
                let mut first = 0;
                let ends = inputs.iter().map(|input| {
                    first += input.channels;
                    vec![[0, first - input.channels, input.channels]]
                });
                ends.collect()
            }
            Op::Channels { start, length } => vec![vec![[start, 0, length]]],
            Op::Crop { .. } | Op::Flatten => vec![vec![[0, 0, from.channels]]],
            Op::ChannelShuffle { groups } => {
                let each = from.channels / groups;
                let channel = |c: usize| [c, c % each * groups + c / each, 1];
                vec![(0..from.channels).map(channel).collect()]
            }
            _ => return None,
        };
        Some(Self { runs, from, to, flatten: matches!(op, Op::Flatten) })
    }

    /// Moves the values of input `i`.
    pub(crate) fn run<X: Value, Y: Value>(
        &self,
        i: usize,
        batch: usize,
        x: Source<'_, X>,
        y: &mut Target<'_, Y>,
    ) {
        // Concatenated inputs differ in channels.
        let len = x.values.len() / batch.max(1);
        let in_pitch = len / (self.from.height * self.from.width);
        let out_pitch = pitch(self.to.channels);
        let out_len = out_pitch * self.to.height * self.to.width;
        let faces = x.values.chunks_exact(len).zip(y.values.chunks_exact_mut(out_len));
        for (x_face, y_face) in faces {
            if self.flatten {
                let area = self.from.height * self.from.width;
                for (at, pixel) in x_face.chunks_exact(in_pitch).enumerate() {
                    for (c, &value) in pixel.iter().take(self.from.channels).enumerate() {
                        y_face[c * area + at] = Y::write(value.read(x.code), y.code);
                    }
                }
                continue;
            }
            let top = self.from.height - self.to.height;
            let left = self.from.width - self.to.width;
            let rows = x_face.chunks_exact(in_pitch * self.from.width).skip(top);
            for (row, into) in rows.zip(y_face.chunks_exact_mut(out_pitch * self.to.width)) {
                let pixels = row.chunks_exact(in_pitch).skip(left);
                for (pixel, into) in pixels.zip(into.chunks_exact_mut(out_pitch)) {
                    for &[first, to, count] in &self.runs[i] {
                        for (value, into) in pixel[first..][..count].iter().zip(&mut into[to..]) {
                            *into = Y::write(value.read(x.code), y.code);
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(channels: usize, height: usize, width: usize) -> Shape {
        Shape { channels, height, width }
    }

    /// Runs it on one face whose channel `c` of pixel `p` is `100 p + c`, in `f32`.
    fn run(op: &Op, inputs: &[Shape], to: Shape) -> Vec<f32> {
        let rearrange = Rearrange::new(op, inputs, to).unwrap();
        let mut y = vec![-1.0; pitch(to.channels) * to.height * to.width];
        for (i, input) in inputs.iter().enumerate() {
            let pitch = pitch(input.channels);
            let x: Vec<f32> = (0..pitch * input.height * input.width)
                .map(|at| (1000 * i + 100 * (at / pitch) + at % pitch) as f32)
                .collect();
            let source = Source { values: &x[..], code: () };
            rearrange.run(i, 1, source, &mut Target { values: &mut y, code: () });
        }
        y
    }

    #[test]
    fn channels_go_where_they_belong() {
        let y = run(&Op::Concat, &[shape(3, 1, 2), shape(9, 1, 2)], shape(12, 1, 2));
        assert_eq!(y[..6], [0.0, 1.0, 2.0, 1000.0, 1001.0, 1002.0]);
        assert_eq!(y[16 + 2..16 + 5], [102.0, 1100.0, 1101.0]);
        let y = run(&Op::Channels { start: 2, length: 3 }, &[shape(6, 1, 1)], shape(3, 1, 1));
        assert_eq!(y[..3], [2.0, 3.0, 4.0]);
        let y = run(&Op::ChannelShuffle { groups: 2 }, &[shape(6, 1, 1)], shape(6, 1, 1));
        assert_eq!(y[..6], [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        let y = run(&Op::Crop { rows: 1, columns: 1 }, &[shape(1, 2, 3)], shape(1, 1, 2));
        assert_eq!([y[0], y[8]], [400.0, 500.0]);
        let y = run(&Op::Flatten, &[shape(2, 1, 2)], Shape::vector(4));
        assert_eq!(y[..4], [0.0, 100.0, 1.0, 101.0]);
    }
}
