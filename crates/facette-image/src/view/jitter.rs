//! The random part of a training view, apart from degradations.

use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::geometry::Frame;
use super::{Size, Tone};
use crate::degrade::{Range, happens};
use crate::{Border, ImageError, Kernel, Picture};
use facette_random::Stream;
use facette_resize::Interval;

/// Random crop, flip, tone and erasing. Everything is off by default.
///
/// Lengths are fractions of the picture's own sides, so that the same jitter serves pictures of
/// 48 and of 112 pixels. Pictures of 48 pixels padded by 3, of which crops of 45 to 52 pixels are
/// taken that use six tenths of the room to move, are `scale = [0.9375, 1.0833]`,
/// `margin = 0.0625`, `spread = 0.6`; CIFAR's "pad 4, crop 32" is `margin = 0.125`,
/// `border = "zero"`, `whole_pixels = true`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Jitter {
    /// Side of the crop.
    pub scale: Range,
    /// Width through height of the crop, relative to the picture; drawn evenly in its logarithm.
    pub aspect: Range,
    /// How far around the picture the crop may reach.
    pub margin: f64,
    /// Which part of the room to move is used, 0..=1: 0 keeps the crop in the middle.
    pub spread: f64,
    /// Largest rotation in degrees, either way. Needs `kernel = "area"`.
    pub rotation: f64,
    /// Cut at whole pixels of the source, as crops of tensors do.
    pub whole_pixels: bool,
    /// What stands beyond the picture.
    pub border: Border,
    /// Probability of the mirror image.
    pub flip: f64,
    /// Largest constant added or subtracted, in units of 0..1.
    pub brightness: f64,
    /// Largest relative change of the distance from middle grey.
    pub contrast: f64,
    /// Largest change of the logarithm of the tone curve's exponent.
    pub gamma: f64,
    /// Largest relative change of the distance from the pixel's luma.
    pub saturation: f64,
    /// Largest relative change of each channel by itself: the colour of the light.
    pub colour: f64,
    /// Probability that the picture becomes grey.
    pub grey: f64,
    /// A rectangle that is filled with the mean.
    pub erase: Erase,
}

/// Cut-out (DeVries & Taylor 2017): a rectangle of the finished view is set to the mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Erase {
    /// Probability that it happens.
    pub probability: f64,
    /// Width and height, each drawn as a fraction of the view's side.
    pub side: Range,
}

impl Default for Erase {
    fn default() -> Self {
        Self { probability: 0.0, side: Range::new(0.1, 0.4) }
    }
}

impl Default for Jitter {
    fn default() -> Self {
        Self {
            scale: Range::fixed(1.0),
            aspect: Range::fixed(1.0),
            margin: 0.0,
            spread: 1.0,
            rotation: 0.0,
            whole_pixels: false,
            border: Border::Replicate,
            flip: 0.0,
            brightness: 0.0,
            contrast: 0.0,
            gamma: 0.0,
            saturation: 0.0,
            colour: 0.0,
            grey: 0.0,
            erase: Erase::default(),
        }
    }
}

impl Jitter {
    /// Whether nothing is random.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn check(&self, kernel: Kernel) -> Result<(), ImageError> {
        self.scale.check("scale", 0.01, 4.0)?;
        self.aspect.check("aspect", 0.1, 10.0)?;
        let within = |field, value, most| Range::fixed(value).check(field, 0.0, most);
        within("margin", self.margin, 2.0)?;
        within("spread", self.spread, 1.0)?;
        within("rotation", self.rotation, 60.0)?;
        within("flip", self.flip, 1.0)?;
        within("brightness", self.brightness, 1.0)?;
        within("contrast", self.contrast, 1.0)?;
        within("gamma", self.gamma, 3.0)?;
        within("saturation", self.saturation, 1.0)?;
        within("colour", self.colour, 1.0)?;
        within("grey", self.grey, 1.0)?;
        within("erase.probability", self.erase.probability, 1.0)?;
        self.erase.side.check("erase.side", 0.0, 1.0)?;
        if self.scale.high > 1.0 + 2.0 * self.margin + 1e-6 {
            let problem = format!(
                "a crop of {} times the picture needs a margin of {}, found {}",
                self.scale.high,
                (self.scale.high - 1.0) / 2.0,
                self.margin
            );
            return Err(ImageError::setting("margin", problem));
        }
        if self.rotation > 0.0 && (kernel != Kernel::Area || self.whole_pixels) {
            let problem = "rotated crops are resampled by area at fractional positions; set \
                           `kernel = \"area\"` and leave `whole_pixels` off";
            return Err(ImageError::setting("rotation", problem));
        }
        Ok(())
    }

    /// Where the crop lies.
    pub(super) fn frame(&self, picture: &Picture, stream: &mut Stream) -> Frame {
        let scale = self.scale.draw(stream);
        let aspect = Range::new(self.aspect.low.ln(), self.aspect.high.ln()).draw(stream).exp();
        let mut place = |length: usize, side: f64| {
            let length = length as f64;
            let room = (1.0 + 2.0 * self.margin - side).max(0.0) * self.spread;
            let shift = Range::new(-0.5 * room, 0.5 * room).draw(stream);
            let mut extent = side * length;
            let mut from = (0.5 + shift) * length - 0.5 * extent;
            if self.whole_pixels {
                extent = extent.round().max(1.0);
                from = from.round();
            }
            Interval { from, to: from + extent }
        };
        let x = place(picture.width(), scale * aspect.sqrt());
        let y = place(picture.height(), scale / aspect.sqrt());
        let angle = Range::new(-self.rotation, self.rotation).draw(stream);
        Frame::new(x, y, angle)
    }

    pub(super) fn flips(&self, stream: &mut Stream) -> bool {
        happens(self.flip, stream)
    }

    pub(super) fn tone(&self, stream: &mut Stream) -> Tone {
        let mut about = |middle: f64, reach: f64| {
            Range::new(middle - reach, middle + reach).draw(stream) as f32
        };
        let gain = [(); 3].map(|()| about(1.0, self.colour));
        let mut tone = Tone {
            gain,
            saturation: about(1.0, self.saturation),
            gamma: about(0.0, self.gamma).exp(),
            contrast: about(1.0, self.contrast),
            brightness: about(0.0, self.brightness),
        };
        if happens(self.grey, stream) {
            tone.saturation = 0.0;
        }
        tone
    }

    /// The rectangle to erase: left, top, width and height in pixels of the view.
    pub(super) fn erase(&self, size: Size, stream: &mut Stream) -> Option<[usize; 4]> {
        if !happens(self.erase.probability, stream) {
            return None;
        }
        let mut place = |side: usize| {
            let extent = (self.erase.side.draw(stream) * side as f64).round() as usize;
            let from = stream.random::<f64>() * (side - extent + 1) as f64;
            (from as usize, extent)
        };
        let ((x, width), (y, height)) = (place(size.width), place(size.height));
        (width > 0 && height > 0).then_some([x, y, width, height])
    }
}
