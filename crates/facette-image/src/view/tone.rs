//! Changes of colour and tone.

use std::fmt;

/// How the values of a view are changed; the default changes nothing.
///
/// Applied in the order of the fields to red, green and blue in 0..1. Results are not clamped,
/// except that the tone curve takes what is below 0 as 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tone {
    /// Factor of each channel.
    pub gain: [f32; 3],
    /// Factor of the distance from the pixel's luma; 0 is grey.
    pub saturation: f32,
    /// Exponent of the tone curve.
    pub gamma: f32,
    /// Factor of the distance from middle grey.
    pub contrast: f32,
    /// What is added.
    pub brightness: f32,
}

impl Default for Tone {
    fn default() -> Self {
        Self { gain: [1.0; 3], saturation: 1.0, gamma: 1.0, contrast: 1.0, brightness: 0.0 }
    }
}

impl Tone {
    /// Changes three planes in place.
    pub(super) fn apply(&self, planes: &mut [f32]) {
        let area = planes.len() / 3;
        if self.gain != [1.0; 3] {
            for (plane, gain) in planes.chunks_exact_mut(area).zip(self.gain) {
                plane.iter_mut().for_each(|value| *value *= gain);
            }
        }
        if self.saturation != 1.0 {
            let (red, rest) = planes.split_at_mut(area);
            let (green, blue) = rest.split_at_mut(area);
            for ((r, g), b) in red.iter_mut().zip(green).zip(blue) {
                let luma = 0.299 * *r + 0.587 * *g + 0.114 * *b;
                for value in [r, g, b] {
                    *value = luma + (*value - luma) * self.saturation;
                }
            }
        }
        if self.gamma != 1.0 {
            planes.iter_mut().for_each(|value| *value = value.max(0.0).powf(self.gamma));
        }
        if self.contrast != 1.0 || self.brightness != 0.0 {
            let constant = 0.5 - 0.5 * self.contrast + self.brightness;
            planes.iter_mut().for_each(|value| *value = *value * self.contrast + constant);
        }
    }
}

impl fmt::Display for Tone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let neutral = Self::default();
        let mut separator = "";
        if self.gain != neutral.gain {
            let [r, g, b] = self.gain;
            write!(f, "gain {r:.2}/{g:.2}/{b:.2}")?;
            separator = " ";
        }
        for (name, value, unchanged) in [
            ("saturation", self.saturation, neutral.saturation),
            ("gamma", self.gamma, neutral.gamma),
            ("contrast", self.contrast, neutral.contrast),
            ("brightness", self.brightness, neutral.brightness),
        ] {
            if value != unchanged {
                write!(f, "{separator}{name} {value:.2}")?;
                separator = " ";
            }
        }
        Ok(())
    }
}
