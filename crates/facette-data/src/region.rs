//! The part of a photograph that a data set means: the box around a face.

use facette_image::{Border, ImageError, Picture};

/// A rectangle in pixels of the picture it is cut from; it may reach beyond the edges, where the
/// nearest pixel of the edge stands in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Region {
    /// Left edge.
    pub x: i64,
    /// Top edge.
    pub y: i64,
    /// Width, at least 1.
    pub width: u32,
    /// Height, at least 1.
    pub height: u32,
}

impl Region {
    /// The square around the centre of a box whose side is the longer side of the box times
    /// `1 + margin`, rounded to whole pixels. `None` for a box without area or out of all bounds.
    pub fn square([x, y, width, height]: [f64; 4], margin: f64) -> Option<Self> {
        let side = (width.max(height) * (1.0 + margin)).round();
        let sound = width > 0.0 && height > 0.0 && (1.0..=16_384.0).contains(&side);
        let left = (x + width / 2.0 - side / 2.0).round();
        let top = (y + height / 2.0 - side / 2.0).round();
        let near = left.abs() < 1e6 && top.abs() < 1e6;
        (sound && near).then_some(Self {
            x: left as i64,
            y: top as i64,
            width: side as u32,
            height: side as u32,
        })
    }

    /// The rectangle cut out of `picture`.
    ///
    /// # Errors
    /// [`ImageError::Region`] if not one pixel of it lies inside the picture.
    pub fn cut(&self, picture: &Picture) -> Result<Picture, ImageError> {
        let along = |start: i64, size: u32, side: usize| {
            let end = start + i64::from(size);
            let side = side as i64;
            let (first, last) = (start.clamp(0, side), end.clamp(0, side));
            let inside = (last - first) as usize;
            (first as usize, inside, (first - start).min(size.into()) as usize, end - last)
        };
        let (x, width, left, right) = along(self.x, self.width, picture.width());
        let (y, height, top, bottom) = along(self.y, self.height, picture.height());
        let inside = picture.crop(x, y, width, height)?;
        inside.padded([left, top, right as usize, bottom as usize], Border::Replicate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_grows_to_a_square_around_its_centre() {
        let region = Region::square([10.0, 20.0, 20.0, 40.0], 0.1).unwrap();
        assert_eq!(region, Region { x: -2, y: 18, width: 44, height: 44 });
        assert_eq!(Region::square([0.0, 0.0, 0.0, 5.0], 0.0), None);
        assert_eq!(Region::square([0.0, 0.0, f64::NAN, 5.0], 0.0), None);
        assert_eq!(Region::square([f64::INFINITY, 0.0, 5.0, 5.0], 0.0), None);
    }

    #[test]
    fn beyond_the_edge_the_edge_stands_in() {
        let mut picture = Picture::filled(4, 4, [7; 3]).unwrap();
        picture.as_bytes_mut()[..3].copy_from_slice(&[1, 2, 3]);
        let cut = Region { x: -2, y: -1, width: 5, height: 6 }.cut(&picture).unwrap();
        assert_eq!((cut.width(), cut.height()), (5, 6));
        assert_eq!(cut.pixel(0, 0), [1, 2, 3]);
        assert_eq!(cut.pixel(2, 1), [1, 2, 3]);
        assert_eq!(cut.pixel(3, 1), [7; 3]);
        let outside = Region { x: 9, y: 0, width: 2, height: 2 };
        assert!(matches!(outside.cut(&picture), Err(ImageError::Region { .. })));
    }
}
