//! Chains that papers used, by name.

use serde_json::{Value, json};

use super::{Chain, unknown};
use crate::ImageError;

/// A published degradation with its source.
pub struct Preset {
    /// Name, as in `degrade = "name"` or `"name@size"`.
    pub name: &'static str,
    /// One line for lists.
    pub summary: &'static str,
    /// Where it was read.
    pub source: &'static str,
    /// Side of the reduced picture if none is given; `None` if the preset has no such size.
    pub size: Option<u32>,
    steps: fn(size: u32) -> Value,
}

/// Every published chain.
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "clean-bicubic",
        summary: "antialiased bicubic reduction, nothing else; the student sees the small picture",
        source: "reading of HORKD (Ge et al. 2020) and EKD (2021), which name no kernel",
        size: Some(16),
        steps: |size| json!([{"kind": "resize", "size": size, "kernel": "bicubic"}]),
    },
    Preset {
        name: "a-skd",
        summary: "nearest down and up, then a five-tap blur of sigma 0.1 across and 2.0 down",
        source: "A-SKD, gist-ailab/teaching-where-to-look dataset/casia_webface.py and \
                 utility/noise.py; the pair [0.1, 2.0] there is read as (x, y), not as a range",
        size: Some(28),
        steps: |size| {
            json!([
                {"kind": "down-up", "size": size, "down": "nearest-floor", "up": "nearest-floor"},
                {"kind": "blur", "sigma": 0.1, "sigma_y": 2.0, "taps": 5},
            ])
        },
    },
    Preset {
        name: "adaface",
        summary: "with probability 0.2: to 20..100 % of the side and back, kernels at random",
        source: "AdaFace, mk-minchul/AdaFace dataset/augmenter.py; probability of its run scripts",
        size: None,
        steps: |_| {
            let kernels =
                ["nearest-floor", "bilinear-point", "area", "bicubic-point", "lanczos4-point"];
            json!([{
                "kind": "down-up", "scale": [0.2, 1.0], "down": kernels, "up": kernels,
                "probability": 0.2,
            }])
        },
    },
    Preset {
        name: "rim",
        summary: "bicubic to 128/f pixels and back, f from {2, 4, 4, 8, 8, 8, 8, 8, 8}",
        source: "RIM, HyoKong/Cross-Resolution-Face-Recognition SUPER_RESOLUTION/FHN_loader.py",
        size: None,
        steps: |_| {
            json!([{
                "kind": "down-up", "sizes": [64, 32, 32, 16, 16, 16, 16, 16, 16],
                "down": "bicubic", "up": "bicubic",
            }])
        },
    },
];

/// The chain of `name` or `name@size`.
pub(super) fn chain(name: &str) -> Result<Chain, ImageError> {
    let (bare, size) = match name.split_once('@') {
        None => (name, None),
        Some((bare, size)) => (bare, Some(size)),
    };
    let preset = PRESETS.iter().find(|preset| preset.name == bare).ok_or_else(|| {
        unknown("degradation preset", bare, PRESETS.iter().map(|p| p.name).collect())
    })?;
    let size = match (size, preset.size) {
        (None, default) => default.unwrap_or(0),
        (Some(size), Some(_)) => size.parse().map_err(|_| {
            ImageError::setting(
                name,
                format!("expected a size in pixels after `@`, found `{size}`"),
            )
        })?,
        (Some(_), None) => {
            return Err(ImageError::setting(name, format!("`{bare}` has no size; drop the `@`")));
        }
    };
    Chain::from_value((preset.steps)(size)).map_err(|e| e.under(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Picture;
    use facette_random::stream;

    #[test]
    fn every_preset_builds_and_runs() {
        let data = (0..112 * 112 * 3).map(|i| (i * 13 % 256) as u8).collect();
        let picture = Picture::from_rgb(112, 112, data).unwrap();
        for preset in PRESETS {
            let chain = chain(preset.name).unwrap();
            let mut changed = 0;
            for index in 0..40 {
                let mut stream = stream(1, "test", index);
                let (out, applied) = chain.apply(picture.clone(), &mut stream).unwrap();
                assert_eq!(applied.steps.is_empty(), out == picture, "{}", preset.name);
                changed += usize::from(out != picture);
            }
            assert!(changed > 0, "{}", preset.name);
            assert!(!preset.source.is_empty() && !preset.summary.is_empty());
        }
    }

    #[test]
    fn sizes_are_given_after_the_name() {
        let small = |name| {
            let picture = Picture::filled(112, 112, [7; 3]).unwrap();
            chain(name).unwrap().apply(picture, &mut stream(1, "test", 0)).unwrap().0.width()
        };
        assert_eq!((small("clean-bicubic"), small("clean-bicubic@32")), (16, 32));
        for wrong in ["clean-bicubic@", "clean-bicubic@x", "rim@16", "clean-bicubic@0", "clean"] {
            assert!(chain(wrong).is_err(), "{wrong}");
        }
    }
}
