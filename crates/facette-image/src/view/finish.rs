//! The last steps of a view, on planes of its own size.

use super::{Size, View};
use crate::resize::to_byte;
use crate::{ImageError, Picture};

pub(super) fn flip(planes: &mut [f32], size: Size, flip: bool) {
    if flip {
        planes.chunks_exact_mut(size.width).for_each(<[f32]>::reverse);
    }
}

/// Red, green and blue in 0..1 to the planes of `view`.
pub(super) fn normalise(view: &View, rgb: &[f32], out: &mut [f32]) {
    facette_resize::normalise(view.channels, view.mean.0, view.std.0, rgb, out);
}

/// Sets the rectangle of left, top, width and height to the mean, which is 0 by now.
pub(super) fn erase(view: &View, [x, y, width, height]: [usize; 4], out: &mut [f32]) {
    for plane in out.chunks_exact_mut(view.size.width * view.size.height) {
        for row in plane.chunks_exact_mut(view.size.width).skip(y).take(height) {
            row[x..x + width].fill(0.0);
        }
    }
}

/// Red, green and blue planes in 0..1 as a picture.
pub(super) fn to_picture(rgb: &[f32], size: Size) -> Result<Picture, ImageError> {
    let area = size.width * size.height;
    let pixel = |i: usize| [0, 1, 2].map(|c| to_byte(255.0 * rgb[c * area + i]));
    Picture::from_rgb(size.width, size.height, (0..area).flat_map(pixel).collect())
}
