//! Glasses: part of some people, put on by others for one shot.

use super::colour::{Rgb, product, srgb};
use super::dice::Dice;
use super::head::Head;
use super::surface::{Place, Surface};
use super::texture::ramp;

/// A pair of glasses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Glasses {
    width: f32,
    height: f32,
    /// Exponent of the outline: 2 is round, 6 nearly a rectangle.
    corner: f32,
    half: f32,
    level: f32,
    frame: Rgb,
    frame_gloss: f32,
    tint: Rgb,
    /// Darkness of the lenses.
    dark: f32,
    /// The lower half has no rim.
    open_below: bool,
}

impl Glasses {
    pub(super) fn draw(dice: &mut Dice<'_>, sun: bool) -> Self {
        let thin = dice.chance(0.4);
        let frames = [
            [18, 16, 18],
            [22, 20, 24],
            [60, 34, 22],
            [96, 62, 34],
            [150, 120, 70],
            [120, 122, 128],
            [110, 24, 34],
            [30, 44, 80],
        ];
        Self {
            width: dice.normal(if sun { 14.0 } else { 12.6 }, 0.9),
            height: dice.normal(if sun { 11.0 } else { 8.8 }, 1.3),
            corner: dice.range(2.0, 5.5),
            half: if thin { dice.range(0.3, 0.55) } else { dice.range(0.75, 1.5) },
            level: dice.normal(1.2, 0.8),
            frame: srgb(dice.pick(&frames)),
            frame_gloss: dice.range(0.05, 0.5),
            tint: srgb(dice.pick(&[[40, 40, 44], [52, 40, 30], [36, 48, 44]])),
            dark: if sun { dice.range(0.75, 0.97) } else { 0.0 },
            open_below: thin && dice.chance(0.35),
        }
    }

    /// `glare` is the strength of reflections in the lenses.
    pub(super) fn paint(
        &self,
        at: &Place,
        eye: f32,
        head: &Head,
        glare: f32,
        surface: &mut Surface,
    ) {
        let y = at.y - self.level;
        if !(-self.height - 6.0..self.height + 8.0).contains(&y) {
            return;
        }
        let middle = (eye + 0.4).max(self.width + 1.6);
        let (u, v) = ((at.x.abs() - middle) / self.width, y / self.height);
        let radius =
            (u.abs().powf(self.corner) + v.abs().powf(self.corner)).powf(1.0 / self.corner);
        let distance = (1.0 - radius) * self.height.min(self.width);
        let lens = at.inside(distance);
        if lens > 0.0 {
            let tinted = product(surface.albedo, self.tint.map(|t| t * 2.0));
            surface.paint(tinted, 0.6 * self.dark * lens);
            surface.paint(self.tint, self.dark * self.dark * lens);
            surface.exposed *= 1.0 - 0.08 * lens;
            let band = ramp(0.25, 0.6, (u * 0.8 + v * 0.9 + 0.35).sin()) * ramp(-0.2, -0.7, v);
            surface.paint([0.8, 0.84, 0.9], glare * lens * band);
        } else {
            surface.shade(0.22 * ramp(-4.5, -1.0, distance) * ramp(0.0, 0.5, v));
        }
        let rim = if self.open_below { ramp(0.35, 0.1, v) } else { 1.0 };
        let mut part = rim * at.line(distance, self.half);
        // The bridge, and the temples towards the ears.
        if at.x.abs() < middle - 0.8 * self.width {
            part = part.max(at.line(y + 0.25 * self.height - 0.035 * at.x * at.x, self.half));
        }
        if at.x.abs() > middle + 0.9 * self.width && at.x.abs() < head.width + 1.5 {
            part = part.max(at.line(y + 0.4 * self.height, 0.9 * self.half));
        }
        surface.cover(
            Surface { albedo: self.frame, gloss: self.frame_gloss, relief: 0.3, exposed: 1.0 },
            part,
        );
    }
}
