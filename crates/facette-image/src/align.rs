//! Aligned face crops from five landmarks.

use crate::{ImageError, Picture};

/// A point in pixels: (0, 0) is the centre of the top left pixel, as landmark detectors count.
pub type Point = [f64; 2];

/// Where the eyes, the nose and the corners of the mouth lie in an aligned crop of 112 x 112
/// (the template of ArcFace's `norm_crop`): left eye, right eye, nose tip, left and right corner,
/// left and right as seen by the onlooker.
pub const ARCFACE_112: [Point; 5] = [
    [38.2946, 51.6963],
    [73.5318, 51.5014],
    [56.0252, 71.7366],
    [41.5493, 92.3655],
    [70.7299, 92.2041],
];

/// The template for another crop size, by ArcFace's rule: multiples of 112 scale it, other sizes
/// scale it as the middle of 128 pixels (shifted right by 8 before scaling).
pub fn template(size: usize) -> [Point; 5] {
    let (base, shift) = if size.is_multiple_of(112) { (112.0, 0.0) } else { (128.0, 8.0) };
    let ratio = size as f64 / base;
    ARCFACE_112.map(|[x, y]| [(x + shift) * ratio, y * ratio])
}

/// A rotation, a uniform scaling and a shift of the plane: `x' = a x - b y + tx`,
/// `y' = b x + a y + ty`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Similarity {
    /// Scale times the cosine of the angle.
    pub a: f64,
    /// Scale times the sine of the angle.
    pub b: f64,
    /// Shift to the right.
    pub tx: f64,
    /// Shift downwards.
    pub ty: f64,
}

impl Similarity {
    /// The transform that brings `from` nearest to `to` in the sense of least squares.
    ///
    /// Umeyama (1991) in the plane, where the optimal rotation has a closed form: with points as
    /// complex numbers about their means, `a + ib = sum(conj(from) to) / sum(|from|^2)`. Mirror
    /// images are never produced, as in Umeyama's method.
    ///
    /// # Errors
    /// [`ImageError::Landmarks`] if a point is not finite or all points coincide.
    pub fn estimate(from: &[Point; 5], to: &[Point; 5]) -> Result<Self, ImageError> {
        let refused =
            |problem| ImageError::Landmarks { points: format!("{from:?} to {to:?}"), problem };
        if from.iter().chain(to).flatten().any(|v| !v.is_finite()) {
            return Err(refused("a coordinate is not a finite number"));
        }
        let mean =
            |points: &[Point; 5], axis: usize| points.iter().map(|p| p[axis]).sum::<f64>() / 5.0;
        let (from_mean, to_mean) = ([mean(from, 0), mean(from, 1)], [mean(to, 0), mean(to, 1)]);
        let (mut real, mut imaginary, mut spread) = (0.0, 0.0, 0.0);
        for (p, q) in from.iter().zip(to) {
            let (px, py) = (p[0] - from_mean[0], p[1] - from_mean[1]);
            let (qx, qy) = (q[0] - to_mean[0], q[1] - to_mean[1]);
            real += px * qx + py * qy;
            imaginary += px * qy - py * qx;
            spread += px * px + py * py;
        }
        let (a, b) = (real / spread, imaginary / spread);
        if !(a.is_finite() && b.is_finite() && a.hypot(b) > 1e-9) {
            return Err(refused("all points lie on one spot"));
        }
        let tx = to_mean[0] - a * from_mean[0] + b * from_mean[1];
        let ty = to_mean[1] - b * from_mean[0] - a * from_mean[1];
        Ok(Self { a, b, tx, ty })
    }

    /// Where `point` goes.
    pub fn apply(&self, [x, y]: Point) -> Point {
        [self.a * x - self.b * y + self.tx, self.b * x + self.a * y + self.ty]
    }

    /// The transform that undoes this one.
    #[must_use]
    pub fn inverse(&self) -> Self {
        let square = self.a * self.a + self.b * self.b;
        let (a, b) = (self.a / square, -self.b / square);
        Self { a, b, tx: b * self.ty - a * self.tx, ty: -b * self.tx - a * self.ty }
    }
}

