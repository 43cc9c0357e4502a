//! Pictures with a border, as the kernels read them.

use core::array::from_fn;

use super::LANES;
use super::arithmetic::rules::Rules;
use super::lanes::Lanes;
use super::level_task::Task;
use super::value::{Source, Value};

/// Copies pictures `[height][width][pitch]` into `[rows][columns][packed]` with `top` rows above and
/// `left` columns at the left, as factors; all that is not picture becomes the default, 0. Where
/// `packed` is less than `pitch`, up to [`LANES`] values are written behind the last picture.
pub(super) struct Pad<'a, A: Rules> {
    pub(super) from: Source<'a, A::Source>,
    pub(super) into: &'a mut [A::Operand],
    pub(super) frame: &'a Frame,
    /// For [`Rules::operand`].
    pub(super) unit: f32,
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
        let (code, unit) = (self.from.code, self.unit);
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
                // Where pixels are packed the padding is written as well, and the next pixel over it.
                if packed == pitch {
                    for (x, &value) in into[first..last].iter_mut().zip(line) {
                        *x = A::operand(value, code, unit);
                    }
                } else if packed <= FEW {
                    let pixels = &line[..seen * pitch];
                    two_by_two::<A, L>(pixels, code, unit, &mut into[first..], packed);
                } else {
                    let pixels = line.chunks_exact(pitch).take(seen);
                    for (pixel, at) in pixels.zip((first..).step_by(packed)) {
                        for (c, eight) in pixel.as_chunks::<LANES>().0.iter().enumerate() {
                            let x = A::write::<L>(A::operands::<L>(eight, code, unit));
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

/// Channels of which eight lanes hold those of two pixels.
const FEW: usize = LANES / 2;

/// Packs pixels of at most [`FEW`] channels, two at a time.
#[inline(always)]
fn two_by_two<A: Rules, L: Lanes>(
    pixels: &[A::Source],
    code: <A::Source as Value>::Code,
    unit: f32,
    into: &mut [A::Operand],
    packed: usize,
) {
    let mut at = 0;
    let (pairs, rest) = pixels.as_chunks::<{ 2 * LANES }>();
    for pair in pairs {
        let eight = from_fn(|i| pair[i / FEW * LANES + i % FEW]);
        let x = A::write::<L>(A::operands::<L>(&eight, code, unit));
        into[at..at + FEW].copy_from_slice(&x[..FEW]);
        into[at + packed..][..FEW].copy_from_slice(&x[FEW..]);
        at += 2 * packed;
    }
    for last in rest.as_chunks::<LANES>().0 {
        let x = A::write::<L>(A::operands::<L>(last, code, unit));
        into[at..at + FEW].copy_from_slice(&x[..FEW]);
    }
}
