//! How large the pictures are that a protocol shows.

use std::fmt;
use std::str::FromStr;

use facette_image::{Kernel, Picture, Size, View, random, resize};
use serde::{Deserialize, Serialize};

use crate::EvalError;

/// Side lengths of the first and the second picture of a pair (or of gallery and probe), in pixels:
/// `16`, or `112-16` for a large picture against a small one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Sizes {
    /// Side of the first picture.
    pub first: usize,
    /// Side of the second picture.
    pub second: usize,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a size such as 16, \"112-16\" or [112, 16]")]
enum Written {
    One(usize),
    Two([usize; 2]),
    Text(String),
}

impl TryFrom<Written> for Sizes {
    type Error = EvalError;

    fn try_from(written: Written) -> Result<Self, EvalError> {
        match written {
            Written::One(side) => Self::new(side, side),
            Written::Two([first, second]) => Self::new(first, second),
            Written::Text(text) => text.parse(),
        }
    }
}

impl From<Sizes> for Written {
    fn from(sizes: Sizes) -> Self {
        match sizes.first == sizes.second {
            true => Self::One(sizes.first),
            false => Self::Two([sizes.first, sizes.second]),
        }
    }
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first == self.second {
            true => write!(f, "{}", self.first),
            false => write!(f, "{}-{}", self.first, self.second),
        }
    }
}

impl FromStr for Sizes {
    type Err = EvalError;

    fn from_str(text: &str) -> Result<Self, EvalError> {
        let refused = || EvalError::Option {
            option: "size".into(),
            value: text.into(),
            expected: "a side in pixels such as 16, or two such as 112-16".into(),
        };
        let side = |text: &str| text.trim().parse::<usize>().map_err(|_| refused());
        match text.split_once('-') {
            None => side(text).and_then(|side| Self::new(side, side)),
            Some((first, second)) => Self::new(side(first)?, side(second)?),
        }
    }
}

impl Sizes {
    /// Sides from 1 to 4096; fails for others.
    pub fn new(first: usize, second: usize) -> Result<Self, EvalError> {
        for side in [first, second] {
            if !(1..=4096).contains(&side) {
                return Err(EvalError::Option {
                    option: "size".into(),
                    value: side.to_string(),
                    expected: "a side within 1 to 4096 pixels".into(),
                });
            }
        }
        Ok(Self { first, second })
    }
}

/// How pictures are enlarged: OpenCV's `INTER_CUBIC` and PyTorch's `bicubic` (a = -0.75), which goes
/// with `INTER_AREA` in the other direction. Pillow's bicubic (a = -0.5) gives a large model the
/// same ROC on small faces, but accuracies up to a point apart.
const ENLARGE: Kernel = Kernel::BicubicPoint;

/// How a picture becomes a model's planes when it is to be seen at a given size.
#[derive(Debug, Clone)]
pub(crate) struct Preparation {
    capture: View,
    reduce_to: Option<usize>,
    enlarge: bool,
    view: View,
}

impl Preparation {
    /// The picture is first brought to `side` x `side` with the view's kernel, then, to a larger
    /// model input by bicubic interpolation, to a smaller one with the view's kernel again. The
    /// first step and every enlargement round to bytes, as a small picture is stored and as its
    /// viewers enlarge it. With no `side`, or that of the model's input, the view alone decides.
    pub(crate) fn new(input: &View, side: Option<usize>) -> Result<Self, EvalError> {
        input.check()?;
        let Size { width, height } = input.size;
        let reduce_to = side.filter(|&s| (s, s) != (width, height));
        let enlarge = reduce_to.is_some_and(|s| s < width.max(height));
        let capture = input.clone();
        let mut view = input.clone();
        if reduce_to.is_some() {
            view.capture = Default::default();
        }
        Ok(Self { capture, reduce_to, enlarge, view })
    }

    /// The side of the pictures shown: as asked for, or the longer one of the model's input.
    pub(crate) fn side(&self) -> usize {
        self.reduce_to.unwrap_or(self.view.size.width.max(self.view.size.height))
    }

    /// Values of one picture's planes.
    pub(crate) fn len(&self) -> usize {
        self.view.len()
    }

