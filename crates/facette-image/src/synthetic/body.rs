//! What belongs to the head beside the face: ears and neck.

use super::colour::Rgb;
use super::dice::Dice;
use super::head::Head;
use super::surface::{Place, Surface};
use super::texture::{length, ramp};

/// Ears and neck of one person.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Body {
    ear_width: f32,
    ear_height: f32,
    ear_level: f32,
    neck: f32,
}

impl Body {
    pub(super) fn draw(dice: &mut Dice<'_>, angular: f32) -> Self {
        Self {
            ear_width: dice.normal(5.4, 1.3).max(2.5),
            ear_height: dice.normal(11.0, 1.3),
            ear_level: dice.normal(8.0, 1.6),
            neck: dice.normal(0.60 + 0.14 * angular, 0.05),
        }
    }

    /// The covered part of the pixel, and what covers it.
    pub(super) fn paint(&self, at: &Place, head: &Head, skin: Rgb) -> (f32, Surface) {
        let mut flesh = Surface { albedo: skin, gloss: 0.02, relief: 0.3, exposed: 0.8 };
        let u = (at.x.abs() - head.width + 1.0) / self.ear_width;
        let v = (at.y - self.ear_level - 0.5 * u) / self.ear_height;
        let radius = length(u, v);
        let ear = at.inside((1.0 - radius) * self.ear_width.min(self.ear_height));
        if ear > 0.0 && u > 0.0 {
            flesh.albedo = [skin[0] * 0.98, skin[1] * 0.82, skin[2] * 0.8];
            flesh.shade(0.45 * ramp(0.75, 0.35, radius));
            return (ear, flesh);
        }
        let reach = self.neck * head.width + 0.02 * (at.y - 60.0).max(0.0).powi(2);
        let neck = at.inside(reach - at.x.abs()) * at.inside(at.y - 0.35 * head.chin);
        let below = ramp(head.chin - 18.0, head.chin + 16.0, at.y);
        flesh.exposed = (0.34 + 0.34 * below) * (1.0 - 0.35 * (at.x / reach).powi(2));
        (neck, flesh)
    }
}
