//! Gaussian noise: a sensor in the dark.

use std::sync::Arc;

use rand::RngExt;
use rand_distr::StandardNormal;
use serde::Deserialize;

use super::draw::happens;
use super::{Degradation, DegradationSpec, Drawn, Range, Settings};
use crate::resize::to_byte;
use crate::{ImageError, Picture};
use facette_random::Stream;

/// Registry entry.
pub(super) struct Spec;

impl DegradationSpec for Spec {
    fn name(&self) -> &'static str {
        "noise"
    }

    fn summary(&self) -> &'static str {
        "Gaussian noise: sigma in grey levels of 0..255; grey = same in all channels"
    }

    fn example(&self) -> &'static str {
        r#"{"sigma": [0.0, 12.0], "grey": 0.3}"#
    }

    fn build(&self, settings: Settings) -> Result<Arc<dyn Degradation>, ImageError> {
        settings.build::<Noise>()
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Noise {
    /// Standard deviation in grey levels of 0..=255.
    sigma: Range,
    /// Probability that all three channels of a pixel get the same noise.
    #[serde(default)]
    grey: f64,
}

impl Degradation for Noise {
    fn apply(
        &self,
        mut picture: Picture,
        stream: &mut Stream,
        drawn: &mut Vec<(&'static str, Drawn)>,
    ) -> Result<Picture, ImageError> {
        let sigma = self.sigma.draw(stream);
        let grey = happens(self.grey, stream);
        drawn.push(("sigma", sigma.into()));
        if self.grey > 0.0 {
            drawn.push(("grey", if grey { "yes" } else { "no" }.into()));
        }
        let mut deviation = || sigma as f32 * stream.sample::<f32, _>(StandardNormal);
        for pixel in picture.as_bytes_mut().chunks_exact_mut(3) {
            let mut shift = deviation();
            for (c, byte) in pixel.iter_mut().enumerate() {
                if c > 0 && !grey {
                    shift = deviation();
                }
                *byte = to_byte(f32::from(*byte) + shift);
            }
        }
        Ok(picture)
    }

    fn is_fixed(&self) -> bool {
        self.sigma == Range::fixed(0.0)
    }

    fn check(&self) -> Result<(), ImageError> {
        self.sigma.check("sigma", 0.0, 255.0)?;
        Range::fixed(self.grey).check("grey", 0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use facette_random::stream;

    #[test]
    fn the_deviation_is_the_stated_one() {
        let noise = Noise { sigma: Range::fixed(10.0), grey: 0.0 };
        let picture = Picture::filled(60, 60, [128; 3]).unwrap();
        let noisy = noise.apply(picture, &mut stream(1, "test", 0), &mut Vec::new()).unwrap();
        let shifts: Vec<f64> = noisy.as_bytes().iter().map(|&b| f64::from(b) - 128.0).collect();
        let mean = shifts.iter().sum::<f64>() / shifts.len() as f64;
        let variance = shifts.iter().map(|s| s * s).sum::<f64>() / shifts.len() as f64;
        assert!(mean.abs() < 0.5 && (variance.sqrt() - 10.0).abs() < 0.4, "{mean} {variance}");
        assert!(noisy.as_bytes().chunks_exact(3).any(|p| p[0] != p[1]));
    }
}
