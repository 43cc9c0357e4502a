//! A person and the circumstances to a picture.

use super::colour::{Rgb, mix};
use super::glasses::Glasses;
use super::identity::Identity;
use super::light::normalised;
use super::relief::Relief;
use super::shot::{Eyewear, Shot};
use super::surface::{Place, Surface};
use super::texture::{length, ramp};
use crate::{ImageError, Picture};

/// Draws `identity` under the circumstances of `shot` as an aligned crop of `size` x `size`
/// pixels: the landmarks lie where ArcFace's template wants them, as well as five noisy landmarks
/// of a turned head can. The same arguments give the same bytes.
///
/// # Errors
/// [`ImageError::Size`] for a size outside 8..=1024.
pub fn render(identity: &Identity, shot: &Shot, size: usize) -> Result<Picture, ImageError> {
    if !(8..=1024).contains(&size) {
        let (what, expected) = ("drawn face", "the side must lie within 8..=1024");
        return Err(ImageError::Size { what, width: size, height: size, expected });
    }
    let scene = Scene::new(identity, shot);
    let back = shot.pose.align(&scene.landmarks(), size)?;
    let pixel = length(back.a as f32, back.b as f32);
    let mut light = Vec::with_capacity(size * size);
    // What was found for one pixel is a good guess for its neighbour.
    let mut start = ([f32::NAN; 2], 20.0);
    for row in 0..size {
        let ([mut before, _], mut height) = start;
        for column in 0..size {
            let seen = back.apply([column as f64, row as f64]).map(|v| v as f32);
            let found = shot.pose.find(seen, height, |x, y| scene.relief.depth(x, y));
            let ([x, y], z) = found;
            if column == 0 {
                (start, before) = (found, x);
            }
            // Where the head turns away a pixel sees more of it.
            let at = Place { x, y, pixel: (x - before).abs().clamp(pixel, 4.0 * pixel) };
            (before, height) = (x, z);
            let behind = || {
                let side = size as f32;
                shot.background.at(column as f32 / side, row as f32 / side)
            };
            light.push(scene.light(&at, behind));
        }
    }
    shot.camera.develop(&light, size)
}

/// The parts of a picture that do not depend on the pixel.
struct Scene<'a> {
    identity: &'a Identity,
    shot: &'a Shot,
    relief: Relief,
    glasses: Option<&'a Glasses>,
    /// Where the lamp is mirrored in the eyes.
    glint: [f32; 2],
}

impl<'a> Scene<'a> {
    fn new(identity: &'a Identity, shot: &'a Shot) -> Self {
        let Identity { head, eyes, nose, mouth, .. } = identity;
        let face = &shot.expression;
        let mut relief = Relief::new(head, |add| {
            head.bumps(eyes.apart, mouth.level, add);
            nose.bumps(add);
            mouth.bumps(face, add);
            face.bumps(eyes.apart, add);
        });
        relief.cast_shadows(shot.pose.turned_back(shot.light.towards));
        let glasses = match &shot.eyewear {
            Eyewear::Usual => identity.glasses.as_ref(),
            Eyewear::None => None,
            Eyewear::Other(other) => Some(other),
        };
        let [x, y, _] = shot.light.towards;
        Self { identity, shot, relief, glasses, glint: [1.6 * x, 1.6 * y - 0.3] }
    }

    fn landmarks(&self) -> [[f32; 3]; 5] {
        let Identity { eyes, nose, mouth, .. } = self.identity;
        let [x, y] = mouth.corner(&self.shot.expression);
        [[-eyes.apart, 0.0], [eyes.apart, 0.0], [0.0, nose.tip], [-x, y], [x, y]]
            .map(|[x, y]| [x, y, self.relief.depth(x, y)])
    }

    /// Light from one place towards the camera.
    fn light(&self, at: &Place, behind: impl Fn() -> Rgb) -> Rgb {
        let Self { identity, shot, .. } = self;
        let head = &identity.head;
        let node = self.relief.at(at.x, at.y);
        let edge = node.edge;
        let seen = |surface: &Surface| {
            let slope = surface.relief;
            let n = normalised([-node.slope_x * slope, -node.slope_y * slope, 1.0]);
            let lit = 1.0 + (node.lit - 1.0) * slope;
            shot.light.shade(surface, shot.pose.turned(n), node.open, lit)
        };
        let mut colour = [0.0; 3];
        let skull = at.inside(edge);
        if skull < 1.0 {
            colour = behind();
            let hanging = identity.hair.behind(at, head, &shot.grooming);
            if hanging > 0.0 {
                let mut hair = identity.hair.material(at);
                hair.exposed *= 0.62;
                hair.relief = 0.3;
                colour = mix(colour, seen(&hair), hanging);
            }
            let (part, flesh) = identity.body.paint(at, head, identity.skin.colour);
            if part > 0.0 {
                colour = mix(colour, seen(&flesh), part);
            }
        }
        let (hair, hair_shade) = identity.hair.front(at, head, &shot.grooming, edge);
        let mut surface = Surface { albedo: [0.0; 3], gloss: 0.0, relief: 1.0, exposed: 1.0 };
        if skull > 0.0 && hair < 1.0 {
            surface = self.face(at, edge);
            surface.shade(hair_shade);
        }
        let mut covered = skull;
        if hair > 0.0 {
            surface
                .cover(identity.hair.material(at), hair / (hair + skull * (1.0 - hair)).max(1e-3));
            covered = covered.max(hair);
        }
        if let Some(glasses) = self.glasses {
            glasses.paint(at, identity.eyes.apart, head, shot.glare, &mut surface);
        }
        if let Some(hat) = &shot.hat {
            covered = covered.max(hat.paint(at, head, edge, &mut surface));
        }
        if covered > 0.0 { mix(colour, seen(&surface), covered) } else { colour }
    }

