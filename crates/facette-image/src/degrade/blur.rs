//! Gaussian blur: a lens out of focus, a sensor's soft pixels.

use std::sync::Arc;

use serde::Deserialize;

use super::convolve::{gaussian, separable};
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
            separable(&mut picture, &across, &down);
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
