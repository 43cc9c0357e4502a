//! A view: how a picture is shown to a network, in training and ever after.

mod finish;
mod geometry;
mod jitter;
mod layout;
mod record;
mod tone;
mod warp;

use std::cell::RefCell;

use serde::{Deserialize, Serialize};

pub use geometry::Frame;
pub use jitter::{Erase, Jitter};
pub use layout::{PerChannel, Size};
pub use record::Jittered;
pub use tone::Tone;

use crate::degrade::{Applied, Chain};
use crate::{Channels, ImageError, Kernel, Picture};
use facette_random::{Stream, stream};
use facette_resize::{Axis, Interval, resample, scale};

/// Everything between a [`Picture`] and the numbers that a network reads.
///
/// The order of events, in training: `capture` -> crop (and rotation) -> `degrade` -> resize to
/// `size` -> flip -> tone (colour, saturation, gamma, contrast, brightness) -> `degrade_after` ->
/// erase -> channel order -> `(value - mean) / std`. At test time only `capture`, the resize of the
/// whole picture, the flip if asked for, and the last two remain.
///
/// Without a `degrade` chain the crop is an arbitrary fractional rectangle of the source, resampled
/// straight to `size` in `f32` and never rounded to bytes. With one, the crop is first cut out at
/// the source's own scale (at whole pixels), since degradations work on pictures.
///
/// ```
/// use facette_image::{Picture, View};
/// let view: View = serde_json::from_str(r#"{"size": 2, "mean": 0.5, "std": 0.5}"#).unwrap();
/// let picture = Picture::filled(4, 4, [255, 0, 51]).unwrap();
/// let mut planes = vec![0.0; view.len()];
/// view.clean(&picture, false, &mut planes).unwrap();
/// assert_eq!(planes[..4], [1.0; 4]); // red plane
/// assert_eq!(planes[4..8], [-1.0; 4]); // green plane
/// assert!((planes[8] + 0.6).abs() < 1e-6); // blue plane
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct View {
    /// Width and height of the planes: one number for a square, or `[width, height]`. The
    /// picture's ratio of sides is not kept.
    pub size: Size,
    /// How the picture is brought to that size.
    pub kernel: Kernel,
    /// Which planes, in which order.
    pub channels: Channels,
    /// Subtracted, in units of 0..1, in the order of the planes.
    pub mean: PerChannel,
    /// Divided by, in units of 0..1, in the order of the planes.
    pub std: PerChannel,
    /// What the camera did: applied to the whole picture, in training **and** at test time. Must
    /// not be random.
    #[serde(skip_serializing_if = "Chain::is_empty")]
    pub capture: Chain,
    /// Random crop, flip and tone; training only.
    #[serde(skip_serializing_if = "Jitter::is_none")]
    pub jitter: Jitter,
    /// Degradations of the crop before it is resized; training only.
    #[serde(skip_serializing_if = "Chain::is_empty")]
    pub degrade: Chain,
    /// Degradations of the resized crop; training only. Rounds to bytes.
    #[serde(skip_serializing_if = "Chain::is_empty")]
    pub degrade_after: Chain,
}

impl Default for View {
    /// 112 x 112 by area, RGB, to -1..1, nothing random.
    fn default() -> Self {
        Self {
            size: Size { width: 112, height: 112 },
            kernel: Kernel::Area,
            channels: Channels::Rgb,
            mean: PerChannel([0.5; 3]),
            std: PerChannel([0.5; 3]),
            capture: Chain::default(),
            jitter: Jitter::default(),
            degrade: Chain::default(),
            degrade_after: Chain::default(),
        }
    }
}

