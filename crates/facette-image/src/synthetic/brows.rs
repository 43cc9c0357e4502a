//! Eyebrows.

use super::colour::{Rgb, scaled};
use super::dice::Dice;
use super::expression::Expression;
use super::surface::{Place, Surface};
use super::temperament::Temperament;
use super::texture::{noise, ramp};

/// Both brows of one person.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Brows {
    /// Height above the eyes.
    height: f32,
    inner: f32,
    outer: f32,
    thick: f32,
    arch: f32,
    slant: f32,
    dense: f32,
    /// Hairs between the brows.
    joined: f32,
    pub(super) colour: Rgb,
    seed: u32,
}

impl Brows {
    pub(super) fn draw(dice: &mut Dice<'_>, traits: &Temperament, hair: Rgb) -> Self {
        let angular = traits.angular;
        Self {
            height: dice.normal(11.6 - 1.4 * angular, 1.1),
            inner: dice.normal(8.2, 1.2),
            outer: dice.normal(9.8, 1.0),
            thick: dice.normal(1.15 + 0.75 * angular, 0.35).max(0.5),
            arch: dice.normal(2.0 - 0.9 * angular, 0.9),
            slant: dice.normal(0.04, 0.07),
            dense: dice.range(0.5, 0.95),
            joined: if dice.chance(0.12) { dice.range(0.2, 0.7) } else { 0.0 },
            colour: scaled(hair, dice.range(0.5, 0.85)),
            seed: dice.seed(),
        }
    }

    pub(super) fn paint(&self, at: &Place, eye: f32, face: &Expression, surface: &mut Surface) {
        let y = at.y + self.height + face.raised_brows;
        if !(-7.0..7.0).contains(&y) {
            return;
        }
        let dx = at.x.abs() - eye;
        let t = if dx < 0.0 { dx / self.inner } else { dx / self.outer };
        if t < 1.15 && t > -1.15 {
            // Frowning draws the inner ends down and together.
            let frown = face.frown * ramp(0.2, -1.0, t);
            let middle = -self.arch * (1.0 - (t - 0.25).powi(2)) - self.slant * dx + 2.6 * frown;
            let taper = ramp(1.1, 0.25, t) * (0.55 + 0.45 * ramp(-1.15, -0.7, t));
            let half = self.thick * taper + 0.15;
            let strands = noise(at.x * 1.1 + at.y * 0.7, at.y * 0.5, self.seed);
            let edge = half - (y - middle).abs() + 0.35 * strands;
            let ends = ramp(-1.12, -0.85, t) * ramp(1.12, 0.9, t);
            let soft = (0.5 + edge / (at.pixel + 0.9)).clamp(0.0, 1.0);
            self.hairs(soft * ends * (0.82 + 0.18 * strands), surface);
        }
        if self.joined > 0.0 && dx < -self.inner + 2.0 {
            let strands = noise(at.x * 1.3, at.y * 0.6, self.seed ^ 5);
            self.hairs(
                self.joined * 0.6 * ramp(2.6, 0.4, (y + 0.5).abs()) * (0.7 + 0.3 * strands),
                surface,
            );
        }
    }

    fn hairs(&self, part: f32, surface: &mut Surface) {
        surface.cover(
            Surface { albedo: self.colour, gloss: 0.0, relief: 0.8, exposed: surface.exposed },
            self.dense * part,
        );
    }
}
