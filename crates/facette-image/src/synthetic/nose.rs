//! The nose: mostly relief, a little shadow.

use super::colour::{Rgb, product};
use super::dice::Dice;
use super::relief::Bump;
use super::surface::{Place, Surface};
use super::temperament::Temperament;
use super::texture::{length, ramp};

/// Nose of one person.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Nose {
    /// How far below the eyes the tip lies.
    pub(super) tip: f32,
    /// Half the width at the wings.
    wings: f32,
    bridge: f32,
    bridge_width: f32,
    hump: f32,
    tip_size: f32,
    tip_height: f32,
    nostrils: f32,
}

impl Nose {
    pub(super) fn draw(dice: &mut Dice<'_>, traits: &Temperament) -> Self {
        Self {
            tip: dice.normal(20.2 + traits.angular, 1.4),
            wings: dice.normal(9.0 + 0.6 * traits.angular + 1.4 * traits.pigment, 0.95),
            bridge: dice.normal(7.2, 1.6).max(3.0),
            bridge_width: dice.normal(3.9, 0.6),
            hump: dice.normal(0.0, 1.0),
            tip_size: dice.normal(4.7, 0.7),
            tip_height: dice.normal(8.2, 1.3),
            nostrils: dice.range(0.5, 1.0),
        }
    }

    pub(super) fn bumps(&self, add: &mut dyn FnMut(Bump)) {
        let (wide, high) = (self.bridge_width, 9.0);
        add(Bump { x: 0.0, y: 4.0, wide, high, height: self.bridge });
        add(Bump { x: 0.0, y: 7.0, wide: 3.0, high: 4.0, height: self.hump });
        add(Bump {
            x: 0.0,
            y: self.tip - 5.0,
            wide: wide + 0.4,
            high: 5.5,
            height: 0.5 * self.tip_height,
        });
        let (size, height) = (self.tip_size, self.tip_height);
        add(Bump { x: 0.0, y: self.tip - 1.0, wide: size, high: 0.8 * size, height });
        for x in [-0.72 * self.wings, 0.72 * self.wings] {
            add(Bump { x, y: self.tip + 1.0, wide: 2.9, high: 3.0, height: 4.4 });
        }
        add(Bump { x: 0.0, y: self.tip + 8.0, wide: 1.8, high: 3.5, height: -0.9 });
    }

    pub(super) fn paint(&self, at: &Place, skin: Rgb, surface: &mut Surface) {
        let (side, y) = (at.x.abs(), at.y - self.tip);
        if side > self.wings + 4.0 || !(-6.0..10.0).contains(&y) {
            return;
        }
        let dark = product(skin, [0.22, 0.12, 0.10]);
        let (u, v) =
            ((side - 0.46 * self.wings) / (0.27 * self.wings), (y - 3.4 + 0.12 * side) / 1.35);
        surface.paint(dark, self.nostrils * ramp(1.35, 0.5, length(u, v)));
        // The crease around the wing, and the shadow beneath the nose.
        let crease = length((side - 0.3) / self.wings, (y - 0.6) / 5.4);
        let outside = ramp(0.45, 0.85, side / self.wings);
        surface.shade(0.30 * outside * ramp(0.16, 0.0, (crease - 1.0).abs()));
        surface.shade(
            0.26 * ramp(1.15, 0.6, side / self.wings) * ramp(2.4, 4.2, y) * ramp(8.5, 4.6, y),
        );
    }
}
