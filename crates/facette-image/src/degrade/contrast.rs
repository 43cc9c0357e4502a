//! Contrast: values spread about middle grey.

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
        "contrast"
    }

    fn summary(&self) -> &'static str {
        "spread values about middle grey: factor, 1 changes nothing"
    }

    fn example(&self) -> &'static str {
        r#"{"factor": [0.7, 1.3]}"#
    }

    fn build(&self, settings: Settings) -> Result<Arc<dyn Degradation>, ImageError> {
        settings.build::<Contrast>()
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contrast {
    /// Factor of the distance from middle grey.
    factor: Range,
}

impl Degradation for Contrast {
    fn apply(
        &self,
        mut picture: Picture,
        stream: &mut Stream,
        drawn: &mut Vec<(&'static str, Drawn)>,
    ) -> Result<Picture, ImageError> {
        let factor = self.factor.draw(stream);
        drawn.push(("factor", factor.into()));
        let curve: [u8; 256] = std::array::from_fn(|level| {
            let level = level as f64 / 255.0;
            to_byte((255.0 * ((level - 0.5) * factor + 0.5)) as f32)
        });
        picture.as_bytes_mut().iter_mut().for_each(|byte| *byte = curve[usize::from(*byte)]);
        Ok(picture)
    }

    fn is_fixed(&self) -> bool {
        self.factor.is_fixed()
    }

    fn check(&self) -> Result<(), ImageError> {
        self.factor.check("factor", 0.0, 10.0)
    }
}
