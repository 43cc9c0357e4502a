//! The names of the resampling kernels, and what each means.

use core::f64::consts::PI;
use core::fmt;

use serde::{Deserialize, Serialize};

/// How a picture is brought to another size.
///
/// Libraries call quite different things "bicubic"; each of these kernels is one library's rule.
/// "Antialiased" kernels widen with the reduction, "point" kernels look at a fixed number of
/// source pixels however strong the reduction is (and therefore alias).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Kernel {
    /// Mean over the covered area, partly covered pixels counted by their part: OpenCV
    /// `INTER_AREA` (which falls back to another rule where one side shrinks and the other grows).
    #[default]
    Area,
    /// Mean over every pixel touched, all counted alike: PyTorch `area`, adaptive average pooling.
    /// The same as [`Area`](Self::Area) where the sides divide.
    AdaptiveArea,
    /// Antialiased box: Pillow `BOX`.
    Box,
    /// Antialiased triangle: Pillow `BILINEAR`, PyTorch `bilinear` with `antialias`.
    Bilinear,
    /// Antialiased Hamming window: Pillow `HAMMING`.
    Hamming,
    /// Antialiased cubic, a = -0.5: Pillow `BICUBIC`, PyTorch `bicubic` with `antialias`.
    Bicubic,
    /// Antialiased Lanczos with three lobes: Pillow `LANCZOS`.
    Lanczos,
    /// The pixel under the centre: Pillow `NEAREST`.
    Nearest,
    /// The pixel under the top left corner: PyTorch `nearest`, OpenCV `INTER_NEAREST`. Computed in
    /// whole numbers; the libraries' floating-point steps miss by a pixel at a few sizes.
    NearestFloor,
    /// Two source pixels a side: OpenCV `INTER_LINEAR`, PyTorch `bilinear`.
    BilinearPoint,
    /// Four source pixels a side, a = -0.75: OpenCV `INTER_CUBIC`, PyTorch `bicubic`.
    BicubicPoint,
    /// Eight source pixels a side: OpenCV `INTER_LANCZOS4`.
    Lanczos4Point,
    /// As [`BilinearPoint`](Self::BilinearPoint) with the corner pixels' centres kept in place:
    /// PyTorch `bilinear` with `align_corners`.
    BilinearCorners,
    /// As [`BicubicPoint`](Self::BicubicPoint) with the corner pixels' centres kept in place.
    BicubicCorners,
}

impl Kernel {
    /// Every kernel.
    pub const ALL: [Kernel; 14] = [
        Kernel::Area,
        Kernel::AdaptiveArea,
        Kernel::Box,
        Kernel::Bilinear,
        Kernel::Hamming,
        Kernel::Bicubic,
        Kernel::Lanczos,
        Kernel::Nearest,
        Kernel::NearestFloor,
        Kernel::BilinearPoint,
        Kernel::BicubicPoint,
        Kernel::Lanczos4Point,
        Kernel::BilinearCorners,
        Kernel::BicubicCorners,
    ];

    /// The name that settings use.
    pub fn name(self) -> &'static str {
        match self {
            Kernel::Area => "area",
            Kernel::AdaptiveArea => "adaptive-area",
            Kernel::Box => "box",
            Kernel::Bilinear => "bilinear",
            Kernel::Hamming => "hamming",
            Kernel::Bicubic => "bicubic",
            Kernel::Lanczos => "lanczos",
            Kernel::Nearest => "nearest",
            Kernel::NearestFloor => "nearest-floor",
            Kernel::BilinearPoint => "bilinear-point",
            Kernel::BicubicPoint => "bicubic-point",
            Kernel::Lanczos4Point => "lanczos4-point",
            Kernel::BilinearCorners => "bilinear-corners",
            Kernel::BicubicCorners => "bicubic-corners",
        }
    }

    /// The widening window of an antialiased kernel; `None` for the others.
    pub fn window(self) -> Option<Window> {
        match self {
            Kernel::Box => Some((0.5, box_window)),
            Kernel::Bilinear => Some((1.0, triangle)),
            Kernel::Hamming => Some((1.0, hamming)),
            Kernel::Bicubic => Some((2.0, |x| cubic(x, -0.5))),
            Kernel::Lanczos => Some((3.0, |x| lanczos(x, 3.0))),
            _ => None,
        }
    }
}

/// Radius in source pixels at scale 1, and height at a distance from the centre.
pub type Window = (f64, fn(f64) -> f64);

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Keys' cubic convolution with parameter `a`.
pub(crate) fn cubic(x: f64, a: f64) -> f64 {
    let x = x.abs();
    if x < 1.0 {
        ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * a
    } else {
        0.0
    }
}

/// `sinc(x) sinc(x / lobes)` inside `-lobes..lobes`.
pub(crate) fn lanczos(x: f64, lobes: f64) -> f64 {
    if -lobes <= x && x < lobes { sinc(x) * sinc(x / lobes) } else { 0.0 }
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 {
        return 1.0;
    }
    let x = x * PI;
    libm::sin(x) / x
}

fn box_window(x: f64) -> f64 {
    if x > -0.5 && x <= 0.5 { 1.0 } else { 0.0 }
}

fn triangle(x: f64) -> f64 {
    (1.0 - x.abs()).max(0.0)
}

fn hamming(x: f64) -> f64 {
    let x = x.abs();
    if x == 0.0 {
        1.0
    } else if x >= 1.0 {
        0.0
    } else {
        let x = x * PI;
        libm::sin(x) / x * (0.54 + 0.46 * libm::cos(x))
    }
}

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;

    #[test]
    fn names_are_the_serialised_names() {
        for kernel in Kernel::ALL {
            let json = serde_json::to_string(&kernel).unwrap();
            assert_eq!(json, format!("\"{kernel}\""));
            assert_eq!(serde_json::from_str::<Kernel>(&json).unwrap(), kernel);
        }
    }
}
