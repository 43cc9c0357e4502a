//! Convolution of pictures with small kernels, edges mirrored.

use crate::Picture;
use crate::resize::to_byte;

/// Convolves rows with `across` and columns with `down`, both of odd length, and rounds once.
///
/// Beyond the edge the picture is mirrored about the edge pixel (`dcb|abcd|cba`), the default of
/// OpenCV's and torchvision's blurs.
pub(super) fn separable(picture: &mut Picture, across: &[f32], down: &[f32]) {
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
}
