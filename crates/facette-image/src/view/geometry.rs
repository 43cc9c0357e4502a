//! The rectangle of the source that a training view shows.

use crate::resize::to_byte;
use crate::{Border, ImageError, Picture};
use facette_resize::Interval;

use super::warp;

/// A rectangle in source pixels, turned about its own middle.
///
/// Coordinates count from the picture's top left corner (not from a pixel's centre) and may lie
/// beyond the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame {
    /// Middle of the rectangle, to the right.
    pub x: f64,
    /// Middle of the rectangle, downwards.
    pub y: f64,
    /// Width in source pixels.
    pub width: f64,
    /// Height in source pixels.
    pub height: f64,
    /// Rotation of the rectangle in degrees, clockwise; what it shows turns the other way.
    pub angle: f64,
}

impl Frame {
    pub(super) fn new(x: Interval, y: Interval, angle: f64) -> Self {
        let middle = |i: Interval| 0.5 * (i.from + i.to);
        Self { x: middle(x), y: middle(y), width: x.to - x.from, height: y.to - y.from, angle }
    }

    pub(super) fn intervals(&self) -> (Interval, Interval) {
        let around = |middle: f64, side: f64| Interval {
            from: middle - 0.5 * side,
            to: middle + 0.5 * side,
        };
        (around(self.x, self.width), around(self.y, self.height))
    }

    /// The rectangle as a picture at the source's scale: whole pixels where it is upright,
    /// resampled where it is turned.
    pub(super) fn cut(
        &self,
        picture: &Picture,
        border: Border,
        sums: &mut Vec<f32>,
        planes: &mut Vec<f32>,
    ) -> Result<Picture, ImageError> {
        let side = |extent: f64| extent.round().max(1.0) as usize;
        let (width, height) = (side(self.width), side(self.height));
        let mut cut = Picture::filled(width, height, [0; 3])?;
        if self.angle != 0.0 {
            let area = width * height;
            planes.resize(3 * area, 0.0);
            warp::area(picture, self, (width, height), border, sums, planes);
            for (i, pixel) in cut.as_bytes_mut().chunks_exact_mut(3).enumerate() {
                (0..3).for_each(|c| pixel[c] = to_byte(planes[c * area + i]));
            }
            return Ok(cut);
        }
        let left = (self.x - 0.5 * width as f64).round() as isize;
        let top = (self.y - 0.5 * height as f64).round() as isize;
        let clamp = |at: isize, length: usize| at.clamp(0, length as isize - 1);
        for (i, pixel) in cut.as_bytes_mut().chunks_exact_mut(3).enumerate() {
            let (x, y) = (left + (i % width) as isize, top + (i / width) as isize);
            let inside = (clamp(x, picture.width()), clamp(y, picture.height()));
            if border == Border::Replicate || inside == (x, y) {
                pixel.copy_from_slice(&picture.pixel(inside.0 as usize, inside.1 as usize));
            }
        }
        Ok(cut)
    }
}
