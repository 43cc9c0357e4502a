//! Red, green and blue to the planes that a network reads.

use serde::{Deserialize, Serialize};

/// The planes that a network reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channels {
    /// Red, green, blue.
    #[default]
    Rgb,
    /// Blue, green, red: networks trained on OpenCV's pictures.
    Bgr,
    /// Luma `0.299 r + 0.587 g + 0.114 b` alone.
    Grey,
}

impl Channels {
    /// Number of planes.
    pub fn count(self) -> usize {
        if self == Self::Grey { 1 } else { 3 }
    }

    /// The plane that shows channel `c` of red, green, blue.
    pub fn plane_of(self, c: usize) -> usize {
        match self {
            Self::Rgb => c,
            Self::Bgr => 2 - c,
            Self::Grey => 0,
        }
    }
}

/// From 0..255 to 0..1.
pub fn scale(planes: &mut [f32]) {
    planes.iter_mut().for_each(|value| *value *= 1.0 / 255.0);
}

/// Writes `(value - mean) / std` of each plane to `out`; `rgb` holds planes of red, green and blue in
/// 0..1. Mean and std come in the order of the planes; a grey picture uses the first.
///
/// # Panics
/// Where `rgb` is not three planes, or `out` is not [`Channels::count`] planes of the same size.
pub fn normalise(channels: Channels, mean: [f32; 3], std: [f32; 3], rgb: &[f32], out: &mut [f32]) {
    let area = rgb.len() / 3;
    assert!(rgb.len() == 3 * area, "{} values are no three planes", rgb.len());
    assert!(out.len() == channels.count() * area, "{} values for {channels:?}", out.len());
    let (red, green, blue) = (&rgb[..area], &rgb[area..2 * area], &rgb[2 * area..]);
    let sources = match channels {
        Channels::Rgb => [red, green, blue],
        Channels::Bgr => [blue, green, red],
        Channels::Grey => {
            let (factor, mean) = (1.0 / std[0], mean[0]);
            for (i, value) in out.iter_mut().enumerate() {
                *value = (0.299 * red[i] + 0.587 * green[i] + 0.114 * blue[i] - mean) * factor;
            }
            return;
        }
    };
    for (c, (plane, source)) in out.chunks_exact_mut(area.max(1)).zip(sources).enumerate() {
        let (factor, mean) = (1.0 / std[c], mean[c]);
        for (value, source) in plane.iter_mut().zip(source) {
            *value = (source - mean) * factor;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_come_in_the_order_asked_for() {
        let rgb = [1.0, 0.5, 0.25];
        let shown = |channels: Channels| {
            let mut out = [0.0; 3];
            let out = &mut out[..channels.count()];
            normalise(channels, [0.25; 3], [0.5; 3], &rgb, out);
            (0..3).map(|c| out[channels.plane_of(c)]).sum::<f32>()
        };
        assert_eq!([Channels::Rgb, Channels::Bgr].map(shown), [2.0; 2]);
        let luma = 0.299 + 0.587 * 0.5 + 0.114 * 0.25;
        assert!((shown(Channels::Grey) - 6.0 * (luma - 0.25)).abs() < 1e-6);
    }
}
