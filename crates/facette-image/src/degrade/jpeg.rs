//! JPEG compression: the transport between camera and recogniser.

use std::sync::Arc;

use serde::Deserialize;

use super::{Degradation, DegradationSpec, Drawn, Range, Settings};
use crate::{ImageError, Picture};
use facette_random::Stream;

/// Registry entry.
pub(super) struct Spec;

impl DegradationSpec for Spec {
    fn name(&self) -> &'static str {
        "jpeg"
    }

    fn summary(&self) -> &'static str {
        "JPEG compression: quality 1..=100, chroma halved (4:2:0)"
    }

    fn example(&self) -> &'static str {
        r#"{"quality": [30, 90]}"#
    }

    fn build(&self, settings: Settings) -> Result<Arc<dyn Degradation>, ImageError> {
        settings.build::<Jpeg>()
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Jpeg {
    /// Quality 1..=100 on libjpeg's scale, a whole number drawn from the range.
    quality: Range,
}

impl Degradation for Jpeg {
    fn apply(
        &self,
        picture: Picture,
        stream: &mut Stream,
        drawn: &mut Vec<(&'static str, Drawn)>,
    ) -> Result<Picture, ImageError> {
        let quality = self.quality.draw_whole(stream);
        drawn.push(("quality", quality.into()));
        Picture::decode(&picture.to_jpeg(quality as u8)?)
    }

    fn is_fixed(&self) -> bool {
        self.quality.is_fixed()
    }

    fn check(&self) -> Result<(), ImageError> {
        self.quality.check("quality", 1.0, 100.0)
    }
}
