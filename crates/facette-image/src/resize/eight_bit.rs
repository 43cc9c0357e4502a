//! Pictures of bytes to pictures of bytes.

use facette_resize::{Axis, Border, Interval, Kernel, resample};

use super::to_byte;
use crate::{ImageError, Picture};

/// The picture at `width` x `height`; the ratio of the sides may change.
///
/// Box, bilinear, Hamming, bicubic and Lanczos give the same bytes as Pillow's
/// `Image.resize((width, height), ...)`; the arithmetic of the others is described at the top of
/// the module.
///
/// # Errors
/// [`ImageError::Size`] for a side of zero, or for more pixels than the machine can address.
///
/// ```
/// use facette_image::{Kernel, Picture, resize};
/// let picture = Picture::from_rgb(2, 1, vec![10, 20, 30, 30, 40, 50]).unwrap();
/// let mean = resize(&picture, 1, 1, Kernel::Area).unwrap();
/// assert_eq!(mean.pixel(0, 0), [20, 30, 40]);
/// ```
pub fn resize(
    picture: &Picture,
    width: usize,
    height: usize,
    kernel: Kernel,
) -> Result<Picture, ImageError> {
    let mut target = Picture::filled(width, height, [0; 3])?;
    if (width, height) == (picture.width(), picture.height()) {
        return Ok(picture.clone());
    }
    let (mut xs, mut ys) = (Axis::default(), Axis::default());
    let axes = [(&mut xs, picture.width(), width), (&mut ys, picture.height(), height)];
    for (axis, length, outputs) in axes {
        axis.fill(kernel, length, Interval::whole(length), outputs, Border::Replicate);
    }
    if kernel.window().is_some() {
        let mut between = vec![0; width * picture.height() * 3];
        horizontal(picture, &xs, &mut between);
        vertical(&between, &ys, width * 3, target.as_bytes_mut());
    } else {
        let mut planes = vec![0.0; width * height * 3];
        resample::<u8, 3>(
            picture.as_bytes(),
            picture.width(),
            &xs,
            &ys,
            &mut Vec::new(),
            &mut planes,
        );
        let area = width * height;
        for (i, pixel) in target.as_bytes_mut().chunks_exact_mut(3).enumerate() {
            for (c, byte) in pixel.iter_mut().enumerate() {
                *byte = to_byte(planes[c * area + i]);
            }
        }
    }
    Ok(target)
}

/// Fractional bits of a weight: what 32 bits leave beside an 8-bit sample and two bits of overshoot.
const PRECISION: u32 = 32 - 8 - 2;

fn fixed(weights: &[f64], fixed: &mut Vec<i64>) {
    fixed.clear();
    fixed.extend(weights.iter().map(|weight| {
        let scaled = weight * f64::from(1u32 << PRECISION);
        (if scaled < 0.0 { scaled - 0.5 } else { scaled + 0.5 }) as i64
    }));
}

fn clip(sum: i64) -> u8 {
    (sum >> PRECISION).clamp(0, 255) as u8
}

fn horizontal(picture: &Picture, xs: &Axis, target: &mut [u8]) {
    let (width, out_width) = (picture.width(), xs.len());
    let mut weights = Vec::new();
    for x in 0..out_width {
        let (first, taps) = xs.taps(x);
        fixed(taps, &mut weights);
        for y in 0..picture.height() {
            let mut sum = [1i64 << (PRECISION - 1); 3];
            let start = (y * width + first) * 3;
            let pixels = picture.as_bytes()[start..].chunks_exact(3);
            for (pixel, &weight) in pixels.zip(&weights) {
                for c in 0..3 {
                    sum[c] += weight * i64::from(pixel[c]);
                }
            }
            let at = (y * out_width + x) * 3;
            target[at..at + 3].copy_from_slice(&sum.map(clip));
        }
    }
}

fn vertical(source: &[u8], ys: &Axis, stride: usize, target: &mut [u8]) {
    let mut weights = Vec::new();
    let mut sums = vec![0i64; stride];
    for (y, row) in target.chunks_exact_mut(stride).enumerate() {
        let (first, taps) = ys.taps(y);
        fixed(taps, &mut weights);
        sums.fill(1 << (PRECISION - 1));
        for (line, &weight) in source[first * stride..].chunks_exact(stride).zip(&weights) {
            for (sum, &value) in sums.iter_mut().zip(line) {
                *sum += weight * i64::from(value);
            }
        }
        for (byte, &sum) in row.iter_mut().zip(&sums) {
            *byte = clip(sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_constant_stays_constant(
            (width, height) in (1usize..40, 1usize..40),
            (to_width, to_height) in (1usize..40, 1usize..40),
            colour in any::<[u8; 3]>(),
            kernel in proptest::sample::select(Kernel::ALL.to_vec()),
        ) {
            let picture = Picture::filled(width, height, colour).unwrap();
            let resized = resize(&picture, to_width, to_height, kernel).unwrap();
            prop_assert_eq!(resized, Picture::filled(to_width, to_height, colour).unwrap());
        }

        #[test]
        fn resizing_commutes_with_flipping(
            width in 2usize..30,
            // Kernels that keep the corners show the first pixel where there is one output.
            to in 2usize..30,
            bytes in proptest::collection::vec(any::<u8>(), 30 * 3),
            kernel in proptest::sample::select(vec![Kernel::Area, Kernel::AdaptiveArea, Kernel::Bilinear,
                Kernel::Bicubic, Kernel::Lanczos, Kernel::BilinearPoint, Kernel::BicubicPoint,
                Kernel::Lanczos4Point, Kernel::BilinearCorners]),
        ) {
            let picture = Picture::from_rgb(width, 1, bytes[..width * 3].to_vec()).unwrap();
            let there = resize(&picture.flipped(), to, 1, kernel).unwrap().flipped();
            let here = resize(&picture, to, 1, kernel).unwrap();
            for (a, b) in there.as_bytes().iter().zip(here.as_bytes()) {
                prop_assert!(a.abs_diff(*b) <= 1);
            }
        }
    }

    #[test]
    fn sides_of_zero_are_refused() {
        let picture = Picture::filled(3, 3, [1; 3]).unwrap();
        assert!(resize(&picture, 0, 4, Kernel::Area).is_err());
        assert!(resize(&picture, 4, usize::MAX, Kernel::Area).is_err());
    }
}
