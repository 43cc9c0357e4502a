//! Brightness: a constant added to every value.

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
        "brightness"
    }

    fn summary(&self) -> &'static str {
        "add to every value: shift in units of 0..1"
    }

    fn example(&self) -> &'static str {
        r#"{"shift": [-0.1, 0.1]}"#
    }

    fn build(&self, settings: Settings) -> Result<Arc<dyn Degradation>, ImageError> {
        settings.build::<Brightness>()
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Brightness {
    /// What is added, in units of 0..1.
    shift: Range,
}

impl Degradation for Brightness {
    fn apply(
        &self,
        mut picture: Picture,
        stream: &mut Stream,
        drawn: &mut Vec<(&'static str, Drawn)>,
    ) -> Result<Picture, ImageError> {
        let shift = self.shift.draw(stream);
        drawn.push(("shift", shift.into()));
        let curve: [u8; 256] = std::array::from_fn(|level| {
            let level = level as f64 / 255.0;
            to_byte((255.0 * (level + shift)) as f32)
        });
        picture.as_bytes_mut().iter_mut().for_each(|byte| *byte = curve[usize::from(*byte)]);
        Ok(picture)
    }

    fn is_fixed(&self) -> bool {
        self.shift.is_fixed()
    }

    fn check(&self) -> Result<(), ImageError> {
        self.shift.check("shift", -1.0, 1.0)
    }
}
