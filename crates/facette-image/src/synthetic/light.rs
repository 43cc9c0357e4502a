//! Light: one lamp or sun, and what the surroundings throw back.

use super::colour::Rgb;
use super::dice::Dice;
use super::surface::Surface;

/// The light of one shot. Directions are the camera's: x right, y down, z towards it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Light {
    /// Towards the lamp; of unit length.
    pub(super) towards: [f32; 3],
    /// Between lamp and viewer: where a mirror would have to face.
    half: [f32; 3],
    key: Rgb,
    sky: Rgb,
    ground: Rgb,
    /// How far round a corner the lamp reaches: large lamps are soft.
    wrap: f32,
}

impl Light {
    pub(super) fn draw(dice: &mut Dice<'_>) -> Self {
        let across = dice.normal(0.0, 0.62);
        let up = dice.range(-0.1, 1.0);
        let towards = [across.sin() * up.cos(), -up.sin(), across.cos() * up.cos()];
        let warm = |dice: &mut Dice<'_>, level: f32| {
            let warm = dice.normal(0.01, 0.055);
            [level * (1.0 + warm), level, level * (1.0 - 1.4 * warm)]
        };
        let hard = dice.range(0.25, 0.9);
        Self {
            towards,
            half: normalised([towards[0], towards[1], towards[2] + 1.0]),
            key: warm(dice, 2.1 * hard),
            sky: warm(dice, 0.3 + 0.75 * (1.0 - hard)),
            ground: warm(dice, 0.12 + 0.4 * (1.0 - hard)),
            wrap: dice.range(0.05, 0.5),
        }
    }

    /// Light that the eye (or camera) receives from a surface with normal `n`; `open` is the part
    /// of the surroundings that it sees, `lit` the part of the lamp.
    pub(super) fn shade(&self, surface: &Surface, n: [f32; 3], open: f32, lit: f32) -> Rgb {
        let facing = dot(n, self.towards);
        let up = 0.5 - 0.5 * n[1];
        let mirror = dot(n, self.half).max(0.0).powi(20) * surface.gloss * lit * 1.6;
        std::array::from_fn(|c| {
            // Red light travels furthest under skin and softens the edge of the shade.
            let wrap = self.wrap + surface.relief * [0.22, 0.08, 0.04][c];
            let diffuse = ((facing + wrap) / (1.0 + wrap)).max(0.0);
            let lamp = self.key[c] * diffuse * (lit + (1.0 - lit) * 0.25 * wrap);
            let around = (self.ground[c] + (self.sky[c] - self.ground[c]) * up) * open;
            surface.albedo[c] * surface.exposed * (lamp + around) + self.key[c] * mirror
        })
    }
}

pub(super) fn dot(a: [f32; 3], b: [f32; 3]) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

pub(super) fn normalised(a: [f32; 3]) -> [f32; 3] {
    let length = dot(a, a).sqrt().max(1e-6);
    a.map(|v| v / length)
}
