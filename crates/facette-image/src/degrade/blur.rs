//! Gaussian blur: a lens out of focus, a sensor's soft pixels.

use std::sync::Arc;

use serde::Deserialize;

use super::{Degradation, DegradationSpec, Drawn, Range, Settings};
use crate::{ImageError, Picture};
use facette_random::Stream;

/// Registry entry.
pub(super) struct Spec;

impl DegradationSpec for Spec {
    fn name(&self) -> &'static str {
        "blur"
    }

    fn summary(&self) -> &'static str {
        "Gaussian blur: sigma in pixels of the picture at that point, sigma_y, taps"
    }

    fn example(&self) -> &'static str {
        r#"{"sigma": [0.3, 1.5]}"#
    }

    fn build(&self, settings: Settings) -> Result<Arc<dyn Degradation>, ImageError> {
        settings.build::<Blur>()
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Blur {
    /// Standard deviation in pixels; 0 leaves the picture as it is.
    sigma: Range,
    /// The vertical one where it differs.
    sigma_y: Option<Range>,
    /// Kernel length, odd; by default the radius is three standard deviations, as in OpenCV.
    taps: Option<usize>,
}

impl Degradation for Blur {
    fn apply(
        &self,
        mut picture: Picture,
        stream: &mut Stream,
        drawn: &mut Vec<(&'static str, Drawn)>,
    ) -> Result<Picture, ImageError> {
        let sigma = self.sigma.draw(stream);
        drawn.push(("sigma", sigma.into()));
        let sigma_y = self.sigma_y.map_or(sigma, |range| {
            let sigma_y = range.draw(stream);
            drawn.push(("sigma_y", sigma_y.into()));
            sigma_y
        });
        let (across, down) = (gaussian(sigma, self.taps), gaussian(sigma_y, self.taps));
        if across.len() > 1 || down.len() > 1 {
            super::convolve::separable(&mut picture, &across, &down);
        }
        Ok(picture)
    }

    fn is_fixed(&self) -> bool {
        self.sigma.is_fixed() && self.sigma_y.is_none_or(|range| range.is_fixed())
    }

    fn check(&self) -> Result<(), ImageError> {
        self.sigma.check("sigma", 0.0, 100.0)?;
        self.sigma_y.map_or(Ok(()), |range| range.check("sigma_y", 0.0, 100.0))?;
        match self.taps {
            Some(taps) if taps.is_multiple_of(2) || taps > 601 => {
                let problem = format!("expected an odd number within 1..=601, found {taps}");
                Err(ImageError::setting("taps", problem))
            }
            _ => Ok(()),
        }
    }
}

fn gaussian(sigma: f64, taps: Option<usize>) -> Vec<f32> {
    let radius = taps.map_or((3.0 * sigma).round() as usize, |taps| taps / 2);
    if sigma < 1e-3 || radius == 0 {
        return vec![1.0];
    }
    let height = |k: usize| (-0.5 * ((k as f64 - radius as f64) / sigma).powi(2)).exp();
    let sum: f64 = (0..=2 * radius).map(height).sum();
    (0..=2 * radius).map(|k| (height(k) / sum) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_has_unit_sum_and_the_stated_width() {
        let kernel = gaussian(1.5, None);
        assert_eq!(kernel.len(), 11);
        assert!((kernel.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        // torchvision's GaussianBlur(5, 1.0), quoted from its documentation's formula.
        let five = gaussian(1.0, Some(5));
        let expected = [0.054_488_685, 0.244_201_35, 0.402_619_96, 0.244_201_35, 0.054_488_685];
        assert!(five.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{five:?}");
        assert_eq!(gaussian(0.0, Some(5)), [1.0]);
    }
}
