//! Resizing: fewer (or more) pixels.

use std::sync::Arc;

use serde::Deserialize;

use super::target::Target;
use super::{Choice, Degradation, DegradationSpec, Drawn, Range, Settings};
use crate::{ImageError, Kernel, Picture};
use facette_random::Stream;

/// Registry entry.
pub(super) struct Spec;

impl DegradationSpec for Spec {
    fn name(&self) -> &'static str {
        "resize"
    }

    fn summary(&self) -> &'static str {
        "bring the picture to another size: size, sizes or scale; kernel"
    }

    fn example(&self) -> &'static str {
        r#"{"size": [8, 32], "kernel": ["area", "bicubic"]}"#
    }

    fn build(&self, settings: Settings) -> Result<Arc<dyn Degradation>, ImageError> {
        settings.build::<Resize>()
    }
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "Written")]
struct Resize {
    target: Target,
    kernel: Choice<Kernel>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    size: Option<Range>,
    sizes: Option<Vec<u32>>,
    scale: Option<Range>,
    #[serde(default = "area")]
    kernel: Choice<Kernel>,
}

fn area() -> Choice<Kernel> {
    Choice::One(Kernel::Area)
}

impl TryFrom<Written> for Resize {
    type Error = ImageError;

    fn try_from(written: Written) -> Result<Self, ImageError> {
        let target = Target::one_of(written.size, written.sizes, written.scale)?;
        Ok(Self { target, kernel: written.kernel })
    }
}

impl Degradation for Resize {
    fn apply(
        &self,
        picture: Picture,
        stream: &mut Stream,
        drawn: &mut Vec<(&'static str, Drawn)>,
    ) -> Result<Picture, ImageError> {
        let (width, height) = self.target.draw(&picture, stream, drawn);
        let kernel = self.kernel.draw(stream);
        drawn.push(("kernel", kernel.name().into()));
        crate::resize(&picture, width, height, kernel)
    }

    fn is_fixed(&self) -> bool {
        self.target.is_fixed() && self.kernel.is_fixed()
    }

    fn check(&self) -> Result<(), ImageError> {
        self.target.check()?;
        self.kernel.check("kernel")
    }
}
