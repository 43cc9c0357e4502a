//! Convolution of pictures with small kernels, edges mirrored.

use crate::Picture;
use crate::resize::to_byte;

/// Convolves rows with `across` and columns with `down`, both of odd length, and rounds once.
///
/// Beyond the edge the picture is mirrored about the edge pixel (`dcb|abcd|cba`), the default of
/// OpenCV's and torchvision's blurs.
pub(crate) fn separable(picture: &mut Picture, across: &[f32], down: &[f32]) {
    let (width, height) = (picture.width(), picture.height());
    let mut between = vec![0.0f32; width * height * 3];
    let half = down.len() / 2;
    for (y, row) in between.chunks_exact_mut(width * 3).enumerate() {
        for (k, &weight) in down.iter().enumerate() {
            let source = picture.row(mirror(y as isize + k as isize - half as isize, height));
            for (sum, &value) in row.iter_mut().zip(source) {
                *sum += weight * f32::from(value);
            }
        }
    }
    let half = across.len() / 2;
    let mut sums = vec![0.0f32; width * 3];
    for (row, target) in
        between.chunks_exact(width * 3).zip(picture.as_bytes_mut().chunks_exact_mut(width * 3))
    {
        sums.fill(0.0);
        for (k, &weight) in across.iter().enumerate() {
            let shift = k as isize - half as isize;
            let edge = shift.unsigned_abs().min(width);
            let (start, end) = if shift < 0 { (edge, width) } else { (0, width - edge) };
            for x in (0..start).chain(end..width) {
                let at = mirror(x as isize + shift, width);
                for c in 0..3 {
                    sums[x * 3 + c] += weight * row[at * 3 + c];
                }
            }
            if start < end {
                let from = ((start as isize + shift) * 3) as usize;
                for (sum, value) in sums[start * 3..end * 3].iter_mut().zip(&row[from..]) {
                    *sum += weight * value;
                }
            }
        }
        for (byte, &sum) in target.iter_mut().zip(&sums) {
            *byte = to_byte(sum);
        }
    }
}

/// Adds up shifted copies of the picture: `(right, down, weight)`, weights summing to 1.
pub(super) fn sparse(picture: &mut Picture, taps: &[(isize, isize, f32)]) {
    let source = picture.clone();
    let (width, height) = (source.width(), source.height());
    let mut sums = vec![0.0f32; width * 3];
    for (y, target) in picture.as_bytes_mut().chunks_exact_mut(width * 3).enumerate() {
        sums.fill(0.0);
        for &(right, down, weight) in taps {
            let row = source.row(mirror(y as isize + down, height));
            for x in 0..width {
                let at = mirror(x as isize + right, width);
                for c in 0..3 {
                    sums[x * 3 + c] += weight * f32::from(row[at * 3 + c]);
                }
            }
        }
        for (byte, &sum) in target.iter_mut().zip(&sums) {
            *byte = to_byte(sum);
        }
    }
}

/// The Gaussian of deviation `sigma` in pixels, of `taps` values or of radius three sigma; a single
/// one where nothing is blurred.
pub(crate) fn gaussian(sigma: f64, taps: Option<usize>) -> Vec<f32> {
    let radius = taps.map_or((3.0 * sigma).round() as usize, |taps| taps / 2);
    if sigma < 1e-3 || radius == 0 {
        return vec![1.0];
    }
    let height = |k: usize| (-0.5 * ((k as f64 - radius as f64) / sigma).powi(2)).exp();
    let sum: f64 = (0..=2 * radius).map(height).sum();
    (0..=2 * radius).map(|k| (height(k) / sum) as f32).collect()
}

/// The position inside `0..length` that `at` shows when the picture is mirrored for ever.
fn mirror(at: isize, length: usize) -> usize {
    if length == 1 {
        return 0;
    }
    let period = 2 * (length as isize - 1);
    let at = at.rem_euclid(period);
    at.min(period - at) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_beyond_the_edge_are_mirrored() {
        let seen: Vec<usize> = (-4..8).map(|at| mirror(at, 3)).collect();
        assert_eq!(seen, [0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2, 1]);
        assert_eq!(mirror(-9, 1), 0);
    }

    #[test]
    fn both_convolutions_agree() {
        let data = (0..9 * 4 * 3).map(|i| (i * 71 % 256) as u8).collect();
        let picture = Picture::from_rgb(9, 4, data).unwrap();
        let kernel = [0.05, 0.2, 0.5, 0.2, 0.05];
        let mut one = picture.clone();
        separable(&mut one, &kernel, &[1.0]);
        let mut other = picture;
        let taps: Vec<_> =
            kernel.iter().enumerate().map(|(k, &w)| (k as isize - 2, 0, w)).collect();
        sparse(&mut other, &taps);
        for (a, b) in one.as_bytes().iter().zip(other.as_bytes()) {
            assert!(a.abs_diff(*b) <= 1);
        }
    }

    #[test]
    fn the_kernel_has_unit_sum_and_the_stated_width() {
        let kernel = gaussian(1.5, None);
        assert_eq!(kernel.len(), 11);
        assert!((kernel.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        // torchvision's GaussianBlur(5, 1.0), quoted from its documentation's formula.
        let five = gaussian(1.0, Some(5));
        let expected = [0.054_488_685, 0.244_201_35, 0.402_619_96, 0.244_201_35, 0.054_488_685];
        assert!(five.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{five:?}");
        assert_eq!(gaussian(0.0, Some(5)), [1.0]);
    }
}
