//! Motion blur: a straight movement while the shutter was open.

use std::sync::Arc;

use serde::Deserialize;

use super::{Degradation, DegradationSpec, Drawn, Range, Settings};
use crate::{ImageError, Picture};
use facette_random::Stream;

/// Registry entry.
pub(super) struct Spec;

impl DegradationSpec for Spec {
    fn name(&self) -> &'static str {
        "motion-blur"
    }

    fn summary(&self) -> &'static str {
        "the face moved while the shutter was open: length in pixels, angle in degrees"
    }

    fn example(&self) -> &'static str {
        r#"{"length": [1.0, 9.0], "angle": [0, 180]}"#
    }

    fn build(&self, settings: Settings) -> Result<Arc<dyn Degradation>, ImageError> {
        settings.build::<MotionBlur>()
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MotionBlur {
    /// Length of the path in pixels.
    length: Range,
    /// Direction in degrees, 0 along the rows, counted clockwise.
    #[serde(default = "any_angle")]
    angle: Range,
}

fn any_angle() -> Range {
    Range::new(0.0, 180.0)
}

impl Degradation for MotionBlur {
    fn apply(
        &self,
        mut picture: Picture,
        stream: &mut Stream,
        drawn: &mut Vec<(&'static str, Drawn)>,
    ) -> Result<Picture, ImageError> {
        let (length, angle) = (self.length.draw(stream), self.angle.draw(stream));
        drawn.push(("length", length.into()));
        drawn.push(("angle", angle.into()));
        super::convolve::sparse(&mut picture, &path(length, angle.to_radians()));
        Ok(picture)
    }

    fn is_fixed(&self) -> bool {
        self.length.is_fixed() && self.angle.is_fixed()
    }

    fn check(&self) -> Result<(), ImageError> {
        self.length.check("length", 0.0, 100.0)?;
        self.angle.check("angle", -360.0, 360.0)
    }
}

/// The path as whole-pixel shifts: points two to a pixel, each spread over its four neighbours.
fn path(length: f64, angle: f64) -> Vec<(isize, isize, f32)> {
    let points = (length * 2.0).ceil() as usize + 1;
    let mut taps: Vec<(isize, isize, f32)> = Vec::new();
    for i in 0..points {
        let along = if points > 1 { (i as f64 / (points - 1) as f64 - 0.5) * length } else { 0.0 };
        let (x, y) = (along * angle.cos(), along * angle.sin());
        let (u, v) = (x - x.floor(), y - y.floor());
        for (dx, dy, part) in [
            (0, 0, (1.0 - u) * (1.0 - v)),
            (1, 0, u * (1.0 - v)),
            (0, 1, (1.0 - u) * v),
            (1, 1, u * v),
        ] {
            let weight = (part / points as f64) as f32;
            let place = (x.floor() as isize + dx, y.floor() as isize + dy);
            match taps.iter_mut().find(|tap| (tap.0, tap.1) == place) {
                Some(tap) => tap.2 += weight,
                None if weight > 1e-6 => taps.push((place.0, place.1, weight)),
                None => {}
            }
        }
    }
    taps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_unit_weight_and_its_length() {
        assert_eq!(path(0.0, 1.0), [(0, 0, 1.0)]);
        for angle in [0.0, 0.4, 1.6, 3.0] {
            let taps = path(7.0, angle);
            let sum: f32 = taps.iter().map(|tap| tap.2).sum();
            assert!((sum - 1.0).abs() < 1e-4, "{sum}");
            let reach = taps.iter().map(|t| (t.0 as f64).hypot(t.1 as f64)).fold(0.0, f64::max);
            assert!((3.4..5.0).contains(&reach), "{reach}");
        }
    }
}