/// Memory kept between pictures, one per thread.
#[derive(Default)]
struct Scratch {
    xs: Axis,
    ys: Axis,
    row: Vec<f32>,
    /// Red, green and blue at the view's size, 0..255 and later 0..1.
    planes: Vec<f32>,
    sums: Vec<f32>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl View {
    /// A square view with the other settings at their defaults.
    pub fn square(side: usize) -> Self {
        Self { size: Size { width: side, height: side }, ..Self::default() }
    }

    /// Number of planes: 3, or 1 for grey.
    pub fn planes(&self) -> usize {
        self.channels.count()
    }

    /// Number of values: planes x height x width, in this order (`CHW`).
    #[expect(clippy::len_without_is_empty, reason = "a checked view is never empty")]
    pub fn len(&self) -> usize {
        self.planes() * self.size.width * self.size.height
    }

    /// Refuses impossible settings. [`clean`](Self::clean) and [`train`](Self::train) do this too.
    ///
    /// # Errors
    /// [`ImageError::Setting`] naming the setting.
    pub fn check(&self) -> Result<(), ImageError> {
        self.size.check()?;
        layout::check(&self.mean, &self.std, self.channels)?;
        if !self.capture.is_fixed() {
            let problem = "expected steps without ranges, probabilities or noise: it is applied at \
                           test time too; random degradations belong into `degrade`";
            return Err(ImageError::setting("capture", problem));
        }
        self.jitter.check(self.kernel).map_err(|e| e.under("jitter"))
    }

    /// The view at test time: the whole picture, optionally mirrored, into `out` of
    /// [`len`](Self::len) values.
    ///
    /// # Errors
    /// [`ImageError::Setting`] for impossible settings, [`ImageError::Buffer`] for another length.
    pub fn clean(&self, picture: &Picture, flip: bool, out: &mut [f32]) -> Result<(), ImageError> {
        self.prepare(out)?;
        SCRATCH.with_borrow_mut(|scratch| {
            match self.captured(picture)? {
                Some(captured) => self.whole(&captured, scratch),
                None => self.whole(picture, scratch),
            }
            finish::flip(&mut scratch.planes, self.size, flip);
            scale(&mut scratch.planes);
            finish::normalise(self, &scratch.planes, out);
            Ok(())
        })
    }

    /// [`clean`](Self::clean), unmirrored, of `width * height * 3` interleaved bytes that are no
    /// [`Picture`]. Allocates nothing once the thread has seen faces of this size, unless the view
    /// has a `capture` chain.
    ///
    /// # Errors
    /// As [`clean`](Self::clean); and [`ImageError::Buffer`] or [`ImageError::Size`] where the bytes
    /// are not those of a picture of this size.
    pub fn clean_bytes(
        &self,
        rgb: &[u8],
        (width, height): (usize, usize),
        out: &mut [f32],
    ) -> Result<(), ImageError> {
        if !self.capture.is_empty() {
            return self.clean(&Picture::from_rgb(width, height, rgb.to_vec())?, false, out);
        }
        self.prepare(out)?;
        let expected = crate::picture::length(width, height)?;
        if rgb.len() != expected {
            return Err(ImageError::Buffer { what: "RGB bytes", expected, found: rgb.len() });
        }
        SCRATCH.with_borrow_mut(|scratch| {
            let (x, y) = (Interval::whole(width), Interval::whole(height));
            self.upright((rgb, width, height), x, y, scratch);
            scale(&mut scratch.planes);
            finish::normalise(self, &scratch.planes, out);
            Ok(())
        })
    }

    /// A training view: jittered and degraded by draws from `stream`, into `out` of
    /// [`len`](Self::len) values. Returns what was drawn.
    ///
    /// The same stream, picture and settings give the same values; the result does not depend on
    /// what was prepared before.
    ///
    /// # Errors
    /// As [`clean`](Self::clean), and whatever a degradation refuses.
    pub fn train(
        &self,
        picture: &Picture,
        stream: &mut Stream,
        out: &mut [f32],
    ) -> Result<Jittered, ImageError> {
        self.prepare(out)?;
        SCRATCH.with_borrow_mut(|scratch| match self.captured(picture)? {
            Some(captured) => self.train_on(&captured, stream, scratch, out),
            None => self.train_on(picture, stream, scratch, out),
        })
    }

    fn train_on(
        &self,
        picture: &Picture,
        stream: &mut Stream,
        scratch: &mut Scratch,
        out: &mut [f32],
    ) -> Result<Jittered, ImageError> {
        let frame = self.jitter.frame(picture, stream);
        let flip = self.jitter.flips(stream);
        let tone = self.jitter.tone(stream);
        let mut degraded = Applied::default();
        if self.degrade.is_empty() {
            self.framed(picture, &frame, scratch);
        } else {
            let cut =
                frame.cut(picture, self.jitter.border, &mut scratch.sums, &mut scratch.planes)?;
            let (crop, applied) =
                self.degrade.apply(cut, stream).map_err(|e| e.under("degrade"))?;
            degraded = applied;
            self.whole(&crop, scratch);
        }
        finish::flip(&mut scratch.planes, self.size, flip);
        scale(&mut scratch.planes);
        tone.apply(&mut scratch.planes);
        let mut degraded_after = Applied::default();
        if !self.degrade_after.is_empty() {
            let small = finish::to_picture(&scratch.planes, self.size)?;
            let (small, applied) =
                self.degrade_after.apply(small, stream).map_err(|e| e.under("degrade_after"))?;
            degraded_after = applied;
            self.whole(&small, scratch);
            scale(&mut scratch.planes);
        }
        finish::normalise(self, &scratch.planes, out);
        let erased = self.jitter.erase(self.size, stream);
        if let Some([x, y, width, height]) = erased {
            finish::erase(self, [x, y, width, height], out);
        }
        Ok(Jittered { frame, flip, tone, degraded, degraded_after, erased })
    }

    /// The picture that `planes` show, for people to look at: normalisation undone, rounded,
    /// grey repeated.
    ///
    /// # Errors
    /// As [`clean`](Self::clean).
    pub fn to_picture(&self, planes: &[f32]) -> Result<Picture, ImageError> {
        self.prepare(planes)?;
        let area = self.size.width * self.size.height;
        let mut rgb = vec![0.0; 3 * area];
        for (c, plane) in rgb.chunks_exact_mut(area).enumerate() {
            let from = self.channels.plane_of(c);
            let (mean, std) = (self.mean.0[from], self.std.0[from]);
            for (value, normalised) in plane.iter_mut().zip(&planes[from * area..]) {
                *value = normalised * std + mean;
            }
        }
        finish::to_picture(&rgb, self.size)
    }

    fn prepare(&self, out: &[f32]) -> Result<(), ImageError> {
        self.check()?;
        let (expected, found) = (self.len(), out.len());
        match found == expected {
            true => Ok(()),
            false => Err(ImageError::Buffer { what: "planes of a view", expected, found }),
        }
    }

    fn captured(&self, picture: &Picture) -> Result<Option<Picture>, ImageError> {
        if self.capture.is_empty() {
            return Ok(None);
        }
        let mut unused = stream(0, "capture", 0);
        let captured = self.capture.apply(picture.clone(), &mut unused);
        Ok(Some(captured.map_err(|e| e.under("capture"))?.0))
    }

    /// The whole of `picture` into `scratch.planes`, 0..255.
    fn whole(&self, picture: &Picture, scratch: &mut Scratch) {
        let (x, y) = (Interval::whole(picture.width()), Interval::whole(picture.height()));
        self.upright(raw(picture), x, y, scratch);
    }

    fn framed(&self, picture: &Picture, frame: &Frame, scratch: &mut Scratch) {
        if frame.angle == 0.0 {
            let (x, y) = frame.intervals();
            return self.upright(raw(picture), x, y, scratch);
        }
        let Size { width, height } = self.size;
        scratch.planes.resize(3 * width * height, 0.0);
        let border = self.jitter.border;
        warp::area(picture, frame, (width, height), border, &mut scratch.sums, &mut scratch.planes);
    }

    fn upright(
        &self,
        (rgb, source_width, source_height): (&[u8], usize, usize),
        x: Interval,
        y: Interval,
        scratch: &mut Scratch,
    ) {
        let Size { width, height } = self.size;
        let border = self.jitter.border;
        scratch.xs.fill(self.kernel, source_width, x, width, border);
        scratch.ys.fill(self.kernel, source_height, y, height, border);
        scratch.planes.resize(3 * width * height, 0.0);
        resample::<u8, 3>(
            rgb,
            source_width,
            &scratch.xs,
            &scratch.ys,
            &mut scratch.row,
            &mut scratch.planes,
        );
    }
}

/// Bytes, width and height.
fn raw(picture: &Picture) -> (&[u8], usize, usize) {
    (picture.as_bytes(), picture.width(), picture.height())
}
