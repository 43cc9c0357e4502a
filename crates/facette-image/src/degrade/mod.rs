//! What cameras, distance and transport do to a face: degradations, and chains of them.
//!
//! A degradation is a file in this folder and a line in [`DEGRADATIONS`]. A [`Chain`] lists steps:
//!
//! ```toml
//! [[degrade]]
//! kind = "blur"
//! sigma = [0.0, 1.2]
//! probability = 0.5
//!
//! [[degrade]]
//! kind = "jpeg"
//! quality = [30, 90]
//! ```
//!
//! or is the name of a published recipe, `degrade = "a-skd@28"` (see [`PRESETS`]). Whatever is
//! random is drawn from the [`Stream`] handed in, so that a chain repeats itself exactly for the
//! same stream, and what was drawn is recorded as [`Applied`].

mod applied;
mod blur;
mod box_blur;
mod brightness;
mod chain;
mod contrast;
pub(crate) mod convolve;
mod down_up;
mod draw;
mod gamma;
mod grey;
mod jpeg;
mod motion_blur;
mod noise;
mod preset;
mod resize;
mod target;

use std::fmt::Debug;
use std::sync::Arc;

use serde::de::DeserializeOwned;

pub use applied::{Applied, AppliedStep, Drawn};
pub use chain::{Chain, Step};
pub(crate) use draw::happens;
pub use draw::{Choice, Range};
pub use preset::{PRESETS, Preset};

use crate::{ImageError, Picture};
use facette_random::Stream;

/// Every degradation, in the order in which lists show them.
pub const DEGRADATIONS: &[&dyn DegradationSpec] = &[
    &resize::Spec,
    &down_up::Spec,
    &blur::Spec,
    &box_blur::Spec,
    &motion_blur::Spec,
    &noise::Spec,
    &jpeg::Spec,
    &grey::Spec,
    &brightness::Spec,
    &contrast::Spec,
    &gamma::Spec,
];

/// A kind of degradation: its name, its documentation and its settings.
pub trait DegradationSpec: Sync {
    /// The value of `kind` in a chain.
    fn name(&self) -> &'static str;
    /// One line for lists.
    fn summary(&self) -> &'static str;
    /// Settings that are accepted, as JSON without `kind`; shown as an example.
    fn example(&self) -> &'static str;
    /// Builds the degradation from the settings of a step.
    ///
    /// # Errors
    /// [`ImageError::Setting`] for an unknown key, a missing one or an impossible value.
    fn build(&self, settings: Settings) -> Result<Arc<dyn Degradation>, ImageError>;
}

/// A degradation with its settings, ready for pictures.
pub trait Degradation: Debug + Send + Sync {
    /// Degrades `picture`, drawing from `stream` and writing down in `drawn` what was drawn.
    ///
    /// # Errors
    /// [`ImageError`] if the picture cannot be treated so, for instance if it is too large for
    /// the JPEG format.
    fn apply(
        &self,
        picture: Picture,
        stream: &mut Stream,
        drawn: &mut Vec<(&'static str, Drawn)>,
    ) -> Result<Picture, ImageError>;

    /// Whether the result depends on the picture alone, whatever the stream.
    fn is_fixed(&self) -> bool;

    /// Refuses impossible values.
    ///
    /// # Errors
    /// [`ImageError::Setting`] naming the setting.
    fn check(&self) -> Result<(), ImageError>;
}

/// The settings of one step as they stand in a configuration, without `kind` and `probability`.
#[derive(Clone, Debug)]
pub struct Settings(serde_json::Map<String, serde_json::Value>);

impl Settings {
    /// Reads them as `T` and checks them.
    ///
    /// # Errors
    /// [`ImageError::Setting`] for whatever `T` does not accept.
    pub fn build<T: DeserializeOwned + Degradation + 'static>(
        self,
    ) -> Result<Arc<dyn Degradation>, ImageError> {
        let degradation: T = serde_json::from_value(serde_json::Value::Object(self.0))
            .map_err(|e| ImageError::setting("", e.to_string()))?;
        degradation.check()?;
        Ok(Arc::new(degradation))
    }
}

/// The degradation called `name`.
///
/// # Errors
/// [`ImageError::UnknownName`] with the nearest known name.
pub fn degradation(name: &str) -> Result<&'static dyn DegradationSpec, ImageError> {
    DEGRADATIONS.iter().copied().find(|spec| spec.name() == name).ok_or_else(|| {
        unknown("degradation", name, DEGRADATIONS.iter().map(|spec| spec.name()).collect())
    })
}

fn unknown(what: &'static str, name: &str, known: Vec<&'static str>) -> ImageError {
    let near = known.iter().map(|k| (strsim::jaro_winkler(k, name), *k));
    let suggestion = near
        .filter(|(nearness, _)| *nearness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name.to_owned());
    ImageError::UnknownName { what, name: name.to_owned(), suggestion, known: known.join(", ") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use facette_random::stream;

    fn build(spec: &dyn DegradationSpec) -> Arc<dyn Degradation> {
        spec.build(Settings(serde_json::from_str(spec.example()).unwrap())).unwrap()
    }

    #[test]
    fn names_are_unique_and_found() {
        for spec in DEGRADATIONS {
            let same = DEGRADATIONS.iter().filter(|other| other.name() == spec.name());
            assert_eq!(same.count(), 1, "{}", spec.name());
            assert_eq!(degradation(spec.name()).unwrap().name(), spec.name());
            assert!(!spec.summary().is_empty());
        }
        let message = degradation("motion_blurr").err().unwrap().to_string();
        assert!(message.contains("did you mean `motion-blur`?"), "{message}");
    }

    #[test]
    fn unknown_keys_are_refused_by_every_degradation() {
        for spec in DEGRADATIONS {
            let mut settings: serde_json::Map<_, _> = serde_json::from_str(spec.example()).unwrap();
            settings.insert("sigmaa".to_owned(), 1.into());
            let message = spec.build(Settings(settings)).unwrap_err().to_string();
            assert!(message.contains("sigmaa"), "{}: {message}", spec.name());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn every_degradation_is_a_function_of_picture_and_stream(
            (width, height) in prop_oneof![Just((1, 1)), (1usize..9, 1usize..9), (10usize..60, 10usize..60)],
            seed in any::<u64>(),
        ) {
            let data = (0..width * height * 3).map(|i| (i * 53 % 256) as u8).collect();
            let picture = Picture::from_rgb(width, height, data).unwrap();
            for spec in DEGRADATIONS {
                let degradation = build(*spec);
                let run = |seed| {
                    let mut drawn = Vec::new();
                    let mut stream = stream(seed, "test", 0);
                    let out = degradation.apply(picture.clone(), &mut stream, &mut drawn).unwrap();
                    (out, drawn)
                };
                prop_assert_eq!(run(seed), run(seed), "{}", spec.name());
                if degradation.is_fixed() {
                    prop_assert_eq!(run(seed).0, run(seed ^ 1).0, "{}", spec.name());
                }
            }
        }
    }
}
