//! Gamma: a bent tone curve.

use std::sync::Arc;

use serde::Deserialize;

use super::{Degradation, DegradationSpec, Drawn, Range, Settings};
use crate::resize::to_byte;
use crate::{ImageError, Picture};
use facette_random::Stream;

/// Registry entry.
pub(super) struct Spec;

impl DegradationSpec for Spec {
    fn name(&self) -> &'static str {
        "gamma"
    }

    fn summary(&self) -> &'static str {
        "bend the tone curve: exponent, below 1 brightens"
    }

    fn example(&self) -> &'static str {
        r#"{"exponent": [0.6, 1.6]}"#
    }

    fn build(&self, settings: Settings) -> Result<Arc<dyn Degradation>, ImageError> {
        settings.build::<Gamma>()
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Gamma {
    /// Exponent of values in 0..1; below 1 brightens, above 1 darkens.
    exponent: Range,
}

impl Degradation for Gamma {
    fn apply(
        &self,
        mut picture: Picture,
        stream: &mut Stream,
        drawn: &mut Vec<(&'static str, Drawn)>,
    ) -> Result<Picture, ImageError> {
        let exponent = self.exponent.draw(stream);
        drawn.push(("exponent", exponent.into()));
        let curve: [u8; 256] = std::array::from_fn(|level| {
            let level = level as f64 / 255.0;
            to_byte((255.0 * (level.powf(exponent))) as f32)
        });
        picture.as_bytes_mut().iter_mut().for_each(|byte| *byte = curve[usize::from(*byte)]);
        Ok(picture)
    }

    fn is_fixed(&self) -> bool {
        self.exponent.is_fixed()
    }

    fn check(&self) -> Result<(), ImageError> {
        self.exponent.check("exponent", 0.05, 20.0)
    }
}
