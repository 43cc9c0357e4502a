//! Linear-light colours and their way to bytes.

/// Red, green and blue in linear light, 0..1.
pub(super) type Rgb = [f32; 3];

/// The linear colour of three sRGB bytes.
pub(super) fn srgb(bytes: [u8; 3]) -> Rgb {
    bytes.map(|byte| {
        let v = f32::from(byte) / 255.0;
        if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
    })
}

pub(super) fn mix(a: Rgb, b: Rgb, t: f32) -> Rgb {
    [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t]
}

pub(super) fn scaled(a: Rgb, factor: f32) -> Rgb {
    a.map(|v| v * factor)
}

pub(super) fn product(a: Rgb, b: Rgb) -> Rgb {
    [a[0] * b[0], a[1] * b[1], a[2] * b[2]]
}

/// The sRGB byte of a linear value.
pub(super) fn to_byte(linear: f32) -> u8 {
    let v = linear.clamp(0.0, 1.0);
    let encoded = if v <= 0.003_130_8 { 12.92 * v } else { 1.055 * v.powf(1.0 / 2.4) - 0.055 };
    (255.0 * encoded + 0.5) as u8
}

/// A colour on a line through `stops`, `at` in 0..1.
pub(super) fn along(stops: &[[u8; 3]], at: f32) -> Rgb {
    let at = at.clamp(0.0, 1.0) * (stops.len() - 1) as f32;
    let k = (at as usize).min(stops.len() - 2);
    mix(srgb(stops[k]), srgb(stops[k + 1]), at - k as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_survive_the_way_to_linear_and_back() {
        for byte in 0..=255u8 {
            assert_eq!(to_byte(srgb([byte; 3])[0]), byte);
        }
    }
}
