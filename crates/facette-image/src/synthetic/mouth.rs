//! Lips, teeth and what lies behind them.

use super::colour::{Rgb, mix, product, scaled, srgb};
use super::dice::Dice;
use super::expression::Expression;
use super::relief::Bump;
use super::surface::{Place, Surface};
use super::temperament::Temperament;
use super::texture::{length, noise, ramp};

/// Mouth of one person.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Mouth {
    /// How far below the eyes the line between the lips lies.
    pub(super) level: f32,
    /// Half the width at rest.
    width: f32,
    upper: f32,
    lower: f32,
    bow: f32,
    droop: f32,
    colour: Rgb,
    gloss: f32,
    teeth: f32,
    seed: u32,
}

impl Mouth {
    pub(super) fn draw(dice: &mut Dice<'_>, traits: &Temperament, skin: Rgb) -> Self {
        let soft = 1.0 - traits.angular;
        let natural = product(skin, [0.88, 0.56, 0.56]);
        let painted =
            srgb(dice.pick(&[[168, 36, 52], [190, 74, 84], [140, 40, 60], [196, 96, 92]]));
        let paint = if soft > 0.5 && dice.chance(0.5) { dice.range(0.2, 0.75) } else { 0.0 };
        Self {
            level: dice.normal(40.6, 1.6),
            width: dice.normal(14.2, 1.3),
            upper: dice.normal(2.5 + 0.7 * traits.pigment + 0.3 * soft, 0.6).max(1.0),
            lower: dice.normal(3.7 + 0.8 * traits.pigment + 0.4 * soft, 0.7).max(1.8),
            bow: dice.range(0.1, 0.55),
            droop: dice.normal(0.3, 0.8),
            colour: mix(natural, painted, paint),
            gloss: dice.range(0.02, 0.08) + 0.12 * paint,
            teeth: dice.range(0.75, 1.0),
            seed: dice.seed(),
        }
    }

    fn half_width(&self, face: &Expression) -> f32 {
        self.width * (1.0 + 0.20 * face.smile - 0.10 * face.open_mouth)
    }

    /// Height of the line between the lips at `t`, -1 to 1 from corner to corner.
    fn line(&self, t: f32, face: &Expression) -> f32 {
        self.level + (self.droop - 4.2 * face.smile) * t * t
    }

    /// A corner of the mouth: distance from the middle and height.
    pub(super) fn corner(&self, face: &Expression) -> [f32; 2] {
        [self.half_width(face), self.line(1.0, face)]
    }

    pub(super) fn bumps(&self, face: &Expression, add: &mut dyn FnMut(Bump)) {
        let wide = 0.62 * self.half_width(face);
        let fall = 3.0 * face.open_mouth;
        add(Bump { x: 0.0, y: self.level - 2.6, wide, high: 2.4, height: 0.5 + 0.7 * self.upper });
        add(Bump {
            x: 0.0,
            y: self.level + 3.4 + fall,
            wide: 0.85 * wide,
            high: 2.4,
            height: 0.6 + 0.7 * self.lower,
        });
        add(Bump { x: 0.0, y: self.level, wide, high: 9.0, height: 3.0 });
        let [x, y] = self.corner(face);
        for x in [-x, x] {
            add(Bump { x, y, wide: 2.6, high: 2.6, height: -1.2 - 0.8 * face.smile.max(0.0) });
        }
    }

    pub(super) fn paint(&self, at: &Place, face: &Expression, surface: &mut Surface) {
        let half = self.half_width(face);
        let t = at.x / half;
        if t.abs() > 1.12 || (at.y - self.level).abs() > 22.0 {
            return;
        }
        let round = (1.0 - t * t).max(0.0);
        let line = self.line(t, face);
        let gap = face.open_mouth * 9.0 * round.sqrt();
        let thin = 1.0 - 0.28 * face.smile.max(0.0);
        let bow = 1.0 - self.bow * (-(at.x / 2.4).powi(2)).exp();
        let (lip_top, lip_bottom) = (line - 0.3 * gap, line + 0.7 * gap);
        let top = lip_top - self.upper * thin * round.powf(0.7) * bow;
        let bottom = lip_bottom + self.lower * thin * round.sqrt();
        let ends = at.inside(half - at.x.abs());

        if gap > 0.3 {
            let cavity = at.inside(at.y - lip_top).min(at.inside(lip_bottom - at.y)) * ends;
            surface.cover(self.inside_of(at, lip_top, gap, half), cavity);
        }
        let upper = at.inside(at.y - top).min(at.inside(lip_top - at.y)) * ends;
        let lower = at.inside(at.y - lip_bottom).min(at.inside(bottom - at.y)) * ends;
        let creases = 1.0 + 0.06 * noise(at.x * 0.9, at.y * 0.15, self.seed);
        let lip = |albedo: Rgb| Surface { albedo, gloss: self.gloss, relief: 1.0, exposed: 1.0 };
        surface.cover(lip(scaled(self.colour, 0.80 * creases)), 0.9 * upper);
        surface.cover(lip(scaled(self.colour, creases)), 0.9 * lower);
        if gap < 2.0 {
            let dark = 0.8 * ramp(1.06, 0.85, t.abs()) * (1.0 - 0.4 * gap);
            surface.paint(scaled(self.colour, 0.22), dark * at.line(at.y - line, 0.6));
        }
        let [x, y] = self.corner(face);
        let corner = length(at.x.abs() - x, at.y - y);
        surface.shade(0.35 * ramp(2.6, 0.3, corner));
    }

    fn inside_of(&self, at: &Place, lip_top: f32, gap: f32, half: f32) -> Surface {
        let mut inside =
            Surface { albedo: srgb([66, 26, 26]), gloss: 0.0, relief: 0.0, exposed: 0.5 };
        let tooth = 0.9 - 0.10 * ramp(0.85, 1.0, (at.x * 0.42).cos().abs().max(0.01));
        let dental = Surface {
            albedo: scaled(srgb([236, 228, 214]), self.teeth * tooth),
            gloss: 0.1,
            relief: 0.3,
            exposed: 0.9 - 0.35 * (at.x / half).powi(2),
        };
        let length = (0.62 * gap).clamp(1.2, 4.4);
        inside.cover(
            dental,
            at.inside(lip_top + length - at.y) * at.inside(0.86 * half - at.x.abs()),
        );
        inside
    }
}
