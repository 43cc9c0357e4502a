//! The last steps of a view, on planes of its own size.

use super::{Channels, Size, View};
use crate::resize::to_byte;
use crate::{ImageError, Picture};

pub(super) fn flip(planes: &mut [f32], size: Size, flip: bool) {
    if flip {
        planes.chunks_exact_mut(size.width).for_each(<[f32]>::reverse);
    }
}

/// From 0..255 to 0..1.
pub(super) fn scale(planes: &mut [f32]) {
    planes.iter_mut().for_each(|value| *value *= 1.0 / 255.0);
}

/// Red, green and blue in 0..1 to the planes of `view`.
pub(super) fn normalise(view: &View, rgb: &[f32], out: &mut [f32]) {
    let area = view.size.width * view.size.height;
    let (red, green, blue) = (&rgb[..area], &rgb[area..2 * area], &rgb[2 * area..]);
    let sources = match view.channels {
        Channels::Rgb => [red, green, blue],
        Channels::Bgr => [blue, green, red],
        Channels::Grey => {
            let (factor, mean) = (1.0 / view.std.0[0], view.mean.0[0]);
            for (i, value) in out.iter_mut().enumerate() {
                *value = (0.299 * red[i] + 0.587 * green[i] + 0.114 * blue[i] - mean) * factor;
            }
            return;
        }
    };
    for (c, (plane, source)) in out.chunks_exact_mut(area).zip(sources).enumerate() {
        let (factor, mean) = (1.0 / view.std.0[c], view.mean.0[c]);
        for (value, source) in plane.iter_mut().zip(source) {
            *value = (source - mean) * factor;
        }
    }
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
