//! What a pixel of the face is made of, before light falls on it.

use super::colour::{Rgb, mix};

/// Material at one place; features paint over what is there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Surface {
    /// Reflected part of the light.
    pub(super) albedo: Rgb,
    /// Strength of the mirror-like reflection.
    pub(super) gloss: f32,
    /// How far the surface follows the relief: 1 for skin, less for hair, 0 for a flat cut-out.
    pub(super) relief: f32,
    /// Light that reaches it.
    pub(super) exposed: f32,
}

impl Surface {
    /// Covers a part of the pixel with another colour.
    pub(super) fn paint(&mut self, colour: Rgb, part: f32) {
        self.albedo = mix(self.albedo, colour, part);
    }

    /// Covers a part of the pixel with another material.
    pub(super) fn cover(&mut self, other: Surface, part: f32) {
        self.albedo = mix(self.albedo, other.albedo, part);
        self.gloss += (other.gloss - self.gloss) * part;
        self.relief += (other.relief - self.relief) * part;
        self.exposed += (other.exposed - self.exposed) * part;
    }

    /// Darkens by a part.
    pub(super) fn shade(&mut self, part: f32) {
        self.exposed *= 1.0 - part;
    }
}

/// A place on the face.
///
/// The unit of length is a pixel of the 112-pixel crop of a frontal average face; the origin lies
/// between the eyes, `x` to the right as seen, `y` down.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) x: f32,
    pub(super) y: f32,
    /// Size of a pixel in units of length: how soft an edge must be drawn.
    pub(super) pixel: f32,
}

impl Place {
    /// The covered part of a pixel whose middle lies `distance` inside an edge.
    pub(super) fn inside(&self, distance: f32) -> f32 {
        (0.5 + distance / self.pixel).clamp(0.0, 1.0)
    }

    /// The covered part of a line of half-width `half` at `distance` from its middle.
    pub(super) fn line(&self, distance: f32, half: f32) -> f32 {
        // A line thinner than a pixel covers as much of it as it is wide.
        let soft = self.pixel.max(2.0 * half);
        ((half + 0.5 * soft - distance.abs()) / soft).clamp(0.0, 1.0) * (2.0 * half / soft).min(1.0)
    }
}