    /// Skin and features, without hair of the head.
    fn face(&self, at: &Place, edge: f32) -> Surface {
        let Identity { head, skin, eyes, brows, nose, mouth, beard, .. } = self.identity;
        let face = &self.shot.expression;
        let mut surface = skin.surface(at, eyes.apart, face.smile);
        // The outline turns away from the viewer.
        surface.shade(0.35 * ramp(5.0, 0.0, edge));
        nose.paint(at, skin.colour, &mut surface);
        beard.paint(at, head, nose.tip, mouth.corner(face), self.shot.growth, &mut surface);
        mouth.paint(at, face, &mut surface);
        eyes.paint(at, face, self.glint, skin.colour, &mut surface);
        brows.paint(at, eyes.apart, face, &mut surface);
        surface
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::align::ARCFACE_112;
    use crate::random::stream;

    fn drawn(person: u64, shot: u64) -> (Identity, Shot) {
        let identity = Identity::draw(&mut stream(3, "identity", person));
        (identity, Shot::draw(&mut stream(3, "shot", person * 100 + shot)))
    }

    #[test]
    fn the_same_draws_give_the_same_bytes() {
        let (identity, shot) = drawn(1, 1);
        let (again, same) = drawn(1, 1);
        let picture = render(&identity, &shot, 48).unwrap();
        assert_eq!(picture, render(&again, &same, 48).unwrap());
        assert_ne!(picture, render(&identity, &drawn(1, 2).1, 48).unwrap());
        assert_ne!(picture, render(&drawn(2, 0).0, &shot, 48).unwrap());
        assert!(render(&identity, &shot, 7).is_err() && render(&identity, &shot, 5000).is_err());
    }

    #[test]
    fn landmarks_lie_near_the_template() {
        let mut errors = Vec::new();
        for person in 0..60 {
            let (identity, shot) = drawn(person, 0);
            let landmarks = Scene::new(&identity, &shot).landmarks();
            let to_crop = shot.pose.align(&landmarks, 112).unwrap().inverse();
            for (landmark, template) in landmarks.into_iter().zip(ARCFACE_112) {
                let [x, y] = to_crop.apply(shot.pose.project(landmark).map(f64::from));
                errors.push((x - template[0]).hypot(y - template[1]));
            }
        }
        let mean = errors.iter().sum::<f64>() / errors.len() as f64;
        assert!(mean < 3.0, "{mean}");
        assert!(errors.iter().all(|&error| error < 16.0), "{errors:?}");
    }

    #[test]
    fn a_person_is_recognisable_at_sixteen_pixels_but_not_by_pixels_alone() {
        const PEOPLE: u64 = 40;
        const SHOTS: u64 = 3;
        let mut faces = Vec::new();
        for person in 0..PEOPLE {
            for shot in 0..SHOTS {
                let (identity, shot) = drawn(person, shot);
                let small = render(&identity, &shot, 16).unwrap();
                let values: Vec<f32> = small.as_bytes().iter().map(|&b| f32::from(b)).collect();
                let mean = values.iter().sum::<f32>() / values.len() as f32;
                let centred: Vec<f32> = values.iter().map(|v| v - mean).collect();
                let norm = centred.iter().map(|v| v * v).sum::<f32>().sqrt();
                faces.push((person, centred.iter().map(|v| v / norm).collect::<Vec<_>>()));
            }
        }
        let (mut same, mut other) = (Vec::new(), Vec::new());
        for (i, (a, x)) in faces.iter().enumerate() {
            for (b, y) in &faces[..i] {
                let cosine: f32 = x.iter().zip(y).map(|(x, y)| x * y).sum();
                if a == b { same.push(cosine) } else { other.push(cosine) }
            }
        }
        let wins: usize = same.iter().map(|s| other.iter().filter(|o| *o < s).count()).sum();
        let auc = wins as f64 / (same.len() * other.len()) as f64;
        assert!((0.65..0.97).contains(&auc), "area under the curve of raw pixels: {auc}");
    }
}
