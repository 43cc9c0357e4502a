//! Face hallucination, the first stage of `rim`: a network that paints the large face.
//!
//! ```text
//! L = pixels mean (G(x) - y)^2 + perceptual sum_l mean ( o_l(G(x)) - o_l(y) )^2
//! ```
//!
//! x: the small face, enlarged; G(x): what the student paints; y: the large face, stream `teacher`; o_l: the stage maps of a
//! finished recogniser, which looks at y as stream `sight` and at G(x) as stream `eye`, through which gradient goes to the painter.
//!
//! Source: Kong et al. 2019 (arXiv 1905.10777); HyoKong/Cross-Resolution-Face-Recognition `SUPER_RESOLUTION`: pixels 50, features 1.
//! Deviations: `perceptual` is 0 unless set, since it wants a recogniser that lets gradient through, trained here at the size
//! that is painted (an ONNX model does not); the maps are those of its stages, where the code takes its last seven blocks; no
//! adversarial, parsing and landmark losses.

use serde::{Deserialize, Serialize};
use toml::Table;

use crate::error::DistilError;
use crate::method::{Kind, Method, MethodSpec, Stream};
use crate::settings;
use crate::term::{Context, Needs};
use crate::weighted::Weighted;

/// Settings of the method.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Weight of the pixels.
    pixels: f64,
    /// Weight of a recogniser's stage maps; with 0 there are no streams `sight` and `eye`.
    perceptual: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { pixels: 50.0, perceptual: 0.0 }
    }
}

/// The entry `rim-fhn`.
pub struct RimFhnSpec;

impl RimFhnSpec {
    fn read(&self, given: &Table) -> Result<Settings, DistilError> {
        let settings: Settings = settings::read(self.id(), given)?;
        settings::positive(self.id(), "pixels", settings.pixels)?;
        settings::within(self.id(), "perceptual", settings.perceptual, 0.0, f64::INFINITY)?;
        Ok(settings)
    }

    fn streams_of(settings: &Settings) -> Vec<Stream> {
        match settings.perceptual > 0.0 {
            false => vec![Stream::teacher(), Stream::student()],
            true => vec![
                Stream::named("sight", false),
                Stream::teacher(),
                Stream::student(),
                Stream::looking("eye", 0, 2),
            ],
        }
    }
}

impl MethodSpec for RimFhnSpec {
    fn id(&self) -> &'static str {
        "rim-fhn"
    }

    fn about(&self) -> &'static str {
        "a network that paints the large face, by pixels and a recogniser's maps; `rim` reads what it paints"
    }

    fn source(&self) -> &'static str {
        "arXiv 1905.10777; HyoKong/Cross-Resolution-Face-Recognition (coarse path)"
    }

    fn kind(&self) -> Kind {
        Kind::Offline
    }

    fn needs(&self) -> Needs {
        Needs { teacher: true, embedding: true, picture: true, ..Needs::default() }
    }

    fn defaults(&self) -> Table {
        settings::defaults::<Settings>()
    }

    fn effective(&self, given: &Table) -> Result<Table, DistilError> {
        Ok(settings::table(&self.read(given)?))
    }

    fn streams(&self, given: &Table) -> Result<Vec<Stream>, DistilError> {
        Ok(Self::streams_of(&self.read(given)?))
    }

    fn build(&self, given: &Table, contexts: &[Context<'_>]) -> Result<Method, DistilError> {
        let settings = self.read(given)?;
        let streams = Self::streams_of(&settings);
        if contexts.len() != streams.len() {
            let (needed, described) = (streams.len(), contexts.len());
            return Err(crate::method::missing_streams(self.id(), needed, described));
        }
        let against = |learner: usize, target: usize| Context {
            target: Some(contexts[target].student),
            ..contexts[learner].clone()
        };
        let (large, student, eye) = match streams.len() {
            2 => (0, 1, None),
            _ => (1, 2, Some(3)),
        };
        let pixels = Weighted::new("squared", settings.pixels).with("project", "none");
        let mut ties =
            Vec::from_iter(pixels.tie(student, Some(large), &against(student, large))?);
        if let Some(eye) = eye {
            let maps = Weighted::new("maps", settings.perceptual);
            ties.extend(maps.tie(eye, Some(0), &against(eye, 0))?);
        }
        Ok(Method { streams, ties })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recogniser_looks_at_both_faces_where_it_is_asked_to() {
        let streams = |text: &str| RimFhnSpec.streams(&text.parse().unwrap()).unwrap();
        assert_eq!(streams("").len(), 2);
        let all = streams("perceptual = 1");
        assert_eq!((all[3].same, all[3].reads, all[3].learns), (Some(0), Some(2), false));
        assert_eq!(crate::student_place(&all), 2);
        assert_eq!(crate::student_parts(&all), [2]);
        assert!(RimFhnSpec.streams(&"perceptual = -1".parse().unwrap()).is_err());
    }
}
