//! The circumstances of one picture.

use super::background::Background;
use super::camera::Camera;
use super::dice::Dice;
use super::expression::Expression;
use super::glasses::Glasses;
use super::hair::Grooming;
use super::hat::Hat;
use super::light::Light;
use super::pose::Pose;
use crate::random::Stream;

/// Everything about a picture that says nothing about the person: pose, light, expression,
/// grooming, accessories, background, camera. Drawn independently of the [`Identity`](super::Identity).
#[derive(Clone, Debug, PartialEq)]
pub struct Shot {
    pub(super) pose: Pose,
    pub(super) light: Light,
    pub(super) expression: Expression,
    pub(super) grooming: Grooming,
    /// Time since the last shave, 1 on average.
    pub(super) growth: f32,
    pub(super) eyewear: Eyewear,
    /// Strength of reflections in glasses.
    pub(super) glare: f32,
    pub(super) hat: Option<Hat>,
    pub(super) background: Background,
    pub(super) camera: Camera,
}

/// What happens to the glasses in one shot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Eyewear {
    /// As the person usually has it.
    Usual,
    /// Taken off.
    None,
    /// Others put on.
    Other(Glasses),
}

impl Shot {
    /// The circumstances that `stream` describes.
    pub fn draw(stream: &mut Stream) -> Self {
        let dice = &mut Dice(stream);
        let fate = dice.range(0.0, 1.0);
        Self {
            pose: Pose::draw(dice),
            light: Light::draw(dice),
            expression: Expression::draw(dice),
            grooming: Grooming::draw(dice),
            growth: dice.range(0.7, 1.2),
            eyewear: match fate {
                f if f < 0.06 => Eyewear::Other(Glasses::draw(dice, false)),
                f if f < 0.10 => Eyewear::Other(Glasses::draw(dice, true)),
                f if f < 0.28 => Eyewear::None,
                _ => Eyewear::Usual,
            },
            glare: if dice.chance(0.4) { dice.range(0.1, 0.6) } else { 0.0 },
            hat: dice.chance(0.06).then(|| Hat::draw(dice)),
            background: Background::draw(dice),
            camera: Camera::draw(dice),
        }
    }
}
