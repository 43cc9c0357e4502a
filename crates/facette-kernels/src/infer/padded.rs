//! Pictures with a border, as the kernels read them.

use super::LANES;
use super::arithmetic::rules::Rules;
use super::lanes::Lanes;
use super::level_task::Task;
use super::value::Source;

/// Copies pictures `[height][width][pitch]` into `[rows][columns][packed]` with `top` rows above and
/// `left` columns at the left, as factors; all that is not picture becomes the default, 0. Where
/// `packed` is less than `pitch`, up to [`LANES`] values are written behind the last picture.
pub(super) struct Pad<'a, A: Rules> {
    pub(super) from: Source<'a, A::Source>,
    pub(super) into: &'a mut [A::Operand],
    pub(super) frame: &'a Frame,
}

/// A picture and its border.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Frame {
    pub(super) height: usize,
    pub(super) width: usize,
    /// Values from one pixel to the next of the picture as it comes.
    pub(super) pitch: usize,
    /// The same with its border, where padding may be left out.
    pub(super) packed: usize,
    pub(super) top: usize,
    pub(super) left: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
}

impl Frame {
    /// Values of a picture without border.
    pub(super) fn inner(&self) -> usize {
        self.height * self.width * self.pitch
    }

    /// Values of a picture with its border.
    pub(super) fn len(&self) -> usize {
        self.rows * self.columns * self.packed
    }
}

impl<A: Rules> Task for Pad<'_, A> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Frame { height, width, pitch, packed, top, left, rows, columns } = *self.frame;
        let code = self.from.code;
        // A frame may be smaller than its picture: windows need not reach the last rows.
        let (shown, seen) = (height.min(rows - top), width.min(columns - left));
        let (inner, len, row) = (self.frame.inner(), self.frame.len(), columns * packed);
        let (first, last) = (left * packed, (left + seen) * packed);
        for (i, from) in self.from.values.chunks_exact(inner).enumerate() {
            let into = &mut self.into[i * len..];
            into[..top * row].fill(A::Operand::default());
            for (i, line) in from.chunks_exact(width * pitch).take(shown).enumerate() {
                let into = &mut into[(top + i) * row..];
                into[..first].fill(A::Operand::default());
                if packed == pitch {
                    for (x, &value) in into[first..last].iter_mut().zip(line) {
                        *x = A::operand(value, code);
                    }
                } else {
                    let pixels = line.chunks_exact(pitch).take(seen);
                    for (pixel, at) in pixels.zip((first..).step_by(packed)) {
                        // The padding is written as well, and the next pixel over it.
                        for (c, eight) in pixel.as_chunks::<LANES>().0.iter().enumerate() {
                            let x = A::write::<L>(A::operands::<L>(eight, code));
                            into[at + c * LANES..][..LANES].copy_from_slice(&x);
                        }
                    }
                }
                into[last..row].fill(A::Operand::default());
            }
            into[(top + shown) * row..len].fill(A::Operand::default());
        }
    }
}
