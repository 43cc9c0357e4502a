//! Turned rectangles resampled by area.
//!
//! A rotation by a small angle is a shear along the columns followed by one along the rows
//! (Catmull & Smith 1980). Each pass is a mean over an interval of one column or row, and means
//! over intervals are differences of running sums; the cost therefore hardly depends on how much
//! the picture is reduced. Where it is enlarged the interval stays one source pixel long, which is
//! linear interpolation.

use super::geometry::Frame;
use crate::{Border, Picture};

/// Resamples `frame` of `picture` into three planes of `out_width` x `out_height`, 0..255. The
/// frame's angle must stay well below 90 degrees. `sums` is scratch memory.
pub(super) fn area(
    picture: &Picture,
    frame: &Frame,
    (out_width, out_height): (usize, usize),
    border: Border,
    sums: &mut Vec<f32>,
    planes: &mut [f32],
) {
    let (sin, cos) = frame.angle.to_radians().sin_cos();
    let tan = sin / cos;
    let (step_x, step_y) = (frame.width / out_width as f64, frame.height / out_height as f64);

    // Only the columns and rows within the turned rectangle matter, but at least one of each.
    let reach = |middle: f64, half: f64, length: usize| {
        let first = (middle - half - 2.0).clamp(0.0, (length - 1) as f64) as usize;
        let last = (middle + half + 2.0).clamp(0.0, length as f64) as usize;
        (first, last.max(first + 1))
    };
    let half_x = 0.5 * (frame.width * cos + frame.height * sin.abs());
    let half_y = 0.5 * (frame.height * cos + frame.width * sin.abs());
    let (left, right) = reach(frame.x, half_x, picture.width());
    let (top, bottom) = reach(frame.y, half_y, picture.height());
    let stride = (right - left) * 3;
    let rows = bottom - top;

    sums.clear();
    sums.resize((rows + 1) * stride + 3 * stride + 3, 0.0);
    let (columns, lines) = sums.split_at_mut((rows + 1) * stride);
    let (low, lines) = lines.split_at_mut(stride);
    let (high, running) = lines.split_at_mut(stride);
    for y in 0..rows {
        let (above, below) = columns.split_at_mut((y + 1) * stride);
        let source = &picture.row(top + y)[left * 3..right * 3];
        for ((sum, before), &value) in below.iter_mut().zip(&above[y * stride..]).zip(source) {
            *sum = before + f32::from(value);
        }
    }

    let down = Bounds::new(step_y / cos);
    let across = Bounds::new(step_x * cos);
    let area = out_width * out_height;
    for j in 0..out_height {
        // Along the column through x, row j lies at y0 + tan (x - frame.x).
        let from_middle = j as f64 + 0.5 - 0.5 * out_height as f64;
        let y0 = frame.y + from_middle * step_y / cos - top as f64;
        let at_left = y0 + tan * (left as f64 + 0.5 - frame.x);
        for (line, offset) in [(&mut *low, -down.half), (&mut *high, down.half)] {
            for (x, sum) in line.chunks_exact_mut(3).enumerate() {
                let at = (at_left + tan * x as f64 + offset) as f32;
                integral(&columns[x * 3..], stride, rows, at, border, sum);
            }
        }
        for x in 0..stride {
            let mean = (high[x] - low[x]) * down.factor;
            running[x + 3] = running[x] + mean;
        }
        // Along this row, output i lies at x0 + i step_x cos.
        let x0 = frame.x - from_middle * step_y * sin - left as f64;
        for i in 0..out_width {
            let at = x0 + (i as f64 + 0.5 - 0.5 * out_width as f64) * step_x * cos;
            let (mut before, mut after) = ([0.0; 3], [0.0; 3]);
            integral(running, 3, stride / 3, (at - across.half) as f32, border, &mut before);
            integral(running, 3, stride / 3, (at + across.half) as f32, border, &mut after);
            for c in 0..3 {
                planes[c * area + j * out_width + i] = (after[c] - before[c]) * across.factor;
            }
        }
    }
}

/// Half the length of the interval that is averaged, and one through its length.
struct Bounds {
    half: f64,
    factor: f32,
}

impl Bounds {
    fn new(step: f64) -> Self {
        let length = step.max(1.0);
        Self { half: 0.5 * length, factor: (1.0 / length) as f32 }
    }
}

/// The integral from 0 to `at` of a sequence whose running sums are given, three channels every
/// `stride` values.
fn integral(
    sums: &[f32],
    stride: usize,
    length: usize,
    at: f32,
    border: Border,
    result: &mut [f32],
) {
    let inside = at.clamp(0.0, length as f32);
    let k = (inside as usize).min(length - 1);
    let part = match border {
        Border::Replicate => at - k as f32,
        Border::Zero => inside - k as f32,
    };
    let (here, next) = (&sums[k * stride..k * stride + 3], &sums[(k + 1) * stride..][..3]);
    for c in 0..3 {
        result[c] = here[c] + part * (next[c] - here[c]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(angle: f64) -> Frame {
        Frame { x: 24.0, y: 24.0, width: 40.0, height: 40.0, angle }
    }

    fn warped(picture: &Picture, frame: &Frame, side: usize) -> Vec<f32> {
        let mut planes = vec![0.0; 3 * side * side];
        area(picture, frame, (side, side), Border::Replicate, &mut Vec::new(), &mut planes);
        planes
    }

    #[test]
    fn a_constant_stays_constant_at_any_angle_and_place() {
        let picture = Picture::filled(48, 48, [200, 100, 7]).unwrap();
        for angle in [-40.0, -3.0, 0.0, 11.0, 50.0] {
            for (x, y) in [(24.0, 24.0), (-5.0, 60.0)] {
                for side in [5, 16, 70] {
                    let planes = warped(&picture, &Frame { x, y, ..frame(angle) }, side);
                    for (plane, level) in planes.chunks(side * side).zip([200.0, 100.0, 7.0]) {
                        assert!(plane.iter().all(|v| (v - level).abs() < 0.02));
                    }
                }
            }
        }
    }

    #[test]
    fn a_plane_of_grey_is_shown_where_it_should_be() {
        // Values rise by 2 a pixel to the right and by 3 downwards: the mean over any symmetric
        // area is the value at its middle, but for the steps between pixels. So the position of
        // every output is checked.
        let data = (0..48 * 48).flat_map(|i| [(i % 48 * 2 + i / 48 * 3) as u8; 3]).collect();
        let picture = Picture::from_rgb(48, 48, data).unwrap();
        let side = 8;
        let turned = Frame { width: 24.0, height: 24.0, ..frame(17.0) };
        let planes = warped(&picture, &turned, side);
        let (sin, cos) = 17f64.to_radians().sin_cos();
        for (i, &value) in planes[..side * side].iter().enumerate() {
            let u = ((i % side) as f64 + 0.5 - 4.0) * 3.0;
            let v = ((i / side) as f64 + 0.5 - 4.0) * 3.0;
            let (x, y) = (24.0 + u * cos - v * sin, 24.0 + u * sin + v * cos);
            let expected = 2.0 * (x - 0.5) + 3.0 * (y - 0.5);
            assert!((f64::from(value) - expected).abs() < 0.2, "{i}: {} {expected}", value);
        }
    }
}
