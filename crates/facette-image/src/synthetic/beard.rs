//! Beards.

use super::colour::{Rgb, mix, scaled, srgb};
use super::dice::Dice;
use super::head::Head;
use super::surface::{Place, Surface};
use super::temperament::Temperament;
use super::texture::{noise, ramp};

/// Facial hair of one person; `dense` is 0 where there is none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Beard {
    dense: f32,
    cheeks: f32,
    moustache: f32,
    chin: f32,
    /// Height of the beard's upper edge on the cheeks.
    edge: f32,
    colour: Rgb,
    seed: u32,
}

impl Beard {
    pub(super) fn draw(dice: &mut Dice<'_>, traits: &Temperament, hair: Rgb) -> Self {
        let styles: [[f32; 4]; 5] = [
            [0.28, 1.0, 1.0, 1.0], // stubble
            [0.9, 1.0, 1.0, 1.0],  // full beard
            [0.9, 0.0, 1.0, 0.0],  // moustache
            [0.9, 0.0, 1.0, 1.0],  // moustache and goatee
            [0.85, 0.0, 0.0, 1.0], // goatee
        ];
        let style = match traits.angular > 0.6 && dice.chance(0.58) {
            true => dice.pick(&[0, 0, 0, 1, 1, 2, 3, 3, 4]),
            false => usize::MAX,
        };
        let [dense, cheeks, moustache, chin] = styles.get(style).copied().unwrap_or([0.0; 4]);
        let stubble = style == 0;
        let colour = scaled(hair, 0.75);
        Self {
            dense: dense * dice.range(0.75, 1.1),
            cheeks,
            moustache,
            chin,
            edge: dice.range(16.0, 27.0),
            colour: if stubble { mix(colour, srgb([52, 50, 54]), 0.5) } else { colour },
            seed: dice.seed(),
        }
    }

    /// `corner` is a corner of the mouth, `growth` how long ago the face was shaved.
    pub(super) fn paint(
        &self,
        at: &Place,
        head: &Head,
        tip: f32,
        corner: [f32; 2],
        growth: f32,
        surface: &mut Surface,
    ) {
        if self.dense == 0.0 || at.y < self.edge - 6.0 {
            return;
        }
        let side = at.x.abs();
        let [wide, level] = corner;
        let low = self.edge + 7.0 * ramp(0.9 * head.width, 0.4 * head.width, side) + 4.0;
        let cheeks =
            self.cheeks * ramp(low - 2.0, low + 5.0, at.y) * ramp(wide + 1.0, wide + 6.0, side);
        let jaw = self.cheeks * ramp(level + 5.0, level + 10.0, at.y);
        let lip = self.moustache
            * ramp(wide + 5.0, wide - 1.0, side)
            * ramp(tip + 5.5, tip + 8.5, at.y)
            * ramp(level + 0.06 * side * side, level - 3.0 + 0.06 * side * side, at.y);
        let chin = self.chin * ramp(11.5, 8.0, side) * ramp(level + 6.0, level + 9.5, at.y);
        let frame = self.chin
            * self.moustache
            * ramp(3.6, 1.8, (side - wide - 1.0).abs())
            * ramp(level - 4.0, level, at.y);
        let area = cheeks.max(jaw).max(lip).max(chin).max(frame);
        if area <= 0.0 {
            return;
        }
        let strands = noise(at.x * 0.8, at.y * 0.35, self.seed)
            + 0.5 * noise(at.x * 1.6, at.y * 0.8, self.seed ^ 1);
        let part = (area * self.dense * growth * (0.95 + 0.25 * strands)).clamp(0.0, 0.97);
        let hairs = Surface {
            albedo: scaled(self.colour, (1.0 + 0.35 * strands).max(0.2)),
            gloss: 0.02,
            relief: 0.9,
            exposed: surface.exposed * 0.95,
        };
        surface.cover(hairs, part);
    }
}
