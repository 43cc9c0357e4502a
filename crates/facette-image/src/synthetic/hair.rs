//! Hair of the head.

use super::colour::{Rgb, along, mix, scaled, srgb};
use super::dice::Dice;
use super::head::Head;
use super::surface::{Place, Surface};
use super::temperament::Temperament;
use super::texture::{length, noise, ramp};

/// How the hair is cut.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Cut {
    Bald,
    Shaved,
    Short,
    Fringe,
    Bob,
    Long,
    Tied,
    Curls,
}

/// Hair of one person.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Hair {
    cut: Cut,
    pub(super) colour: Rgb,
    /// Where the hairline crosses the middle.
    line: f32,
    /// How much lower it is at the temples.
    round: f32,
    /// How far it recedes beside the middle.
    recede: f32,
    /// Asymmetry of a side parting.
    slant: f32,
    /// Part of the face's width that the sides leave open.
    open: f32,
    /// Where the sides end.
    length: f32,
    volume: f32,
    curl: f32,
    shine: f32,
    dense: f32,
    seed: u32,
}

/// How the hair sits in one shot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Grooming {
    volume: f32,
    slant: f32,
    line: f32,
    length: f32,
}

const COLOURS: [[u8; 3]; 7] = [
    [20, 16, 15],
    [40, 28, 22],
    [66, 44, 30],
    [98, 66, 42],
    [140, 98, 58],
    [186, 146, 92],
    [214, 184, 132],
];

impl Grooming {
    pub(super) fn draw(dice: &mut Dice<'_>) -> Self {
        Self {
            volume: dice.normal(1.0, 0.12),
            slant: dice.normal(0.0, 0.05),
            line: dice.normal(0.0, 1.0),
            length: dice.normal(0.0, 2.5),
        }
    }
}

impl Hair {
    pub(super) fn draw(dice: &mut Dice<'_>, traits: &Temperament) -> Self {
        let light = (1.0 - 1.7 * traits.pigment).max(0.0);
        let mut colour = along(&COLOURS, dice.range(0.0, 0.22 + 0.78 * light));
        if light > 0.4 && dice.chance(0.09) {
            colour = srgb(dice.pick(&[[138, 62, 30], [168, 84, 44], [112, 44, 26]]));
        }
        if traits.age > 0.5 {
            let grey = dice.range(0.0, 1.0) * (traits.age - 0.5) * 2.0;
            colour = mix(colour, srgb([176, 172, 168]), grey);
        } else if traits.angular < 0.5 && dice.chance(0.02) {
            colour = srgb(dice.pick(&[[150, 40, 70], [60, 70, 140], [180, 120, 150]]));
        }
        let angular = traits.angular > 0.5;
        let cut = if angular {
            dice.pick(&[
                Cut::Short,
                Cut::Short,
                Cut::Short,
                Cut::Short,
                Cut::Fringe,
                Cut::Shaved,
                Cut::Shaved,
                Cut::Bald,
                Cut::Curls,
                Cut::Bob,
                Cut::Long,
            ])
        } else {
            dice.pick(&[
                Cut::Long,
                Cut::Long,
                Cut::Long,
                Cut::Bob,
                Cut::Bob,
                Cut::Fringe,
                Cut::Fringe,
                Cut::Tied,
                Cut::Tied,
                Cut::Curls,
                Cut::Short,
            ])
        };
        let full = |dice: &mut Dice<'_>| dice.range(0.80, 0.95);
        let (open, length, volume) = match cut {
            Cut::Bald => (0.985, dice.range(-40.0, 8.0), 0.2),
            Cut::Shaved => (0.965, dice.range(-6.0, 4.0), 0.6),
            Cut::Short => (dice.range(0.93, 0.97), dice.range(-8.0, 8.0), dice.range(2.0, 6.5)),
            Cut::Fringe => (full(dice), dice.range(0.0, 100.0), dice.range(3.5, 7.5)),
            Cut::Bob => (dice.range(0.76, 0.92), dice.range(26.0, 56.0), dice.range(4.5, 9.0)),
            Cut::Long => (dice.range(0.76, 0.95), 130.0, dice.range(4.0, 9.5)),
            Cut::Tied => (0.975, dice.range(-8.0, 0.0), dice.range(0.8, 2.5)),
            Cut::Curls => (full(dice), dice.range(0.0, 70.0), dice.range(8.0, 15.0)),
        };
        let fringe = cut == Cut::Fringe;
        let parted = matches!(cut, Cut::Long | Cut::Bob | Cut::Short) && dice.chance(0.55);
        let lowered = if parted { dice.range(0.0, 6.0) } else { 0.0 };
        let receding = if angular { traits.age * dice.range(0.0, 13.0) } else { 0.0 };
        let bare = match cut {
            Cut::Bald => dice.range(16.0, 40.0),
            _ => 0.0,
        };
        Self {
            cut,
            colour,
            line: if fringe {
                dice.normal(-17.5, 2.0)
            } else {
                dice.normal(-36.0, 2.6) + lowered - bare - 0.4 * receding
            },
            round: if fringe { dice.range(-2.0, 4.0) } else { dice.range(5.0, 16.0) },
            recede: receding + if dice.chance(0.3) { dice.range(0.0, 5.0) } else { 0.0 },
            slant: if parted {
                dice.range(0.12, 0.42) * dice.pick(&[-1.0, 1.0])
            } else {
                dice.normal(0.0, 0.03)
            },
            open,
            length,
            volume,
            curl: match cut {
                Cut::Curls => dice.range(0.7, 1.0),
                _ => dice.range(0.0, 0.35),
            },
            shine: dice.range(0.05, 0.3),
            dense: if cut == Cut::Shaved || cut == Cut::Bald { dice.range(0.45, 0.8) } else { 1.0 },
            seed: dice.seed(),
        }
    }

