//! From pixels to what the network reads.

use facette_graph::{Card, ChannelOrder};
use facette_image::{Channels, Kernel, PerChannel, Size, View};
use facette_kernels::infer::pitch;

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
    view: View,
    /// What each byte becomes in each plane, where faces of the right size need nothing else; and
    /// which byte of a pixel it is read from.
    tables: Vec<(usize, [f32; 256])>,
}

impl Input {
    pub(crate) fn new(card: &Card) -> Result<Self, RuntimeError> {
        let input = &card.input;
        let kernel = Kernel::ALL.into_iter().find(|kernel| kernel.name() == input.resize);
        let kernel = kernel.ok_or_else(|| RuntimeError::Resize {
            name: input.resize.clone(),
            known: Kernel::ALL.map(Kernel::name).join(", "),
        })?;
        let per_channel = |values: &[f64]| {
            let of =
                |i: usize| values.get(i).or(values.first()).copied().unwrap_or_default() as f32;
            PerChannel([of(0), of(1), of(2)])
        };
        let view = View {
            size: Size { width: input.width, height: input.height },
            kernel,
            channels: match input.channels {
                ChannelOrder::Rgb => Channels::Rgb,
                ChannelOrder::Bgr => Channels::Bgr,
                ChannelOrder::Grey => Channels::Grey,
            },
            mean: per_channel(&input.mean),
            std: per_channel(&input.std),
            ..View::default()
        };
        view.check()?;
        let order: &[usize] = match input.channels {
            ChannelOrder::Rgb => &[0, 1, 2],
            ChannelOrder::Bgr => &[2, 1, 0],
            ChannelOrder::Grey => &[],
        };
        let tables = order
            .iter()
            .enumerate()
            .map(|(plane, &byte)| {
                let (factor, mean) = (1.0 / view.std.0[plane], view.mean.0[plane]);
                // The operations of the view, one by one.
                let value = |v: usize| (v as f32 * (1.0 / 255.0) - mean) * factor;
                (byte, std::array::from_fn(value))
            })
            .collect();
        Ok(Self { view, tables })
    }

    /// Values of all planes of one face.
    pub(crate) fn len(&self) -> usize {
        self.view.len()
    }

    /// Writes a face as `[row][column][channel]` of padded pixels into `into`; `planes` is working
    /// memory of [`Input::len`] values.
    pub(crate) fn write(
        &self,
        face: Face<'_>,
        planes: &mut [f32],
        into: &mut [f32],
    ) -> Result<(), RuntimeError> {
        let Size { width, height } = self.view.size;
        if (face.width, face.height) == (width, height) && !self.tables.is_empty() {
            let pixels = into.chunks_exact_mut(pitch(self.tables.len()));
            for (pixel, rgb) in pixels.zip(face.rgb.as_chunks::<3>().0) {
                for (value, (byte, table)) in pixel.iter_mut().zip(&self.tables) {
                    *value = table[usize::from(rgb[*byte])];
                }
            }
            return Ok(());
        }
        self.view.clean_bytes(face.rgb, (face.width, face.height), planes)?;
        self.interleave(planes, into);
        Ok(())
    }

    /// Planes of one face to padded pixels.
    pub(crate) fn interleave(&self, planes: &[f32], into: &mut [f32]) {
        let area = self.view.size.width * self.view.size.height;
        let pitch = pitch(self.view.planes());
        for (c, plane) in planes.chunks_exact(area).enumerate() {
            for (pixel, &value) in into.chunks_exact_mut(pitch).zip(plane) {
                pixel[c] = value;
            }
        }
    }
}
