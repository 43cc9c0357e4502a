//! Pictures with a border, as the kernels read them.

use super::lanes::Lanes;
use super::level_task::Task;

/// Copies pictures `[height][width][pitch]` into `[rows][columns][pitch]` with `top` rows above and
/// `left` columns at the left; all that is not picture becomes `border`.
pub(super) struct Pad<'a, T, X, F> {
    pub(super) from: &'a [T],
    pub(super) into: &'a mut [X],
    pub(super) frame: &'a Frame,
    pub(super) convert: F,
    pub(super) border: X,
}

/// A picture and its border.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Frame {
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) pitch: usize,
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
        self.rows * self.columns * self.pitch
    }
}

impl<T: Copy, X: Copy, F: Fn(T) -> X> Task for Pad<'_, T, X, F> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Frame { height, width, pitch, top, left, rows, columns } = *self.frame;
        let pictures = self.from.chunks_exact(self.frame.inner());
        // A frame may be smaller than its picture: windows need not reach the last rows.
        let (shown, seen) = (height.min(rows - top), width.min(columns - left));
        for (from, into) in pictures.zip(self.into.chunks_exact_mut(self.frame.len())) {
            let (above, rest) = into.split_at_mut(top * columns * pitch);
            let (middle, below) = rest.split_at_mut(shown * columns * pitch);
            above.fill(self.border);
            below.fill(self.border);
            let lines = from.chunks_exact(width * pitch);
            for (line, row) in lines.zip(middle.chunks_exact_mut(columns * pitch)) {
                row[..left * pitch].fill(self.border);
                row[(left + seen) * pitch..].fill(self.border);
                let row = &mut row[left * pitch..(left + seen) * pitch];
                for (x, &value) in row.iter_mut().zip(line) {
                    *x = (self.convert)(value);
                }
            }
        }
    }
}