    /// Hair that hangs behind neck and shoulders; the covered part of the pixel.
    pub(super) fn behind(&self, at: &Place, head: &Head, groom: &Grooming) -> f32 {
        if self.length < 20.0 {
            return 0.0;
        }
        let reach =
            head.width + self.volume * groom.volume + 2.0 * noise(0.3, at.y * 0.08, self.seed);
        let rough = 1.5 * noise(at.x * 0.3, at.y * 0.2, self.seed ^ 3);
        let end = at.inside(self.length + groom.length + rough - at.y);
        at.inside(reach - at.x.abs()) * end * at.inside(at.y - head.cheek)
    }

    /// Hair over skull, forehead and temples: the covered part of the pixel, and how much of the
    /// light the hair beside it takes from the skin there.
    pub(super) fn front(&self, at: &Place, head: &Head, groom: &Grooming, edge: f32) -> (f32, f32) {
        let volume = self.volume * groom.volume;
        if edge < -volume - 4.0 {
            return (0.0, 0.0);
        }
        let u = at.x / head.width;
        let temple = ((u.abs() - 0.5) / 0.22).powi(2);
        let line = self.line
            + groom.line
            + self.round * u * u * u.abs().sqrt()
            + (self.slant + groom.slant) * at.x
            - self.recede * (-temple).exp();
        const FAR: f32 = 14.0;
        if line - at.y < -FAR && at.x.abs() - self.open * head.width < -FAR {
            return (0.0, 0.0);
        }
        let fine = noise(at.x * 0.9 + at.y * 0.15, at.y * 0.12, self.seed);
        let lock = noise(at.x * 0.22, at.y * 0.05, self.seed ^ 9);
        let ragged = match self.cut {
            Cut::Fringe => 1.6 * fine + 1.6 * lock,
            Cut::Curls => 3.0 * noise(at.x * 0.3, at.y * 0.3, self.seed ^ 4),
            _ => 0.8 * fine,
        };
        let forehead = line + ragged - at.y;
        let wave = lock + 1.5 * self.curl * fine;
        let side = (at.x.abs() - self.open * head.width + 0.8 * wave)
            .min(self.length + groom.length + ragged - at.y);
        let outer = edge
            + volume
            + (0.4 + 2.6 * self.curl) * noise(at.x * 0.35, at.y * 0.35, self.seed ^ 7);
        let soft = |distance: f32| (0.5 + distance / (at.pixel + 1.0)).clamp(0.0, 1.0);
        // The opening for the face has round corners.
        const ROUND: f32 = 9.0;
        let corner = length((forehead + ROUND).max(0.0), (side + ROUND).max(0.0)) - ROUND;
        let opening = if side > -ROUND && forehead > -ROUND { corner } else { forehead.max(side) };
        let shade = 0.3 * self.dense * ramp(-4.5, 0.0, opening);
        (self.dense * soft(opening) * soft(outer), shade)
    }

    /// What the hair is made of at a place.
    pub(super) fn material(&self, at: &Place) -> Surface {
        let swept = at.x + self.slant * 1.4 * at.y;
        let strands = noise(swept * 0.75, at.y * 0.09, self.seed ^ 11)
            + 0.6 * noise(swept * 1.7, at.y * 0.16, self.seed ^ 12);
        let curls = 1.5 * noise(at.x * 0.38, at.y * 0.38, self.seed ^ 13);
        let tone = strands + (curls - strands) * self.curl;
        let albedo = scaled(self.colour, (1.0 + 0.38 * tone).max(0.2));
        let depth = ramp(-70.0, -20.0, at.y) * 0.1;
        Surface {
            albedo,
            gloss: self.shine * (0.55 + 0.45 * tone).max(0.0),
            relief: 0.85,
            exposed: 0.9 + depth + 0.12 * tone.clamp(-1.0, 1.0),
        }
    }
}