    /// Width of a row of a plane.
    pub(crate) fn width(&self) -> usize {
        self.view.size.width
    }

    /// The picture as it is seen, for people: at the reduced size, before it is enlarged again.
    pub(crate) fn reduced(&self, picture: &Picture) -> Result<Picture, EvalError> {
        let (side, kernel) = (self.side(), self.capture.kernel);
        let captured = self.captured(picture)?;
        let enlarges = side > captured.width().max(captured.height());
        let kernel = if enlarges { ENLARGE } else { kernel };
        Ok(resize(&captured, side, side, kernel)?)
    }

    /// Writes the planes of `picture` to `out`.
    pub(crate) fn planes(&self, picture: &Picture, out: &mut [f32]) -> Result<(), EvalError> {
        if self.reduce_to.is_none() {
            return Ok(self.view.clean(picture, false, out)?);
        }
        let mut shown = self.reduced(picture)?;
        if self.enlarge {
            let Size { width, height } = self.view.size;
            shown = resize(&shown, width, height, ENLARGE)?;
        }
        Ok(self.view.clean(&shown, false, out)?)
    }

    fn captured(&self, picture: &Picture) -> Result<Picture, EvalError> {
        let chain = &self.capture.capture;
        if chain.is_empty() {
            return Ok(picture.clone());
        }
        // The view was checked: a capture chain draws nothing from its stream.
        let mut unused = random::stream(0, "capture", 0);
        Ok(chain.apply(picture.clone(), &mut unused)?.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_written() {
        let read = |text: &str| serde_json::from_str::<Sizes>(text).unwrap();
        assert_eq!(read("16"), Sizes { first: 16, second: 16 });
        assert_eq!(read("\"112-16\""), Sizes { first: 112, second: 16 });
        assert_eq!(read("[112, 16]"), "112-16".parse().unwrap());
        assert_eq!(serde_json::to_string(&read("\"112-16\"")).unwrap(), "[112,16]");
        assert_eq!(read("16").to_string(), "16");
        for bad in ["", "0", "16-", "5000", "-16", "16x16"] {
            assert!(bad.parse::<Sizes>().is_err(), "{bad}");
        }
    }

    fn striped() -> Picture {
        let bytes = (0..64 * 64 * 3).map(|i| ((i / 3 % 64) * 4) as u8).collect();
        Picture::from_rgb(64, 64, bytes).unwrap()
    }

    #[test]
    fn small_pictures_are_enlarged_to_a_large_input() {
        let view = View::square(32);
        let small = Preparation::new(&view, Some(8)).unwrap();
        let mut planes = vec![0.0; small.len()];
        small.planes(&striped(), &mut planes).unwrap();

        let reduced = resize(&striped(), 8, 8, view.kernel).unwrap();
        let enlarged = resize(&reduced, 32, 32, ENLARGE).unwrap();
        let mut expected = vec![0.0; view.len()];
        view.clean(&enlarged, false, &mut expected).unwrap();
        assert_eq!(planes, expected);
        assert_eq!(small.side(), 8);
    }

    #[test]
    fn the_native_size_is_the_view_itself() {
        let view = View::square(32);
        let mut expected = vec![0.0; view.len()];
        view.clean(&striped(), false, &mut expected).unwrap();
        for side in [None, Some(32)] {
            let native = Preparation::new(&view, side).unwrap();
            let mut planes = vec![0.0; native.len()];
            native.planes(&striped(), &mut planes).unwrap();
            assert_eq!(planes, expected);
            assert_eq!(native.side(), 32);
        }
    }

    #[test]
    fn a_large_picture_is_seen_by_a_small_model_through_its_own_kernel() {
        let view = View { kernel: Kernel::Bilinear, ..View::square(8) };
        let mut planes = vec![0.0; view.len()];
        Preparation::new(&view, Some(32)).unwrap().planes(&striped(), &mut planes).unwrap();
        let between = resize(&striped(), 32, 32, Kernel::Bilinear).unwrap();
        let mut expected = vec![0.0; view.len()];
        view.clean(&between, false, &mut expected).unwrap();
        assert_eq!(planes, expected);
    }
}
