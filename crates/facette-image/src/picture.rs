//! An 8-bit RGB picture in memory.

use std::fmt;

use crate::{Border, ImageError};

/// 8-bit RGB, rows from top to bottom, pixels interleaved (`r g b r g b ...`). Never empty.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    width: usize,
    height: usize,
    data: Vec<u8>,
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Picture({}x{})", self.width, self.height)
    }
}

impl Picture {
    /// Takes over `width * height * 3` interleaved bytes.
    ///
    /// # Errors
    /// [`ImageError::Size`] for a side of zero, [`ImageError::Buffer`] for another length.
    pub fn from_rgb(width: usize, height: usize, data: Vec<u8>) -> Result<Self, ImageError> {
        let expected = length(width, height)?;
        if data.len() != expected {
            return Err(ImageError::Buffer { what: "RGB bytes", expected, found: data.len() });
        }
        Ok(Self { width, height, data })
    }

    /// One colour everywhere.
    ///
    /// # Errors
    /// [`ImageError::Size`] for a side of zero or more bytes than the machine can address.
    pub fn filled(width: usize, height: usize, colour: [u8; 3]) -> Result<Self, ImageError> {
        Ok(Self { width, height, data: colour.repeat(length(width, height)? / 3) })
    }

    /// Width in pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// All bytes, interleaved.
    pub fn as_bytes(&self) -> &[u8] {
        &self.data
    }

    /// All bytes, interleaved, to be changed in place.
    pub fn as_bytes_mut(&mut self) -> &mut [u8] {
        &mut self.data
    }

    /// Gives the bytes away.
    pub fn into_bytes(self) -> Vec<u8> {
        self.data
    }

    /// Row `y` as `width * 3` bytes.
    ///
    /// # Panics
    /// If `y` is not below the height.
    pub fn row(&self, y: usize) -> &[u8] {
        &self.data[y * self.width * 3..(y + 1) * self.width * 3]
    }

    /// Red, green and blue of one pixel.
    ///
    /// # Panics
    /// If the pixel does not exist.
    pub fn pixel(&self, x: usize, y: usize) -> [u8; 3] {
        let row = self.row(y);
        [row[x * 3], row[x * 3 + 1], row[x * 3 + 2]]
    }

    /// BLAKE3 of size and pixels: the same for a JPEG and for the PNG made of its pixels.
    pub fn digest(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key("facette picture v1");
        hasher.update(&(self.width as u64).to_le_bytes());
        hasher.update(&(self.height as u64).to_le_bytes());
        hasher.update(&self.data);
        *hasher.finalize().as_bytes()
    }

    /// The rectangle of `width` x `height` whose top left pixel is (`x`, `y`).
    ///
    /// # Errors
    /// [`ImageError::Region`] if it is empty or reaches beyond the picture.
    pub fn crop(
        &self,
        x: usize,
        y: usize,
        width: usize,
        height: usize,
    ) -> Result<Self, ImageError> {
        let fits = |start: usize, size: usize, side: usize| {
            size > 0 && start.checked_add(size).is_some_and(|end| end <= side)
        };
        if !fits(x, width, self.width) || !fits(y, height, self.height) {
            let (picture_width, picture_height) = (self.width, self.height);
            return Err(ImageError::Region { x, y, width, height, picture_width, picture_height });
        }
        let mut data = Vec::with_capacity(width * height * 3);
        for row in y..y + height {
            data.extend_from_slice(&self.row(row)[x * 3..(x + width) * 3]);
        }
        Ok(Self { width, height, data })
    }

    /// The picture as a mirror shows it: left and right exchanged.
    #[must_use]
    pub fn flipped(&self) -> Self {
        let mut data = Vec::with_capacity(self.data.len());
        for y in 0..self.height {
            for pixel in self.row(y).rchunks_exact(3) {
                data.extend_from_slice(pixel);
            }
        }
        Self { width: self.width, height: self.height, data }
    }

