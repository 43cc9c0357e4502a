//! Bytes of a file to a [`Picture`].

use std::io::Cursor;

use image::{ImageDecoder, ImageFormat, ImageReader, Limits};

use crate::{ImageError, Picture, jpeg};

/// How much a file may ask for, and whether its orientation tag counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeOptions {
    /// Largest number of pixels that is decoded; the header is judged before memory is taken.
    pub max_pixels: u64,
    /// Turn the picture as its EXIF orientation says. Off by default: data sets of aligned crops
    /// were made by tools that ignore the tag, and a crop that turns itself is a wrong crop.
    pub apply_orientation: bool,
}

impl Default for DecodeOptions {
    /// 64 Mi pixels (192 MiB of RGB), orientation ignored.
    fn default() -> Self {
        Self { max_pixels: 1 << 26, apply_orientation: false }
    }
}

impl Picture {
    /// Reads a JPEG, PNG, WebP, BMP, PNM (pgm, ppm, pam), TIFF or GIF with the default
    /// [`DecodeOptions`]. The format is told by the first bytes, never by a file name.
    ///
    /// Grey becomes three equal channels, 16-bit samples are rounded to 8, alpha is **dropped**
    /// (the colour beneath stays, as in Pillow's `convert("RGB")`), of an animation the first
    /// frame is taken, and embedded colour profiles are ignored.
    ///
    /// # Errors
    /// [`ImageError::UnknownFormat`], [`Truncated`](ImageError::Truncated),
    /// [`Corrupt`](ImageError::Corrupt), [`Unsupported`](ImageError::Unsupported) or
    /// [`TooLarge`](ImageError::TooLarge). A JPEG without its end is refused although its upper
    /// part could be shown: a half-grey face must not be trained on.
    ///
    /// ```
    /// use facette_image::Picture;
    /// let picture = Picture::decode(b"P5 2 1 255\n\x00\xff").unwrap();
    /// assert_eq!((picture.width(), picture.height()), (2, 1));
    /// assert_eq!(picture.pixel(1, 0), [255; 3]);
    /// assert!(Picture::decode(b"not a picture").is_err());
    /// ```
    pub fn decode(bytes: &[u8]) -> Result<Self, ImageError> {
        Self::decode_with(bytes, &DecodeOptions::default())
    }

    /// As [`decode`](Self::decode), with options.
    ///
    /// # Errors
    /// See [`decode`](Self::decode).
    pub fn decode_with(bytes: &[u8], options: &DecodeOptions) -> Result<Self, ImageError> {
        let unknown = || ImageError::UnknownFormat {
            length: bytes.len(),
            start: match bytes.iter().take(8).map(|b| format!("{b:02x}")).collect::<String>() {
                empty if empty.is_empty() => "nothing".to_owned(),
                start => start,
            },
        };
        let format = image::guess_format(bytes).map_err(|_| unknown())?;
        let name = format_name(format).ok_or_else(unknown)?;
        let explain = |error| explain(name, error);

        let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
        let mut limits = Limits::no_limits();
        // Eight bytes for 16-bit RGBA, and room for the decoder's own tables.
        limits.max_alloc = Some(options.max_pixels.saturating_mul(8).saturating_add(64 << 20));
        reader.limits(limits);
        let mut decoder = reader.into_decoder().map_err(explain)?;
        let (width, height) = decoder.dimensions();
        let (wide, high) = (u64::from(width), u64::from(height));
        if wide * high > options.max_pixels {
            let limit = options.max_pixels;
            return Err(ImageError::TooLarge { width: wide, height: high, limit });
        }
        if format == ImageFormat::Jpeg {
            jpeg::check_complete(bytes)?;
        }
        let orientation = match options.apply_orientation {
            true => Some(decoder.orientation().map_err(explain)?),
            false => None,
        };
        let mut image = image::DynamicImage::from_decoder(decoder).map_err(explain)?;
        if let Some(orientation) = orientation {
            image.apply_orientation(orientation);
        }
        let rgb = image.into_rgb8();
        let (width, height) = (rgb.width() as usize, rgb.height() as usize);
        Self::from_rgb(width, height, rgb.into_raw())
    }
}

fn format_name(format: ImageFormat) -> Option<&'static str> {
    match format {
        ImageFormat::Jpeg => Some("JPEG"),
        ImageFormat::Png => Some("PNG"),
        ImageFormat::WebP => Some("WebP"),
        ImageFormat::Bmp => Some("BMP"),
        ImageFormat::Pnm => Some("PNM"),
        ImageFormat::Tiff => Some("TIFF"),
        ImageFormat::Gif => Some("GIF"),
        _ => None,
    }
}

fn explain(format: &'static str, error: image::ImageError) -> ImageError {
    let detail = error.to_string();
    match error {
        image::ImageError::Unsupported(_) => ImageError::Unsupported { format, detail },
        image::ImageError::IoError(io) if io.kind() == std::io::ErrorKind::UnexpectedEof => {
            ImageError::Truncated { format, detail }
        }
        _ => ImageError::Corrupt { format, detail },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bomb_is_refused_by_its_header() {
        let bomb = b"P6 100000 100000 255\n";
        match Picture::decode(bomb) {
            Err(ImageError::TooLarge { width: 100_000, limit, .. }) => assert_eq!(limit, 1 << 26),
            other => panic!("{other:?}"),
        }
        let options = DecodeOptions { max_pixels: 3, ..DecodeOptions::default() };
        let small = b"P5 2 2 255\n\x00\x01\x02\x03";
        assert!(Picture::decode_with(small, &options).is_err());
        assert!(Picture::decode(small).is_ok());
    }

    #[test]
    fn grey_alpha_and_sixteen_bits_become_rgb() {
        let wide = Picture::decode(b"P5 1 1 65535\n\x80\x80").unwrap();
        assert_eq!(wide.pixel(0, 0), [128; 3]);
        let pam = b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n\x0a\x14\x1e\x00";
        assert_eq!(Picture::decode(pam).unwrap().pixel(0, 0), [10, 20, 30]);
    }

    #[test]
    fn what_is_no_picture_is_named() {
        let message = Picture::decode(b"").unwrap_err().to_string();
        assert!(message.contains("0 bytes beginning with nothing"), "{message}");
        let message = Picture::decode(b"<html>").unwrap_err().to_string();
        assert!(message.contains("3c68746d6c3e"), "{message}");
    }

    #[test]
    fn orientation_is_followed_only_on_request() {
        let picture = Picture::from_rgb(2, 1, vec![0, 0, 0, 255, 255, 255]).unwrap();
        let plain = picture.to_jpeg(100).unwrap();
        // APP1 with a little-endian TIFF directory of one entry: orientation (0x0112) = 6.
        let exif = b"\xff\xe1\x00\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        let tagged = [&plain[..2], exif, &plain[2..]].concat();
        let ignored = Picture::decode(&tagged).unwrap();
        assert_eq!((ignored.width(), ignored.height()), (2, 1));
        let options = DecodeOptions { apply_orientation: true, ..DecodeOptions::default() };
        let turned = Picture::decode_with(&tagged, &options).unwrap();
        assert_eq!((turned.width(), turned.height()), (1, 2));
    }
}
