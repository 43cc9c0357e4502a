//! Down to a small size and up again: the detail is gone, the size is kept.

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
        "down-up"
    }

    fn summary(&self) -> &'static str {
        "reduce and enlarge to the old size: size, sizes or scale; down and up kernels"
    }

    fn example(&self) -> &'static str {
        r#"{"scale": [0.2, 1.0], "down": ["nearest-floor", "area"], "up": "bicubic"}"#
    }

    fn build(&self, settings: Settings) -> Result<Arc<dyn Degradation>, ImageError> {
        settings.build::<DownUp>()
    }
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "Written")]
struct DownUp {
    target: Target,
    down: Choice<Kernel>,
    up: Choice<Kernel>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    size: Option<Range>,
    sizes: Option<Vec<u32>>,
    scale: Option<Range>,
    #[serde(default = "area")]
    down: Choice<Kernel>,
    #[serde(default = "bicubic")]
    up: Choice<Kernel>,
}

fn area() -> Choice<Kernel> {
    Choice::One(Kernel::Area)
}

fn bicubic() -> Choice<Kernel> {
    Choice::One(Kernel::Bicubic)
}

impl TryFrom<Written> for DownUp {
    type Error = ImageError;

    fn try_from(written: Written) -> Result<Self, ImageError> {
        let target = Target::one_of(written.size, written.sizes, written.scale)?;
        Ok(Self { target, down: written.down, up: written.up })
    }
}

impl Degradation for DownUp {
    fn apply(
        &self,
        picture: Picture,
        stream: &mut Stream,
        drawn: &mut Vec<(&'static str, Drawn)>,
    ) -> Result<Picture, ImageError> {
        let (width, height) = self.target.draw(&picture, stream, drawn);
        let (down, up) = (self.down.draw(stream), self.up.draw(stream));
        drawn.push(("down", down.name().into()));
        drawn.push(("up", up.name().into()));
        let small = crate::resize(&picture, width, height, down)?;
        crate::resize(&small, picture.width(), picture.height(), up)
    }

    fn is_fixed(&self) -> bool {
        self.target.is_fixed() && self.down.is_fixed() && self.up.is_fixed()
    }

    fn check(&self) -> Result<(), ImageError> {
        self.target.check()?;
        self.down.check("down")?;
        self.up.check("up")
    }
}
