//! Hats: they belong to the shot, not to the person.

use super::colour::{Rgb, scaled, srgb};
use super::dice::Dice;
use super::head::Head;
use super::surface::{Place, Surface};
use super::texture::{noise, ramp};

/// Something worn on the head.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Hat {
    colour: Rgb,
    trim: Rgb,
    level: f32,
    bend: f32,
    volume: f32,
    /// Height of a visor; 0 for a knitted hat.
    visor: f32,
    seed: u32,
}

impl Hat {
    pub(super) fn draw(dice: &mut Dice<'_>) -> Self {
        let colours = [
            [30, 32, 40],
            [120, 26, 30],
            [30, 60, 110],
            [200, 190, 170],
            [60, 80, 50],
            [150, 110, 40],
            [90, 90, 96],
        ];
        let colour = srgb(dice.pick(&colours));
        let visor = if dice.chance(0.55) { dice.range(5.0, 9.0) } else { 0.0 };
        Self {
            colour,
            trim: scaled(colour, dice.range(0.5, 1.5)),
            level: dice.range(-31.0, -23.0),
            bend: if visor > 0.0 { dice.range(2.0, 7.0) } else { dice.range(-3.0, 4.0) },
            volume: dice.range(2.5, 6.0),
            visor,
            seed: dice.seed(),
        }
    }

    pub(super) fn paint(&self, at: &Place, head: &Head, edge: f32, surface: &mut Surface) -> f32 {
        let u = at.x / head.width;
        let rim = self.level + self.bend * u * u;
        surface.shade(0.4 * ramp(rim + 9.0, rim, at.y) * ramp(-3.0, 3.0, edge));
        let part = at.inside(rim - at.y) * at.inside(edge + self.volume);
        if part > 0.0 {
            let weave = noise(at.x * 0.8, at.y * 0.8, self.seed);
            let band = ramp(rim - self.visor.max(6.0) - 0.5, rim - self.visor.max(6.0) + 0.5, at.y);
            let mut cloth = Surface {
                albedo: scaled(self.colour, 1.0 + 0.12 * weave),
                gloss: 0.02,
                relief: 0.8,
                exposed: 1.0,
            };
            cloth.paint(
                self.trim,
                band * if self.visor > 0.0 { ramp(1.0, 0.92, u.abs()) } else { 1.0 },
            );
            surface.cover(cloth, part);
        }
        part
    }
}
