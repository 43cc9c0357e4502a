//! Size and normalisation of a view.

use serde::{Deserialize, Serialize};

use crate::{Channels, ImageError};

/// Width and height in pixels; written as one number where they are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "WrittenSize", into = "WrittenSize")]
pub struct Size {
    /// Pixels of a row.
    pub width: usize,
    /// Number of rows.
    pub height: usize,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a number of pixels or a pair [width, height]")]
enum WrittenSize {
    Square(usize),
    Sides([usize; 2]),
}

impl From<WrittenSize> for Size {
    fn from(written: WrittenSize) -> Self {
        match written {
            WrittenSize::Square(side) => Self { width: side, height: side },
            WrittenSize::Sides([width, height]) => Self { width, height },
        }
    }
}

impl From<Size> for WrittenSize {
    fn from(Size { width, height }: Size) -> Self {
        if width == height { Self::Square(width) } else { Self::Sides([width, height]) }
    }
}

impl Size {
    pub(super) fn check(self) -> Result<(), ImageError> {
        let Self { width, height } = self;
        if (1..=4096).contains(&width) && (1..=4096).contains(&height) {
            return Ok(());
        }
        let problem = format!("expected sides within 1..=4096 pixels, found {width}x{height}");
        Err(ImageError::setting("size", problem))
    }
}

/// One number per plane; read from one number or three, written as three.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "WrittenPerChannel")]
pub struct PerChannel(
    /// In the order of the planes; a grey view uses the first.
    pub [f32; 3],
);

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a number or three, one per plane")]
enum WrittenPerChannel {
    All(f32),
    Each([f32; 3]),
}

impl From<WrittenPerChannel> for PerChannel {
    fn from(written: WrittenPerChannel) -> Self {
        match written {
            WrittenPerChannel::All(value) => Self([value; 3]),
            WrittenPerChannel::Each(values) => Self(values),
        }
    }
}

pub(super) fn check(
    mean: &PerChannel,
    std: &PerChannel,
    channels: Channels,
) -> Result<(), ImageError> {
    for (field, values, possible) in [
        ("mean", mean.0, mean.0.iter().all(|m| m.is_finite())),
        ("std", std.0, std.0.iter().all(|s| s.is_finite() && *s > 0.0)),
    ] {
        if !possible {
            let expected = if field == "std" { "positive numbers" } else { "finite numbers" };
            let problem = format!("expected {expected}, found {values:?}");
            return Err(ImageError::setting(field, problem));
        }
        if channels == Channels::Grey && values != [values[0]; 3] {
            let problem =
                format!("a grey view has one plane; expected one number, found {values:?}");
            return Err(ImageError::setting(field, problem));
        }
    }
    Ok(())
}
