//! The shape of the head: its outline, and how far each feature stands out.

use super::dice::Dice;
use super::relief::Bump;
use super::temperament::Temperament;

/// Outline and large forms of a head.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Head {
    /// Half the width at the cheekbones.
    pub(super) width: f32,
    /// Height of the cheekbones below the eyes.
    pub(super) cheek: f32,
    /// Distance from the eyes to the chin.
    pub(super) chin: f32,
    /// Distance from the eyes to the top of the skull.
    pub(super) crown: f32,
    /// Exponent of the outline across: 2 is an ellipse, more is boxier.
    across: f32,
    /// Exponent of the outline downwards: small is pointed, large is square-jawed.
    jaw: f32,
    /// Exponent upwards.
    forehead: f32,
    cheekbone: f32,
    brow_ridge: f32,
    chin_size: f32,
    chin_cleft: f32,
    fullness: f32,
    /// How deep the eyes lie.
    socket: f32,
}

impl Head {
    pub(super) fn draw(dice: &mut Dice<'_>, traits: &Temperament) -> Self {
        let angular = traits.angular;
        Self {
            width: dice.normal(39.5 + 1.5 * angular, 2.3),
            cheek: dice.normal(9.0, 2.5),
            chin: dice.normal(62.0 + 4.0 * angular, 3.2),
            crown: dice.normal(70.0, 3.0),
            across: dice.normal(2.15, 0.12),
            jaw: dice.normal(2.1 + 0.7 * angular, 0.38).max(1.5),
            forehead: dice.normal(3.3, 0.3),
            cheekbone: dice.normal(3.2, 1.6),
            brow_ridge: dice.normal(1.0 + 2.6 * angular, 0.9),
            chin_size: dice.normal(4.0 + 1.5 * angular, 1.4),
            chin_cleft: if dice.chance(0.2) { dice.range(0.5, 1.6) } else { 0.0 },
            fullness: dice.normal(0.0, 2.0),
            socket: dice.normal(4.6, 1.2),
        }
    }

    /// The part of the outline's equation that a column of places shares: its value and slope.
    pub(super) fn column(&self, x: f32) -> [f32; 2] {
        let u = (x.abs() / self.width).max(1e-4);
        let value = u.powf(self.across);
        [value, self.across * value / (u * self.width)]
    }

    /// The part that a row shares.
    pub(super) fn row(&self, y: f32) -> [f32; 2] {
        let (reach, exponent) = if y > self.cheek {
            (self.chin - self.cheek, self.jaw)
        } else {
            (self.crown + self.cheek, self.forehead)
        };
        let v = ((y - self.cheek).abs() / reach).max(1e-4);
        let value = v.powf(exponent);
        [value, exponent * value / (v * reach)]
    }

    /// Height of the smooth head above the plane of the ears.
    pub(super) fn height(&self, x: f32, y: f32) -> f32 {
        let reach =
            if y > self.cheek { self.chin - self.cheek + 6.0 } else { self.crown + self.cheek };
        let q = (x / (self.width + 2.0)).powi(2) + ((y - self.cheek) / reach).powi(2);
        if q < 1.0 { 46.0 * (1.0 - q * q.sqrt()).sqrt() } else { (1.0 - q) * 12.0 }
    }

    /// Height by which places shift when the head turns: a bowl without steep flanks.
    pub(super) fn depth(&self, x: f32, y: f32) -> f32 {
        let reach = if y > self.cheek { self.chin - self.cheek } else { self.crown + self.cheek };
        let q = (x / self.width).powi(2) + ((y - self.cheek) / reach).powi(2);
        44.0 - 30.0 * q.min(1.6)
    }

    pub(super) fn bumps(&self, eye: f32, mouth: f32, add: &mut dyn FnMut(Bump)) {
        let mut pair = |x: f32, y: f32, wide: f32, high: f32, height: f32| {
            add(Bump { x, y, wide, high, height });
            add(Bump { x: -x, y, wide, high, height });
        };
        pair(eye - 2.5, -9.0, 9.0, 3.6, self.brow_ridge);
        pair(eye - 3.0, -0.5, 7.5, 4.6, -self.socket);
        pair(eye, 0.5, 5.6, 3.4, 2.4);
        pair(0.62 * self.width, 15.0, 9.0, 7.5, self.cheekbone);
        pair(0.58 * self.width, 32.0, 9.0, 11.0, self.fullness);
        add(Bump { x: 0.0, y: -26.0, wide: 20.0, high: 12.0, height: 2.0 });
        let middle = 0.5 * (mouth + 9.0 + self.chin);
        add(Bump { x: 0.0, y: middle, wide: 8.5, high: 6.0, height: self.chin_size });
        add(Bump { x: 0.0, y: mouth + 9.5, wide: 9.0, high: 2.6, height: -2.4 });
        add(Bump { x: 0.0, y: middle + 1.0, wide: 1.6, high: 4.5, height: -self.chin_cleft });
    }
}
