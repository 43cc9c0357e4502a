//! Decoded pictures in memory: all pixels in one block.

use facette_image::Picture;

use crate::DataError;

const MB: u64 = 1_000_000;

/// Pictures by their number, as bytes.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Decoded {
    /// Width, height and where the pixels begin.
    places: Vec<(u32, u32, usize)>,
    pixels: Vec<u8>,
}

impl Decoded {
    /// Pictures of `sizes` whose pixels lie in `block` one after the other, from `start` on.
    /// `None` if they do not fill it exactly.
    pub(super) fn from_block(sizes: &[(u32, u32)], block: Vec<u8>, start: usize) -> Option<Self> {
        let mut places = Vec::with_capacity(sizes.len());
        let mut end = start;
        for &(width, height) in sizes {
            let bytes = (width as usize).checked_mul(height as usize)?.checked_mul(3)?;
            if bytes == 0 {
                return None;
            }
            places.push((width, height, end));
            end = end.checked_add(bytes)?;
        }
        (end == block.len()).then_some(Self { places, pixels: block })
    }

    pub(crate) fn push(&mut self, picture: &Picture) {
        // A decoder's limit on pixels keeps sides far below 2^32.
        let (width, height) = (picture.width() as u32, picture.height() as u32);
        self.places.push((width, height, self.pixels.len()));
        self.pixels.extend_from_slice(picture.as_bytes());
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.pixels.len()
    }

    pub(super) fn sizes(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.places.iter().map(|&(width, height, _)| (width, height))
    }

    pub(super) fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    pub(crate) fn picture(&self, i: usize) -> Picture {
        let (width, height, start) = self.places[i];
        let (width, height) = (width as usize, height as usize);
        let pixels = self.pixels[start..start + width * height * 3].to_vec();
        Picture::from_rgb(width, height, pixels).expect("sizes were checked when it was put here")
    }

    /// Refuses as soon as `total` pictures like those so far would not fit into `limit_mb`.
    ///
    /// # Errors
    /// [`DataError::CacheLimit`].
    pub(crate) fn check_limit(&self, total: usize, limit_mb: u64) -> Result<(), DataError> {
        let held = self.pixels.len() as u64;
        if held > limit_mb.saturating_mul(MB) {
            let forecast = u128::from(held) * total as u128 / self.len().max(1) as u128;
            return Err(DataError::CacheLimit {
                pictures: total,
                needed_mb: (forecast as u64).div_ceil(MB),
                limit_mb,
            });
        }
        Ok(())
    }
}
