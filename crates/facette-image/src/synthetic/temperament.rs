//! Traits that several features share.

use super::dice::Dice;

/// What makes features of one face go together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Temperament {
    /// 0 soft, 1 angular: jaw, brows, beard, length of hair.
    pub(super) angular: f32,
    /// 0 at twenty, 1 at seventy.
    pub(super) age: f32,
    /// Pigment of skin and, loosely, of hair and eyes: 0 lightest, 1 darkest.
    pub(super) pigment: f32,
}

impl Temperament {
    pub(super) fn draw(dice: &mut Dice<'_>) -> Self {
        let pole = if dice.chance(0.5) { 0.22 } else { 0.78 };
        Self {
            angular: dice.normal(pole, 0.13).clamp(0.0, 1.0),
            age: dice.range(0.0, 1.0).powf(1.4),
            pigment: dice.range(0.0, 1.0).powf(1.3),
        }
    }
}