    /// The picture with `left`, `top`, `right` and `bottom` more pixels around it.
    ///
    /// # Errors
    /// [`ImageError::Size`] if the result is more than the machine can address.
    pub fn padded(
        &self,
        [left, top, right, bottom]: [usize; 4],
        border: Border,
    ) -> Result<Self, ImageError> {
        let add = |a: usize, b: usize, c: usize| a.saturating_add(b).saturating_add(c);
        let (width, height) = (add(self.width, left, right), add(self.height, top, bottom));
        let mut data = Vec::with_capacity(length(width, height)?);
        for y in 0..height {
            let inside = y >= top && y < top + self.height;
            if border == Border::Zero && !inside {
                data.resize(data.len() + width * 3, 0);
                continue;
            }
            let row = self.row(y.saturating_sub(top).min(self.height - 1));
            let (first, last) = match border {
                Border::Replicate => (&row[..3], &row[row.len() - 3..]),
                Border::Zero => (&[0; 3][..], &[0; 3][..]),
            };
            (0..left).for_each(|_| data.extend_from_slice(first));
            data.extend_from_slice(row);
            (0..right).for_each(|_| data.extend_from_slice(last));
        }
        Ok(Self { width, height, data })
    }

    /// Copies `other` so that its top left pixel comes to lie on (`x`, `y`); what reaches beyond
    /// this picture is cut off.
    pub fn paste(&mut self, other: &Picture, x: usize, y: usize) {
        let columns = other.width.min(self.width.saturating_sub(x));
        for row in 0..other.height.min(self.height.saturating_sub(y)) {
            let start = ((y + row) * self.width + x) * 3;
            self.data[start..start + columns * 3].copy_from_slice(&other.row(row)[..columns * 3]);
        }
    }

    /// Every pixel replaced by its luma, `0.299 r + 0.587 g + 0.114 b` (ITU-R BT.601) in the
    /// 16-bit fixed-point arithmetic of Pillow's `convert("L")`.
    #[must_use]
    pub fn grey(&self) -> Self {
        let mut grey = self.clone();
        for pixel in grey.data.chunks_exact_mut(3) {
            let [r, g, b] = [pixel[0], pixel[1], pixel[2]].map(u32::from);
            pixel.fill(((r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16) as u8);
        }
        grey
    }
}

/// Bytes of a picture of this size.
pub(crate) fn length(width: usize, height: usize) -> Result<usize, ImageError> {
    width
        .checked_mul(height)
        .and_then(|pixels| pixels.checked_mul(3))
        .filter(|&bytes| bytes > 0 && isize::try_from(bytes).is_ok())
        .ok_or(ImageError::Size {
            what: "picture",
            width,
            height,
            expected: "both sides at least 1 and all pixels within the address space",
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(width: usize, height: usize) -> Picture {
        let data = (0..width * height * 3).map(|i| i as u8).collect();
        Picture::from_rgb(width, height, data).unwrap()
    }

    #[test]
    fn impossible_sizes_are_refused() {
        assert!(matches!(Picture::filled(0, 3, [0; 3]), Err(ImageError::Size { .. })));
        assert!(matches!(Picture::filled(usize::MAX, 2, [0; 3]), Err(ImageError::Size { .. })));
        assert!(matches!(Picture::from_rgb(2, 2, vec![0; 11]), Err(ImageError::Buffer { .. })));
        assert!(matches!(numbered(4, 4).crop(3, 0, 2, 1), Err(ImageError::Region { .. })));
        assert!(numbered(4, 4).crop(usize::MAX, 0, 2, 1).is_err());
    }

    #[test]
    fn padding_then_cropping_gives_the_picture_back() {
        let picture = numbered(5, 3);
        for border in [Border::Replicate, Border::Zero] {
            let padded = picture.padded([2, 1, 3, 4], border).unwrap();
            assert_eq!((padded.width(), padded.height()), (10, 8));
            assert_eq!(padded.crop(2, 1, 5, 3).unwrap(), picture);
            let corner = if border == Border::Zero { [0; 3] } else { picture.pixel(0, 0) };
            assert_eq!(padded.pixel(0, 0), corner);
        }
    }

    #[test]
    fn flipping_twice_changes_nothing_and_pasting_is_cut_off() {
        let picture = numbered(4, 2);
        assert_eq!(picture.flipped().pixel(0, 1), picture.pixel(3, 1));
        assert_eq!(picture.flipped().flipped(), picture);
        let mut sheet = Picture::filled(3, 3, [9; 3]).unwrap();
        sheet.paste(&picture, 1, 2);
        assert_eq!(sheet.pixel(2, 2), picture.pixel(1, 0));
        sheet.paste(&picture, 7, 7);
    }
}
