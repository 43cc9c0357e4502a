//! From pixels to what the network reads.

use alloc::format;
use alloc::vec::Vec;

use facette_graph::{Card, ChannelOrder};
use facette_kernels::infer::{Fixed, pitch};
use facette_resize::{Axis, Border, Channels, Interval, Kernel, normalise, resample, scale};

use crate::error::RuntimeError;

/// An 8-bit RGB picture of a face, rows from top to bottom, pixels interleaved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Face<'a> {
    rgb: &'a [u8],
    width: usize,
    height: usize,
}

impl<'a> Face<'a> {
    /// A face of `width` x `height` pixels in `3 * width * height` bytes.
    ///
    /// # Errors
    /// If the slice has another length; a picture without pixels is refused as well.
    pub fn new(rgb: &'a [u8], width: usize, height: usize) -> Result<Self, RuntimeError> {
        let expected = width.saturating_mul(height).saturating_mul(3);
        match rgb.len() == expected && expected > 0 {
            true => Ok(Self { rgb, width, height }),
            false => Err(RuntimeError::Length { what: "RGB bytes", expected, found: rgb.len() }),
        }
    }
}

/// How faces become planes, as the card says it.
#[derive(Debug)]
pub(crate) struct Input {
    width: usize,
    height: usize,
    kernel: Kernel,
    channels: Channels,
    mean: [f32; 3],
    std: [f32; 3],
    /// What each byte becomes in each plane, where faces of the right size need nothing else; and
    /// which byte of a pixel it is read from.
    tables: Vec<(usize, [f32; 256])>,
}

/// Working memory of a face on its way to planes.
#[derive(Debug, Default)]
pub(crate) struct Canvas {
    xs: Axis,
    ys: Axis,
    row: Vec<f32>,
    /// Red, green and blue at the card's size.
    rgb: Vec<f32>,
    planes: Vec<f32>,
}

/// Longest side of the card's picture.
const SIDE: usize = 4096;

impl Input {
    pub(crate) fn new(card: &Card) -> Result<Self, RuntimeError> {
        let input = &card.input;
        let kernel = Kernel::ALL.into_iter().find(|kernel| kernel.name() == input.resize);
        let kernel = kernel.ok_or_else(|| RuntimeError::Resize {
            name: input.resize.clone(),
            known: Kernel::ALL.map(Kernel::name).join(", "),
        })?;
        let refuse = |field, problem| Err(RuntimeError::Input { field, problem });
        for (field, side) in [("width", input.width), ("height", input.height)] {
            if !(1..=SIDE).contains(&side) {
                return refuse(field, format!("expected 1..={SIDE} pixels, found {side}"));
            }
        }
        let per_channel = |values: &[f64]| {
            let of =
                |i: usize| values.get(i).or(values.first()).copied().unwrap_or_default() as f32;
            [of(0), of(1), of(2)]
        };
        let (mean, std) = (per_channel(&input.mean), per_channel(&input.std));
        if !mean.iter().all(|mean| mean.is_finite()) {
            return refuse("mean", format!("expected 32-bit floats, found {:?}", input.mean));
        }
        if !std.iter().all(|std| *std > 0.0 && std.is_finite()) {
            return refuse(
                "std",
                format!("expected positive 32-bit floats, found {:?}", input.std),
            );
        }
        let (channels, order): (_, &[usize]) = match input.channels {
            ChannelOrder::Rgb => (Channels::Rgb, &[0, 1, 2]),
            ChannelOrder::Bgr => (Channels::Bgr, &[2, 1, 0]),
            ChannelOrder::Grey => (Channels::Grey, &[]),
        };
        let tables = order
            .iter()
            .enumerate()
            .map(|(plane, &byte)| {
                let (factor, mean) = (1.0 / std[plane], mean[plane]);
                // The operations of `scale` and `normalise`, one by one.
                let value = |v: usize| (v as f32 * (1.0 / 255.0) - mean) * factor;
                (byte, core::array::from_fn(value))
            })
            .collect();
        let (width, height) = (input.width, input.height);
        Ok(Self { width, height, kernel, channels, mean, std, tables })
    }

    /// Values of all planes of one face.
    pub(crate) fn len(&self) -> usize {
        self.channels.count() * self.width * self.height
    }

