//! How small a picture is made.

use super::{Choice, Drawn, Range};
use crate::{ImageError, Picture};
use facette_random::Stream;

/// The size to which a picture is reduced: exactly one of the three.
#[derive(Clone, Debug)]
pub(super) enum Target {
    /// Pixels of the shorter side, a whole number drawn from the range.
    Size(Range),
    /// Pixels of the shorter side, one of a list.
    Sizes(Vec<u32>),
    /// Fraction of both sides.
    Scale(Range),
}

impl Target {
    /// The one that is given.
    pub(super) fn one_of(
        size: Option<Range>,
        sizes: Option<Vec<u32>>,
        scale: Option<Range>,
    ) -> Result<Self, ImageError> {
        match (size, sizes, scale) {
            (Some(size), None, None) => Ok(Self::Size(size)),
            (None, Some(sizes), None) => Ok(Self::Sizes(sizes)),
            (None, None, Some(scale)) => Ok(Self::Scale(scale)),
            (None, None, None) => Err(ImageError::setting(
                "size",
                "one of `size`, `sizes` and `scale` is needed, found none",
            )),
            _ => Err(ImageError::setting(
                "size",
                "one of `size`, `sizes` and `scale` is needed, found several",
            )),
        }
    }

    pub(super) fn check(&self) -> Result<(), ImageError> {
        match self {
            Self::Size(range) => range.check("size", 1.0, 16384.0),
            Self::Scale(range) => range.check("scale", 1e-3, 64.0),
            Self::Sizes(sizes) => {
                Choice::Of(sizes.clone()).check("sizes")?;
                sizes.iter().try_for_each(|&s| Range::fixed(s.into()).check("sizes", 1.0, 16384.0))
            }
        }
    }

    pub(super) fn is_fixed(&self) -> bool {
        match self {
            Self::Size(range) | Self::Scale(range) => range.is_fixed(),
            Self::Sizes(sizes) => sizes.len() == 1,
        }
    }

    /// Width and height to which `picture` is reduced; the ratio of the sides is kept, sides are
    /// at least 1.
    pub(super) fn draw(
        &self,
        picture: &Picture,
        stream: &mut Stream,
        drawn: &mut Vec<(&'static str, Drawn)>,
    ) -> (usize, usize) {
        let shorter = picture.width().min(picture.height()) as f64;
        let scale = match self {
            Self::Size(range) => range.draw_whole(stream) / shorter,
            Self::Sizes(sizes) => f64::from(Choice::Of(sizes.clone()).draw(stream)) / shorter,
            Self::Scale(range) => range.draw(stream),
        };
        // A tenth of a thousandth of a pixel absorbs the rounding of size / shorter * shorter.
        let side = |length: usize| ((length as f64 * scale + 1e-4).floor() as usize).max(1);
        let (width, height) = (side(picture.width()), side(picture.height()));
        drawn.push(("width", (width as f64).into()));
        drawn.push(("height", (height as f64).into()));
        (width, height)
    }
}
