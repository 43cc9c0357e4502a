//! Skin: its colour, spots and lines.

use super::colour::{Rgb, along, mix, product, srgb};
use super::dice::Dice;
use super::surface::{Place, Surface};
use super::temperament::Temperament;
use super::texture::{length, noise, ramp};

/// Skin of one person.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Skin {
    pub(super) colour: Rgb,
    /// Colour of cheeks, nose and ears.
    flush: Rgb,
    flushed: f32,
    gloss: f32,
    freckles: f32,
    blotches: f32,
    wrinkles: f32,
    /// Left, top, radius and darkness of moles.
    moles: Vec<[f32; 4]>,
    seed: u32,
}

const TONES: [[u8; 3]; 6] = [
    [250, 222, 208],
    [236, 198, 176],
    [208, 164, 138],
    [164, 118, 95],
    [110, 78, 63],
    [74, 54, 47],
];

impl Skin {
    pub(super) fn draw(dice: &mut Dice<'_>, traits: &Temperament) -> Self {
        let tone = along(&TONES, traits.pigment);
        let warm = dice.normal(0.0, 0.04);
        let colour = product(tone, [1.0 + warm, 1.0, 1.0 - 1.3 * warm]);
        let light = 1.0 - traits.pigment;
        let freckled = dice.chance(0.28 * light);
        let moles = (0..dice.pick(&[0, 0, 1, 1, 2, 3]))
            .map(|_| {
                let (x, y) = (dice.range(-30.0, 30.0), dice.range(-28.0, 55.0));
                [x, y, dice.range(0.7, 1.6), dice.range(0.5, 0.85)]
            })
            .collect();
        Self {
            colour,
            flush: mix(colour, product(colour, [1.06, 0.7, 0.68]), 1.0),
            flushed: dice.range(0.1, 0.8),
            gloss: dice.range(0.02, 0.12),
            freckles: if freckled { dice.range(0.25, 0.7) } else { 0.0 },
            blotches: dice.range(0.02, 0.07),
            wrinkles: (traits.age * dice.range(0.6, 1.2)).min(1.0),
            moles,
            seed: dice.seed(),
        }
    }

    /// Bare skin at a place of the face; `smile` deepens the folds beside the mouth.
    pub(super) fn surface(&self, at: &Place, eye: f32, smile: f32) -> Surface {
        let side = at.x.abs();
        let mut surface =
            Surface { albedo: self.colour, gloss: self.gloss, relief: 1.0, exposed: 1.0 };
        let bell = |x: f32, y: f32, wide: f32, high: f32| {
            let (u, v) = ((side - x) / wide, (at.y - y) / high);
            ramp(1.0, 0.0, (u * u + v * v).sqrt())
        };
        let warm = bell(21.0, 20.0, 17.0, 14.0).max(bell(0.0, 19.0, 9.0, 9.0));
        surface.paint(self.flush, self.flushed * warm);
        let blotch = noise(at.x * 0.13, at.y * 0.13, self.seed)
            + 0.5 * noise(at.x * 0.45, at.y * 0.45, self.seed ^ 1);
        surface.albedo = surface.albedo.map(|v| v * (1.0 + self.blotches * blotch));
        if self.freckles > 0.0 {
            let where_dense = bell(14.0, 12.0, 26.0, 16.0);
            let spot = ramp(0.45, 0.8, noise(at.x * 0.75, at.y * 0.75, self.seed ^ 2));
            let brown = product(self.colour, [0.62, 0.46, 0.36]);
            surface.paint(brown, self.freckles * where_dense * spot);
        }
        self.lines(at, side, eye, smile, &mut surface);
        for [x, y, radius, dark] in &self.moles {
            let distance = length(at.x - x, at.y - y);
            if distance < radius + at.pixel {
                surface.paint(srgb([58, 34, 26]), dark * at.inside(radius - distance));
            }
        }
        surface
    }

    /// Lines of age and of the smile.
    fn lines(&self, at: &Place, side: f32, eye: f32, smile: f32, surface: &mut Surface) {
        if at.y > 16.0 && at.y < 48.0 {
            let t = (at.y - 16.0) / 30.0;
            let fold = 9.8 + 9.5 * t - 5.5 * t * t * t + (1.5 + 3.0 * t) * smile;
            let depth = 0.03 + 0.17 * self.wrinkles + 0.15 * smile.max(0.0);
            let ends = ramp(16.0, 22.0, at.y) * ramp(48.0, 36.0, at.y);
            surface.shade(depth * ends * ramp(3.6, 0.0, (side - fold).abs()));
        }
        if at.y < -16.0 && at.y > -36.0 && self.wrinkles > 0.25 {
            let wave = at.y + 0.04 * side + 0.6 * noise(at.x * 0.1, 3.0, self.seed);
            let line = ramp(0.6, 0.95, (wave * 1.15).cos());
            surface.shade(0.16 * (self.wrinkles - 0.25) * line * ramp(26.0, 14.0, side));
        }
        let bag = (side - eye) / 8.5;
        if bag.abs() < 1.0 && at.y > 2.0 && at.y < 12.0 {
            let arc = 7.2 - 2.4 * bag * bag;
            let depth = 0.06 + 0.22 * self.wrinkles;
            surface.shade(depth * (1.0 - bag * bag) * ramp(2.0, 0.0, (at.y - arc).abs()));
        }
        let (u, v) = (side - eye - 12.0, at.y - 1.0);
        if u > 0.0 && u < 7.0 && v.abs() < 6.0 {
            let feet = ramp(0.5, 1.0, (v * 1.6 + u * v * 0.12).cos());
            surface
                .shade(0.2 * self.wrinkles * feet * (1.0 - u / 7.0) * (0.4 + 0.6 * smile.max(0.0)));
        }
    }
}
