//! Eyes: lids, iris, lashes.

use super::colour::{Rgb, mix, product, scaled, srgb};
use super::dice::Dice;
use super::expression::Expression;
use super::surface::{Place, Surface};
use super::temperament::Temperament;
use super::texture::{length, noise, ramp};

/// Both eyes of one person.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Eyes {
    /// Distance of each eye's middle from the line of symmetry.
    pub(super) apart: f32,
    /// Half the distance between the corners.
    width: f32,
    upper: f32,
    lower: f32,
    /// Slope of the line through the corners; positive is higher outside.
    tilt: f32,
    /// Where the upper lid is highest, -1 inner to 1 outer corner.
    peak: f32,
    /// Distance of the crease from the lid's edge; 0 is a single lid.
    crease: f32,
    crease_depth: f32,
    iris: Rgb,
    iris_radius: f32,
    lashes: f32,
    /// Shadow or make-up on the lid.
    lid: Rgb,
    lid_part: f32,
    seed: u32,
}

const IRISES: [[u8; 3]; 7] = [
    [52, 30, 18],
    [74, 44, 24],
    [98, 66, 34],
    [122, 96, 52],
    [92, 112, 84],
    [104, 132, 152],
    [120, 150, 176],
];

impl Eyes {
    pub(super) fn draw(dice: &mut Dice<'_>, traits: &Temperament) -> Self {
        let soft = 1.0 - traits.angular;
        let light = (1.0 - 1.6 * traits.pigment).max(0.0);
        let shade = dice.range(0.0, 0.35 + 6.2 * light).min(6.0);
        let iris = IRISES[shade as usize];
        let made_up = soft > 0.5 && dice.chance(0.45);
        let single = dice.chance(0.22);
        Self {
            apart: dice.normal(17.6, 1.0),
            width: dice.normal(7.9, 0.65),
            upper: dice.normal(3.5 + 0.5 * soft, 0.6),
            lower: dice.normal(2.1, 0.35),
            tilt: dice.normal(0.06, 0.08),
            peak: dice.normal(-0.05, 0.2),
            crease: if single { 0.0 } else { dice.normal(2.1, 0.5).max(1.0) },
            crease_depth: dice.range(0.15, 0.5),
            iris: mix(srgb(iris), scaled(srgb(iris), dice.range(0.6, 1.4)), 0.6),
            iris_radius: dice.normal(3.3, 0.16),
            lashes: 0.45 + 0.35 * soft + if made_up { 0.6 } else { 0.0 } + dice.range(-0.15, 0.15),
            lid: srgb(dice.pick(&[
                [110, 70, 70],
                [84, 60, 74],
                [70, 74, 92],
                [128, 84, 62],
                [60, 44, 40],
            ])),
            lid_part: if made_up { dice.range(0.15, 0.55) } else { 0.0 },
            seed: dice.seed(),
        }
    }

    /// Distance downwards of the eyes' middles in the picture's plane is 0 by definition.
    pub(super) fn paint(
        &self,
        at: &Place,
        face: &Expression,
        glint: [f32; 2],
        skin: Rgb,
        surface: &mut Surface,
    ) {
        let outward = at.x.signum();
        let (dx, y) = ((at.x.abs() - self.apart), at.y);
        if dx.abs() > self.width + 5.0 || !(-11.0..8.0).contains(&y) {
            return;
        }
        let dy = y + self.tilt * dx;
        let t = dx / self.width;
        let bent = t - self.peak * (1.0 - t * t);
        let arch = (1.0 - bent * bent).max(0.0);
        let open = face.open_eyes;
        let upper = -self.upper * open * arch.powf(0.75);
        let lower = self.lower
            * (0.55 + 0.45 * open)
            * (1.0 - t * t).max(0.0)
            * (1.0 - 0.3 * face.smile.max(0.0));
        let ends = at.inside(self.width - dx.abs());

        // The lid above and its crease, before the opening is cut into it.
        let above = upper - dy;
        if above > -1.0 && t.abs() < 1.25 {
            let part = ramp(1.25, 0.8, t.abs());
            let reach = if self.crease > 0.0 { self.crease } else { 3.0 };
            surface.paint(
                product(skin, [0.86, 0.74, 0.72]),
                0.35 * part * ramp(reach + 2.5, 0.0, above),
            );
            surface.paint(self.lid, self.lid_part * part * ramp(reach + 2.5, 0.5, above));
            if self.crease > 0.0 {
                let raised = self.crease * (0.75 + 0.25 * arch);
                surface.shade(self.crease_depth * part * at.line(above - raised, 0.55));
            }
        }
        let inside = at.inside(dy - upper).min(at.inside(lower - dy)) * ends;
        if inside > 0.0 {
            surface.cover(self.ball(at, outward, dx, dy, upper, face, glint), inside);
        }
        // Lashes: a dark edge above, thicker outside, a faint one below.
        let thick = self.lashes * (0.75 + 0.35 * t) * ramp(1.15, 0.9, t.abs());
        surface.paint(srgb([24, 16, 14]), 0.92 * at.line(dy - upper + 0.35 * thick, 0.55 * thick));
        surface.paint(srgb([60, 36, 30]), 0.4 * ends * at.line(dy - lower, 0.25 * self.lashes));
        // The pink corner near the nose.
        let corner = length(dx + self.width - 0.6, dy - 0.2);
        surface.paint(srgb([190, 116, 108]), 0.6 * inside * ramp(1.8, 0.4, corner));
    }

    #[expect(clippy::too_many_arguments, reason = "coordinates of one eye")]
    fn ball(
        &self,
        at: &Place,
        outward: f32,
        dx: f32,
        dy: f32,
        upper: f32,
        face: &Expression,
        glint: [f32; 2],
    ) -> Surface {
        let mut ball =
            Surface { albedo: srgb([226, 218, 212]), gloss: 0.0, relief: 0.25, exposed: 0.92 };
        ball.albedo = scaled(ball.albedo, 1.0 - 0.25 * ramp(0.5, 1.0, (dx / self.width).abs()));
        let (ix, iy) = (dx - outward * face.gaze[0], dy - face.gaze[1] + 0.5);
        let radius = length(ix, iy);
        let angle = iy.atan2(ix * outward);
        let streaks = 1.0 + 0.25 * noise(angle * 5.0, radius, self.seed);
        let ring = ramp(0.6, 1.0, radius / self.iris_radius);
        let mut iris = scaled(self.iris, streaks * (1.0 - 0.7 * ring));
        // Light falls through the lens onto the far side of the iris.
        iris = scaled(iris, 1.0 + 0.4 * (iy / self.iris_radius).clamp(-1.0, 1.0));
        ball.paint(iris, at.inside(self.iris_radius - radius));
        ball.paint(srgb([10, 8, 8]), at.inside(face.pupil * self.iris_radius - radius));
        // The lid's shadow.
        ball.shade(0.55 * ramp(2.2, 0.0, dy - upper));
        let highlight = length(ix * outward - glint[0], iy - glint[1]);
        let shine = at.inside(0.75 - highlight) * at.inside(self.iris_radius - radius);
        ball.albedo = mix(ball.albedo, [1.3; 3], 0.85 * shine);
        ball.exposed += (1.0 - ball.exposed) * shine;
        ball
    }
}
