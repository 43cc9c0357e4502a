//! From light to bytes: exposure, colour, sharpness, noise.

use rand::RngExt;
use rand_distr::StandardNormal;

use super::colour::{Rgb, to_byte};
use super::dice::Dice;
use crate::degrade::convolve::{gaussian, separable};
use crate::random::stream;
use crate::{ImageError, Picture};

/// Settings of the camera in one shot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Camera {
    /// Mean brightness aimed at.
    exposure: f32,
    balance: Rgb,
    saturation: f32,
    /// Exponent of the tone curve.
    contrast: f32,
    blur: f32,
    noise: f32,
    seed: u32,
}

impl Camera {
    pub(super) fn draw(dice: &mut Dice<'_>) -> Self {
        let warm = dice.normal(0.0, 0.05);
        Self {
            exposure: dice.range(0.13, 0.3),
            balance: [1.0 + warm, 1.0, 1.0 - warm],
            saturation: dice.normal(0.95, 0.13),
            contrast: dice.normal(1.0, 0.1),
            blur: if dice.chance(0.5) { dice.range(0.0, 1.1) } else { 0.25 },
            noise: if dice.chance(0.5) { dice.range(0.5, 5.0) } else { 0.8 },
            seed: dice.seed(),
        }
    }

    /// Develops `light`, rows of `size` pixels, into a picture.
    pub(super) fn develop(&self, light: &[Rgb], size: usize) -> Result<Picture, ImageError> {
        let luma = |[r, g, b]: Rgb| 0.2126 * r + 0.7152 * g + 0.0722 * b;
        let mean = light.iter().map(|&rgb| luma(rgb).min(1.5)).sum::<f32>() / light.len() as f32;
        // Automatic exposure goes two thirds of the way, so that dark skin stays darker.
        let gain = (self.exposure / mean.max(1e-3)).powf(0.66);
        // The tone curve over the square root of light, up to four times white.
        let curve: Vec<u8> = (0..=2048u16)
            .map(|i| {
                let value = (f32::from(i) / 1024.0).powi(2);
                // A shoulder instead of a cliff where the sensor saturates.
                let value = if value > 0.6 { 1.0 - 0.16 / (value - 0.2) } else { value };
                to_byte((value / 0.4).powf(self.contrast) * 0.4)
            })
            .collect();
        let pixel = |&rgb: &Rgb| {
            let grey = luma(rgb);
            std::array::from_fn::<u8, 3, _>(|c| {
                let value = grey + (rgb[c] - grey) * self.saturation;
                let value = (value * gain * self.balance[c]).clamp(0.0, 4.0);
                curve[(value.sqrt() * 1024.0) as usize]
            })
        };
        let mut picture = Picture::from_rgb(size, size, light.iter().flat_map(pixel).collect())?;
        let kernel = gaussian(f64::from(self.blur) * size as f64 / 112.0, None);
        if kernel.len() > 1 {
            separable(&mut picture, &kernel, &kernel);
        }
        let mut stream = stream(u64::from(self.seed), "synthetic/noise", 0);
        for byte in picture.as_bytes_mut() {
            let shift = self.noise * stream.sample::<f32, _>(StandardNormal);
            *byte = (f32::from(*byte) + shift + 0.5).clamp(0.0, 255.0) as u8;
        }
        Ok(picture)
    }
}
