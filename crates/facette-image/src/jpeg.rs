//! Is a JPEG file whole?

use crate::ImageError;

/// Walks the markers of a JPEG up to the end-of-image marker.
///
/// The decoder fills what is missing with grey and reports success, as a viewer should; here a
/// file that stops in the middle is an error (Pillow: "image file is truncated"). Bytes after the
/// end marker are allowed.
pub(crate) fn check_complete(bytes: &[u8]) -> Result<(), ImageError> {
    const END_OF_IMAGE: u8 = 0xD9;
    let truncated = || ImageError::Truncated {
        format: "JPEG",
        detail: format!("no end-of-image marker in {} bytes", bytes.len()),
    };
    let mut at = 2;
    loop {
        // Between segments, and inside a scan after its entropy-coded bytes, a marker is 0xFF and
        // a byte that is neither stuffing (0x00), a restart (0xD0 to 0xD7) nor another 0xFF.
        let marker = loop {
            match (bytes.get(at), bytes.get(at + 1)) {
                (Some(0xFF), Some(&code)) if !matches!(code, 0x00 | 0xD0..=0xD7 | 0xFF) => {
                    break code;
                }
                (Some(_), Some(_)) => at += 1,
                _ => return Err(truncated()),
            }
        };
        at += 2;
        match marker {
            END_OF_IMAGE => return Ok(()),
            0x01 | 0xD8 => {}
            _ => {
                let length = bytes.get(at..at + 2).ok_or_else(truncated)?;
                at += usize::from(u16::from_be_bytes([length[0], length[1]])).max(2);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Picture;

    #[test]
    fn every_proper_prefix_is_refused() {
        let data = (0..24 * 20 * 3).map(|i| (i * 37 % 251) as u8).collect();
        let whole = Picture::from_rgb(24, 20, data).unwrap().to_jpeg(90).unwrap();
        assert!(check_complete(&whole).is_ok());
        assert!(check_complete(&[&whole[..], b"trailing"].concat()).is_ok());
        for length in 0..whole.len() {
            assert!(Picture::decode(&whole[..length]).is_err(), "prefix of {length} bytes");
        }
    }
}
