//! A [`Picture`] to the bytes of a file.

use std::io::{Cursor, Write};
use std::path::Path;

use image::ImageFormat;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use crate::{ImageError, Picture};

impl Picture {
    /// The picture as PNG: lossless.
    ///
    /// # Errors
    /// [`ImageError::Encode`] if a side does not fit the format.
    pub fn to_png(&self) -> Result<Vec<u8>, ImageError> {
        let refused = |detail: String| self.refusal("PNG", detail);
        let side = |side: usize| u32::try_from(side).map_err(|e| refused(e.to_string()));
        let mut bytes = Cursor::new(Vec::new());
        image::write_buffer_with_format(
            &mut bytes,
            self.as_bytes(),
            side(self.width())?,
            side(self.height())?,
            image::ExtendedColorType::Rgb8,
            ImageFormat::Png,
        )
        .map_err(|e| refused(e.to_string()))?;
        Ok(bytes.into_inner())
    }

    /// The picture as baseline JPEG of `quality` 1..=100 with halved chroma (4:2:0) and the
    /// quantisation tables of the standard, as libjpeg, Pillow and OpenCV write by default.
    ///
    /// # Errors
    /// [`ImageError::Encode`] for a quality outside 1..=100 or a side above 65,535.
    pub fn to_jpeg(&self, quality: u8) -> Result<Vec<u8>, ImageError> {
        let refused = |detail: String| self.refusal("JPEG", detail);
        if !(1..=100).contains(&quality) {
            return Err(refused(format!("quality {quality} is not in 1..=100")));
        }
        let side = |side: usize| {
            u16::try_from(side).map_err(|_| refused("a side may have 65,535 pixels".to_owned()))
        };
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, quality);
        encoder.set_sampling_factor(SamplingFactor::F_2_2);
        let (width, height) = (side(self.width())?, side(self.height())?);
        encoder
            .encode(self.as_bytes(), width, height, ColorType::Rgb)
            .map_err(|e| refused(e.to_string()))?;
        Ok(bytes)
    }

    /// Writes the picture to `path`: JPEG of quality 95 where the name ends in `.jpg` or `.jpeg`,
    /// PNG otherwise. The file appears whole or not at all.
    ///
    /// # Errors
    /// [`ImageError::Encode`], or [`ImageError::Io`] with the path.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), ImageError> {
        let path = path.as_ref();
        let lossy = path.extension().is_some_and(|extension| {
            ["jpg", "jpeg"].iter().any(|known| extension.eq_ignore_ascii_case(known))
        });
        let bytes = if lossy { self.to_jpeg(95)? } else { self.to_png()? };
        let write = || {
            let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
            let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
            file.write_all(&bytes)?;
            file.as_file().sync_all()?;
            file.persist(path).map_err(|e| e.error)?;
            Ok(())
        };
        write().map_err(|source| ImageError::Io { path: path.to_owned(), source })
    }

    fn refusal(&self, format: &'static str, detail: String) -> ImageError {
        ImageError::Encode { format, width: self.width(), height: self.height(), detail }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp() -> Picture {
        let data = (0..16 * 12).flat_map(|i| [(i % 16) as u8 * 16, (i / 16) as u8 * 20, 90]);
        Picture::from_rgb(16, 12, data.collect()).unwrap()
    }

    #[test]
    fn png_is_lossless_and_jpeg_is_near() {
        let picture = ramp();
        assert_eq!(Picture::decode(&picture.to_png().unwrap()).unwrap(), picture);
        let worst = |quality| {
            let decoded = Picture::decode(&picture.to_jpeg(quality).unwrap()).unwrap();
            let pairs = decoded.as_bytes().iter().zip(picture.as_bytes());
            pairs.map(|(a, b)| a.abs_diff(*b)).max().unwrap()
        };
        assert!(worst(100) < 24 && worst(5) > worst(100), "{} {}", worst(100), worst(5));
        assert!(picture.to_jpeg(0).is_err() && picture.to_jpeg(101).is_err());
    }

    #[test]
    fn saving_names_the_path_that_failed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("face.JPG");
        ramp().save(&path).unwrap();
        assert_eq!(&std::fs::read(&path).unwrap()[..2], b"\xff\xd8");
        let missing = folder.path().join("no such folder").join("face.png");
        let message = ramp().save(&missing).unwrap_err().to_string();
        assert!(message.contains("no such folder"), "{message}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
