//! A person who does not exist.

use super::beard::Beard;
use super::body::Body;
use super::brows::Brows;
use super::dice::Dice;
use super::eyes::Eyes;
use super::glasses::Glasses;
use super::hair::Hair;
use super::head::Head;
use super::mouth::Mouth;
use super::nose::Nose;
use super::skin::Skin;
use super::temperament::Temperament;
use crate::random::Stream;

/// Everything about a drawn face that stays the same from shot to shot: shape of head, eyes,
/// brows, nose and mouth, skin with its spots, hair, beard, and whether glasses are worn.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    pub(super) head: Head,
    pub(super) skin: Skin,
    pub(super) eyes: Eyes,
    pub(super) brows: Brows,
    pub(super) nose: Nose,
    pub(super) mouth: Mouth,
    pub(super) hair: Hair,
    pub(super) beard: Beard,
    pub(super) body: Body,
    /// Glasses that this person usually wears.
    pub(super) glasses: Option<Glasses>,
}

impl Identity {
    /// The person that `stream` describes.
    pub fn draw(stream: &mut Stream) -> Self {
        let dice = &mut Dice(stream);
        let traits = Temperament::draw(dice);
        let skin = Skin::draw(dice, &traits);
        let hair = Hair::draw(dice, &traits);
        Self {
            head: Head::draw(dice, &traits),
            eyes: Eyes::draw(dice, &traits),
            brows: Brows::draw(dice, &traits, hair.colour),
            nose: Nose::draw(dice, &traits),
            mouth: Mouth::draw(dice, &traits, skin.colour),
            beard: Beard::draw(dice, &traits, hair.colour),
            body: Body::draw(dice, traits.angular),
            glasses: dice.chance(0.17).then(|| Glasses::draw(dice, false)),
            skin,
            hair,
        }
    }
}