/// Turns, scales and shifts `picture` so that its `landmarks` come to lie on the ArcFace
/// [`template`] of `size`, and cuts out `size` x `size` pixels; black beyond the picture.
///
/// Bilinear without antialiasing, as `cv2.warpAffine` (whose positions are rounded to 1/32 pixel,
/// so that single pixels differ by a few levels). Students of 16 or 32 pixels take the crop of
/// 112 and let their [`View`](crate::View) reduce it by area: warping a photograph straight to 16
/// pixels aliases.
///
/// # Errors
/// [`ImageError::Landmarks`] for useless landmarks, [`ImageError::Size`] for a size of zero.
pub fn align(
    picture: &Picture,
    landmarks: &[Point; 5],
    size: usize,
) -> Result<Picture, ImageError> {
    let back = Similarity::estimate(landmarks, &template(size))?.inverse();
    let mut crop = Picture::filled(size, size, [0; 3])?;
    for (i, pixel) in crop.as_bytes_mut().chunks_exact_mut(3).enumerate() {
        let at = back.apply([(i % size) as f64, (i / size) as f64]);
        pixel.copy_from_slice(&bilinear(picture, at));
    }
    Ok(crop)
}

fn bilinear(picture: &Picture, [x, y]: Point) -> [u8; 3] {
    let (left, top) = (x.floor(), y.floor());
    let (u, v) = (x - left, y - top);
    let mut sum = [0.0; 3];
    for (dx, dy, weight) in [
        (0.0, 0.0, (1.0 - u) * (1.0 - v)),
        (1.0, 0.0, u * (1.0 - v)),
        (0.0, 1.0, (1.0 - u) * v),
        (1.0, 1.0, u * v),
    ] {
        let (x, y) = (left + dx, top + dy);
        let inside =
            x >= 0.0 && y >= 0.0 && x < picture.width() as f64 && y < picture.height() as f64;
        if inside {
            let pixel = picture.pixel(x as usize, y as usize);
            for (sum, value) in sum.iter_mut().zip(pixel) {
                *sum += weight * f64::from(value);
            }
        }
    }
    sum.map(|value| (value + 0.5) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_transform_is_found_again() {
        let known = Similarity { a: 1.3, b: -0.4, tx: 12.0, ty: -7.5 };
        let found =
            Similarity::estimate(&ARCFACE_112, &ARCFACE_112.map(|p| known.apply(p))).unwrap();
        for (x, y) in
            [(found.a, known.a), (found.b, known.b), (found.tx, known.tx), (found.ty, known.ty)]
        {
            assert!((x - y).abs() < 1e-9, "{found:?}");
        }
        let [x, y] = known.inverse().apply(known.apply([3.0, 4.0]));
        assert!((x - 3.0).abs() < 1e-9 && (y - 4.0).abs() < 1e-9);
    }

    #[test]
    fn useless_landmarks_are_refused() {
        let picture = Picture::filled(20, 20, [5; 3]).unwrap();
        assert!(align(&picture, &[[4.0, 4.0]; 5], 112).is_err());
        assert!(align(&picture, &[[f64::NAN, 4.0]; 5], 112).is_err());
        let mut two = ARCFACE_112;
        two[3] = [f64::INFINITY, 0.0];
        assert!(align(&picture, &two, 112).is_err());
    }

    #[test]
    fn an_aligned_crop_aligns_to_itself() {
        let data = (0..112 * 112 * 3).map(|i| (i * 31 % 255) as u8).collect();
        let picture = Picture::from_rgb(112, 112, data).unwrap();
        assert_eq!(align(&picture, &ARCFACE_112, 112).unwrap(), picture);
        assert_eq!(template(224)[2], ARCFACE_112[2].map(|v| v * 2.0));
        assert_eq!(template(128)[0], [ARCFACE_112[0][0] + 8.0, ARCFACE_112[0][1]]);
    }
}
