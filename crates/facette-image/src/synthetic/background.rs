//! What stands behind the head: drawn for every shot, independent of the person.

use super::colour::{Rgb, mix, scaled};
use super::dice::Dice;
use super::texture::{length, noise, ramp};

/// A blurred room, street or wall.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Background {
    one: Rgb,
    other: Rgb,
    /// Direction of the change from one colour to the other.
    gradient: [f32; 2],
    mottle: f32,
    grain: f32,
    things: Vec<Thing>,
    seed: u32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Thing {
    x: f32,
    y: f32,
    wide: f32,
    high: f32,
    turn: [f32; 2],
    round: bool,
    soft: f32,
    colour: Rgb,
}

impl Background {
    pub(super) fn draw(dice: &mut Dice<'_>) -> Self {
        let colour = |dice: &mut Dice<'_>| {
            let level = dice.range(0.02, 0.75).powf(1.5);
            let grey = dice.range(0.1, 1.0);
            let tint = [(); 3].map(|()| dice.range(0.35, 1.5));
            mix(tint.map(|t| t * level), [level; 3], grey)
        };
        let things = dice.pick(&[0, 1, 2, 3, 4, 5]);
        let angle = dice.range(0.0, 6.3);
        Self {
            one: colour(dice),
            other: colour(dice),
            gradient: [angle.cos(), angle.sin()],
            mottle: dice.range(0.0, 0.5),
            grain: dice.range(0.02, 0.15),
            things: (0..things)
                .map(|_| {
                    let turn = if dice.chance(0.6) { 0.0 } else { dice.range(0.0, 3.1) };
                    Thing {
                        x: dice.range(-0.1, 1.1),
                        y: dice.range(-0.1, 1.1),
                        wide: dice.range(0.04, 0.3),
                        high: dice.range(0.05, 0.8),
                        turn: [turn.cos(), turn.sin()],
                        round: dice.chance(0.4),
                        soft: dice.range(0.015, 0.15),
                        colour: colour(dice),
                    }
                })
                .collect(),
            seed: dice.seed(),
        }
    }

    /// Colour at a place of the picture, 0..1 in both directions, in full light.
    pub(super) fn at(&self, x: f32, y: f32) -> Rgb {
        let along = 0.5 + (x - 0.5) * self.gradient[0] + (y - 0.5) * self.gradient[1];
        let wander = self.mottle * noise(x * 4.0, y * 4.0, self.seed);
        let mut colour = mix(self.one, self.other, ramp(0.0, 1.0, along + wander));
        for thing in &self.things {
            let (u, v) = (x - thing.x, y - thing.y);
            let (u, v) =
                (u * thing.turn[0] + v * thing.turn[1], v * thing.turn[0] - u * thing.turn[1]);
            let distance = if thing.round {
                (1.0 - length(u / thing.wide, v / thing.high)) * thing.wide.min(thing.high)
            } else {
                (thing.wide - u.abs()).min(thing.high - v.abs())
            };
            colour = mix(colour, thing.colour, ramp(-thing.soft, thing.soft, distance));
        }
        let grain = 1.5 * noise(x * 15.0, y * 15.0, self.seed ^ 1);
        scaled(colour, 1.0 + self.grain * grain)
    }
}
