//! How the head is turned, and how the crop follows it.

use super::dice::Dice;
use crate::ImageError;
use crate::align::{ARCFACE_112, Point, Similarity};

/// Orientation of the head and distance of the camera.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pose {
    yaw: [f32; 2],
    pitch: [f32; 2],
    /// Distance of the camera in units of the face.
    distance: f32,
    /// What the landmark detector got wrong, in pixels of the crop of 112.
    slips: [[f32; 2]; 5],
}

impl Pose {
    pub(super) fn draw(dice: &mut Dice<'_>) -> Self {
        let yaw = dice.normal(0.0, 0.21);
        let pitch = dice.normal(0.02, 0.12);
        Self {
            yaw: [yaw.cos(), yaw.sin()],
            pitch: [pitch.cos(), pitch.sin()],
            distance: dice.range(330.0, 900.0),
            slips: [(); 5].map(|()| [dice.normal(0.0, 0.7), dice.normal(0.0, 0.7)]),
        }
    }

    /// A direction of the head as the camera sees it.
    pub(super) fn turned(&self, [x, y, z]: [f32; 3]) -> [f32; 3] {
        let ([cy, sy], [cp, sp]) = (self.yaw, self.pitch);
        let deep = cy * z - sy * x;
        [cy * x + sy * z, cp * y - sp * deep, sp * y + cp * deep]
    }

    /// The inverse of [`turned`](Self::turned).
    pub(super) fn turned_back(&self, [x, y, z]: [f32; 3]) -> [f32; 3] {
        let ([cy, sy], [cp, sp]) = (self.yaw, self.pitch);
        let (high, deep) = (cp * y + sp * z, cp * z - sp * y);
        [cy * x - sy * deep, high, sy * x + cy * deep]
    }

    /// Where a point of the head appears.
    pub(super) fn project(&self, point: [f32; 3]) -> [f32; 2] {
        let [x, y, z] = self.turned(point);
        let scale = self.distance / (self.distance - z);
        [x * scale, y * scale]
    }

    /// The point of the surface `height` that appears at `seen`, searched from height `guess`;
    /// returns its place and its height.
    pub(super) fn find(
        &self,
        seen: [f32; 2],
        guess: f32,
        height: impl Fn(f32, f32) -> f32,
    ) -> ([f32; 2], f32) {
        let ([cy, sy], [cp, sp]) = (self.yaw, self.pitch);
        let mut z = guess;
        let mut place = seen;
        let mut y = seen[1];
        for _ in 0..2 {
            let deep = sp * y + cp * (cy * z - sy * place[0]);
            let shrink = 1.0 - deep / self.distance;
            let x = (seen[0] * shrink - sy * z) / cy;
            y = (seen[1] * shrink + sp * (cy * z - sy * x)) / cp;
            place = [x, y];
            z = height(x, y);
        }
        (place, z)
    }

    /// The transform from pixels of an aligned crop of `size` to the plane of projection, as an
    /// aligner would choose it that finds `landmarks` (eyes, nose, corners of the mouth).
    pub(super) fn align(
        &self,
        landmarks: &[[f32; 3]; 5],
        size: usize,
    ) -> Result<Similarity, ImageError> {
        let scale = size as f64 / 112.0;
        let target = ARCFACE_112.map(|p| p.map(|v| (v + 0.5) * scale - 0.5));
        let unit = 35.2 / (ARCFACE_112[1][0] - ARCFACE_112[0][0]);
        let found: [Point; 5] = std::array::from_fn(|i| {
            let [x, y] = self.project(landmarks[i]);
            let [dx, dy] = self.slips[i].map(|slip| f64::from(slip) * unit);
            [f64::from(x) + dx, f64::from(y) + dy]
        });
        Ok(Similarity::estimate(&found, &target)?.inverse())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::stream;

    #[test]
    fn what_is_projected_is_found_again() {
        for index in 0..50 {
            let pose = Pose::draw(&mut Dice(&mut stream(1, "pose", index)));
            let height = |x: f32, y: f32| 40.0 - 0.01 * (x * x + y * y);
            for (x, y) in [(0.0f32, 20.0f32), (-18.0, 0.0), (15.0, 40.0)] {
                let seen = pose.project([x, y, height(x, y)]);
                let (_, near) = pose.find(seen, 30.0, height);
                let (found, _) = pose.find(seen, near, height);
                assert!((found[0] - x).hypot(found[1] - y) < 0.6, "{found:?} {x} {y}");
            }
            let v = [0.3, -0.5, 0.8];
            let back = pose.turned_back(pose.turned(v));
            assert!(back.iter().zip(v).all(|(a, b)| (a - b).abs() < 1e-5));
        }
    }
}
