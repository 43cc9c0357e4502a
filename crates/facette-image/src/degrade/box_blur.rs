//! Box blur: the mean over a square window.

use std::sync::Arc;

use serde::Deserialize;

use super::{Degradation, DegradationSpec, Drawn, Range, Settings};
use crate::{ImageError, Picture};
use facette_random::Stream;

/// Registry entry.
pub(super) struct Spec;

impl DegradationSpec for Spec {
    fn name(&self) -> &'static str {
        "box-blur"
    }

    fn summary(&self) -> &'static str {
        "mean over a square window: radius in pixels, fractions count in part"
    }

    fn example(&self) -> &'static str {
        r#"{"radius": [0.5, 2.0]}"#
    }

    fn build(&self, settings: Settings) -> Result<Arc<dyn Degradation>, ImageError> {
        settings.build::<BoxBlur>()
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BoxBlur {
    /// The window has `2 radius + 1` pixels a side; its outermost ones count in part.
    radius: Range,
}

impl Degradation for BoxBlur {
    fn apply(
        &self,
        mut picture: Picture,
        stream: &mut Stream,
        drawn: &mut Vec<(&'static str, Drawn)>,
    ) -> Result<Picture, ImageError> {
        let radius = self.radius.draw(stream);
        drawn.push(("radius", radius.into()));
        if radius > 0.0 {
            let kernel = window(radius);
            super::convolve::separable(&mut picture, &kernel, &kernel);
        }
        Ok(picture)
    }

    fn is_fixed(&self) -> bool {
        self.radius.is_fixed()
    }

    fn check(&self) -> Result<(), ImageError> {
        self.radius.check("radius", 0.0, 100.0)
    }
}

fn window(radius: f64) -> Vec<f32> {
    let whole = radius.floor() as usize;
    let mut kernel = vec![1.0; 2 * whole + 1];
    if radius > whole as f64 {
        kernel.insert(0, (radius - whole as f64) as f32);
        kernel.push(kernel[0]);
    }
    kernel.iter_mut().for_each(|weight| *weight /= (2.0 * radius + 1.0) as f32);
    kernel
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fractional_window_counts_its_ends_in_part() {
        assert_eq!(window(1.5), [0.125, 0.25, 0.25, 0.25, 0.125]);
        assert_eq!(window(1.0), [1.0 / 3.0; 3]);
    }
}
