//! Damaged files: an error or a picture, never a panic.

use facette_image::{DecodeOptions, ImageError, Picture};
use proptest::prelude::*;

fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let data = (0..40 * 33 * 3).map(|i| (i * i % 253) as u8).collect();
    let picture = Picture::from_rgb(40, 33, data).unwrap();
    let rgb = image::RgbImage::from_raw(40, 33, picture.as_bytes().to_vec()).unwrap();
    let written = |format| {
        let mut bytes = std::io::Cursor::new(Vec::new());
        rgb.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    };
    vec![
        ("JPEG", picture.to_jpeg(80).unwrap()),
        ("PNG", picture.to_png().unwrap()),
        ("WebP", written(image::ImageFormat::WebP)),
        ("BMP", written(image::ImageFormat::Bmp)),
        ("PNM", written(image::ImageFormat::Pnm)),
        ("TIFF", written(image::ImageFormat::Tiff)),
        ("GIF", written(image::ImageFormat::Gif)),
    ]
}

#[test]
fn whole_files_of_every_format_are_read() {
    for (format, bytes) in samples() {
        let picture = Picture::decode(&bytes).unwrap_or_else(|e| panic!("{format}: {e}"));
        assert_eq!((picture.width(), picture.height()), (40, 33), "{format}");
    }
}

#[test]
fn files_cut_in_the_middle_are_refused_by_name() {
    for (format, bytes) in samples() {
        let error = Picture::decode(&bytes[..bytes.len() / 2]).expect_err(format);
        assert!(error.to_string().contains(format), "{format}: {error}");
        assert!(
            matches!(error, ImageError::Truncated { .. } | ImageError::Corrupt { .. }),
            "{format}: {error:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]
    #[test]
    fn mutated_files_never_panic(
        which in 0usize..7,
        cut in proptest::option::of(0.0f64..1.0),
        edits in proptest::collection::vec((0.0f64..1.0, any::<u8>()), 0..12),
    ) {
        let (_, mut bytes) = samples().swap_remove(which);
        if let Some(cut) = cut {
            bytes.truncate((bytes.len() as f64 * cut) as usize);
        }
        for (place, value) in edits {
            let at = (place * bytes.len() as f64) as usize;
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
        }
        for apply_orientation in [false, true] {
            let options = DecodeOptions { max_pixels: 1 << 20, apply_orientation };
            match Picture::decode_with(&bytes, &options) {
                Ok(picture) => prop_assert!(picture.width() * picture.height() <= 1 << 20),
                Err(error) => prop_assert!(!error.to_string().is_empty()),
            }
        }
    }
}
