//! Grey: an infra-red or monochrome camera.

use std::sync::Arc;

use serde::Deserialize;

use super::{Degradation, DegradationSpec, Drawn, Settings};
use crate::{ImageError, Picture};
use facette_random::Stream;

/// Registry entry.
pub(super) struct Spec;

impl DegradationSpec for Spec {
    fn name(&self) -> &'static str {
        "grey"
    }

    fn summary(&self) -> &'static str {
        "luma in all three channels: an infra-red or monochrome camera"
    }

    fn example(&self) -> &'static str {
        r#"{}"#
    }

    fn build(&self, settings: Settings) -> Result<Arc<dyn Degradation>, ImageError> {
        settings.build::<Grey>()
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Grey {}

impl Degradation for Grey {
    fn apply(
        &self,
        picture: Picture,
        _: &mut Stream,
        _: &mut Vec<(&'static str, Drawn)>,
    ) -> Result<Picture, ImageError> {
        Ok(picture.grey())
    }

    fn is_fixed(&self) -> bool {
        true
    }

    fn check(&self) -> Result<(), ImageError> {
        Ok(())
    }
}
