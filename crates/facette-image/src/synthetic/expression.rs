//! What the face is doing.

use super::dice::Dice;
use super::relief::Bump;

/// The state of the muscles in one shot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Expression {
    /// -0.4 sullen to 1 broad smile.
    pub(super) smile: f32,
    /// 0 closed to 1 wide open.
    pub(super) open_mouth: f32,
    /// 1 is the person's ordinary opening; 0.1 a blink.
    pub(super) open_eyes: f32,
    /// Units by which the brows are raised.
    pub(super) raised_brows: f32,
    /// 0 to 1.
    pub(super) frown: f32,
    /// Shift of both irises.
    pub(super) gaze: [f32; 2],
    /// Pupil's radius as a part of the iris.
    pub(super) pupil: f32,
}

impl Expression {
    pub(super) fn draw(dice: &mut Dice<'_>) -> Self {
        let smiling = dice.chance(0.5);
        let smile = if smiling { dice.range(0.25, 1.0) } else { dice.normal(-0.02, 0.12) };
        let talking = dice.chance(if smiling { 0.55 } else { 0.2 });
        let blink = dice.chance(0.04);
        Self {
            smile,
            open_mouth: if talking {
                dice.range(0.1, if smiling { 0.55 } else { 0.9 })
            } else {
                0.0
            },
            open_eyes: if blink {
                dice.range(0.12, 0.5)
            } else {
                dice.normal(1.0, 0.1) - 0.18 * smile.max(0.0)
            },
            raised_brows: dice.normal(0.3, 0.7),
            frown: if dice.chance(0.2) { dice.range(0.1, 0.8) } else { 0.0 },
            gaze: [dice.normal(0.0, 0.9), dice.normal(0.0, 0.4)],
            pupil: dice.range(0.32, 0.55),
        }
    }

    pub(super) fn bumps(&self, eye: f32, add: &mut dyn FnMut(Bump)) {
        let cheeks = 3.4 * self.smile.max(0.0);
        for x in [-eye - 3.5, eye + 3.5] {
            add(Bump { x, y: 18.0, wide: 7.5, high: 5.5, height: cheeks });
        }
        for x in [-3.2, 3.2] {
            add(Bump { x, y: -10.0, wide: 1.3, high: 4.0, height: -1.6 * self.frown });
        }
    }
}