    /// Whether fixed point holds what bytes become: within its reach, and from one byte to the next
    /// eight steps or more. Resampling by kernels with negative weights may reach further.
    pub(crate) fn fits_fixed_point(&self) -> bool {
        let mut planes = self.mean.iter().zip(&self.std).take(self.channels.count());
        planes.all(|(mean, std)| {
            let reach = mean.abs().max((1.0 - mean).abs()) / std;
            reach <= Fixed::REACH && Fixed::STEPS / (255.0 * std) >= 8.0
        })
    }

    /// Writes a face as `[row][column][channel]` of padded pixels into `into`.
    pub(crate) fn write(&self, face: Face<'_>, canvas: &mut Canvas, into: &mut [f32]) {
        if (face.width, face.height) == (self.width, self.height) && !self.tables.is_empty() {
            let pixels = into.chunks_exact_mut(pitch(self.tables.len()));
            for (pixel, rgb) in pixels.zip(face.rgb.as_chunks::<3>().0) {
                for (value, (byte, table)) in pixel.iter_mut().zip(&self.tables) {
                    *value = table[usize::from(rgb[*byte])];
                }
            }
            return;
        }
        let Canvas { xs, ys, row, rgb, planes } = canvas;
        let (across, down) = (Interval::whole(face.width), Interval::whole(face.height));
        xs.fill(self.kernel, face.width, across, self.width, Border::Replicate);
        ys.fill(self.kernel, face.height, down, self.height, Border::Replicate);
        rgb.resize(3 * self.width * self.height, 0.0);
        planes.resize(self.len(), 0.0);
        resample::<u8, 3>(face.rgb, face.width, xs, ys, row, rgb);
        scale(rgb);
        normalise(self.channels, self.mean, self.std, rgb, planes);
        self.interleave(planes, into);
    }

    /// Planes of one face to padded pixels.
    pub(crate) fn interleave(&self, planes: &[f32], into: &mut [f32]) {
        let area = self.width * self.height;
        let pitch = pitch(self.channels.count());
        for (c, plane) in planes.chunks_exact(area).enumerate() {
            for (pixel, &value) in into.chunks_exact_mut(pitch).zip(plane) {
                pixel[c] = value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::borrow::ToOwned;
    use alloc::collections::BTreeMap;
    use alloc::vec;

    use facette_graph::{Builder, InputCard, Norm};

    use super::*;

    fn input(channels: ChannelOrder, mean: Vec<f64>, std: Vec<f64>) -> Input {
        let count = if channels == ChannelOrder::Grey { 1 } else { 3 };
        let mut b = Builder::new("flat", facette_graph::Input::square(count, 4));
        let flat = b.flatten(0);
        let graph = b.finish(flat, None).unwrap();
        let (resize, template) = ("area".to_owned(), "none".to_owned());
        let input = InputCard { width: 4, height: 4, channels, mean, std, resize, template };
        let card = Card::new(graph, BTreeMap::new(), input, Norm::None, "for tests").unwrap();
        Input::new(&card).unwrap()
    }

    #[test]
    fn usual_pictures_fit_fixed_point() {
        for (mean, std, fits) in [
            ([0.5, 0.5, 0.5], [0.5, 0.5, 0.5], true),
            ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225], true),
            ([0.0, 0.0, 0.0], [1.0, 1.0, 1.0], true),
            ([0.5, 0.5, 0.5], [0.125, 0.5, 0.5], true),
            // Beyond 4 at the upper end, at the lower end, and too dense.
            ([0.5, 0.4, 0.5], [0.5, 0.14, 0.5], false),
            ([0.5, 0.5, 0.9], [0.5, 0.5, 0.2], false),
            ([0.5, 0.5, 0.5], [0.5, 2.1, 0.5], false),
        ] {
            let found = input(ChannelOrder::Bgr, mean.into(), std.into()).fits_fixed_point();
            assert_eq!(found, fits, "{mean:?} {std:?}");
        }
        assert!(input(ChannelOrder::Grey, vec![0.5], vec![0.5]).fits_fixed_point());
        assert!(!input(ChannelOrder::Grey, vec![0.5], vec![0.1]).fits_fixed_point());
    }
}
