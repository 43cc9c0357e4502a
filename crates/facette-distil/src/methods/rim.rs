//! Residual knowledge distillation on hallucinated faces: a student, and an assistant that learns what it lacks.
//!
//! ```text
//! L_S = mean (e_S - e_t)^2                                                            stream `base`
//! L_A = mean (e_A - (e_t - e_S))^2 + sum_l mean (o_l^A - (o_l^t - o_l^S))^2           stream `student`, e_S and o^S given
//! ```
//!
//! Both learn at once; what is kept is the sum `e_S + e_A`, one network. They read the faces that stream `front`
//! (network `fhn`, taught before by `rim-fhn`) makes of small ones, and it is part of what is kept. `front` says whether it is
//! there: `"frozen"`, `"joint"` (the third stage of the paper's abstract: it learns on, by both losses and by `pixels` times the
//! squared error to the large face, stream `picture`, which all teachers of the stage then see as the front paints it; `pixels = 0`
//! leaves that out), or `"none"` for the residual distillation alone.
//!
//! Source: Kong et al. 2019 (arXiv 1905.10777); HyoKong/Cross-Resolution-Face-Recognition, `distill_main.py` for both losses
//! (there the assistant is never stepped and the student's side not detached: mistakes, not followed), pixel weight 50 of its
//! hallucination losses. Its joint stage is not in the code: this one is reconstructed. A teacher without stage maps, or of other
//! shapes, wants `maps = 0`.

use serde::{Deserialize, Serialize};
use toml::Table;

use crate::error::DistilError;
use crate::method::{Kind, Method, MethodSpec, Stream};
use crate::settings;
use crate::term::{Context, Needs};
use crate::weighted::Weighted;

/// What becomes of the hallucinating network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Front {
    /// There is none.
    None,
    /// It is finished.
    Frozen,
    /// It learns, too.
    Joint,
}

/// Settings of the method.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    front: Front,
    /// Weight of the embeddings.
    embedding: f64,
    /// Weight of the stage maps; 0 where the teacher yields none.
    maps: f64,
    /// Weight of the hallucinated pixels where `front` learns; with 0 there is no stream `picture`.
    pixels: f64,
}

impl Settings {
    /// Whether what the front paints is compared with the large face.
    fn paints(&self) -> bool {
        self.front == Front::Joint && self.pixels > 0.0
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self { front: Front::Frozen, embedding: 1.0, maps: 1.0, pixels: 50.0 }
    }
}

/// The entry `rim`.
pub struct RimSpec;

impl RimSpec {
    fn read(&self, given: &Table) -> Result<Settings, DistilError> {
        let settings: Settings = settings::read(self.id(), given)?;
        settings::positive(self.id(), "embedding", settings.embedding)?;
        settings::within(self.id(), "maps", settings.maps, 0.0, f64::INFINITY)?;
        settings::within(self.id(), "pixels", settings.pixels, 0.0, f64::INFINITY)?;
        Ok(settings)
    }

    fn streams_of(settings: &Settings) -> Vec<Stream> {
        let mut streams = vec![Stream::teacher()];
        if settings.paints() {
            streams.push(Stream::named("picture", false));
        }
        let mut reader: Box<dyn Fn(Stream) -> Stream> = Box::new(|stream| stream);
        if settings.front != Front::None {
            let front = streams.len();
            streams.push(Stream::named("front", settings.front == Front::Joint));
            reader = Box::new(move |stream| stream.reading(front));
        }
        let base = streams.len();
        streams.push(reader(Stream::named("base", true)));
        streams.push(reader(Stream::student()).added_to(base));
        streams
    }
}

impl MethodSpec for RimSpec {
    fn id(&self) -> &'static str {
        "rim"
    }

    fn about(&self) -> &'static str {
        "a student on hallucinated faces and an assistant, added to it, that learns what it lacks"
    }

    fn source(&self) -> &'static str {
        "arXiv 1905.10777; HyoKong/Cross-Resolution-Face-Recognition"
    }

    fn kind(&self) -> Kind {
        Kind::Offline
    }

    fn needs(&self) -> Needs {
        Needs { stages: true, embedding: true, teacher: true, ..Needs::default() }
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
        let taught = |learner: usize, target: usize| Context {
            target: Some(contexts[target].student),
            ..contexts[learner].clone()
        };
        let regression = Weighted::new("squared", settings.embedding).with("project", "none");
        let last = streams.len() - 1;
        let mut ties = Vec::new();
        if settings.paints() {
            let pixels = Weighted::new("squared", settings.pixels).with("project", "none");
            ties.extend(pixels.tie(2, Some(1), &taught(2, 1))?);
        }
        ties.extend(regression.tie(last - 1, Some(0), &taught(last - 1, 0))?);
        ties.extend(regression.tie(last, Some(0), &taught(last, 0))?);
        ties.extend(Weighted::new("maps", settings.maps).tie(last, Some(0), &taught(last, 0))?);
        Ok(Method { streams, ties })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_front_is_there_or_learns_as_the_recipe_says() {
        let streams = |text: &str| RimSpec.streams(&text.parse().unwrap()).unwrap();
        let names = |streams: &[Stream]| -> Vec<String> {
            streams.iter().map(|stream| stream.name.clone()).collect()
        };
        let frozen = streams("");
        assert_eq!(names(&frozen), ["teacher", "front", "base", "student"]);
        assert!(!frozen[1].learns && frozen[2].learns);
        assert_eq!((frozen[2].reads, frozen[3].reads, frozen[3].on), (Some(1), Some(1), Some(2)));
        let joint = streams("front = 'joint'");
        assert_eq!(names(&joint), ["teacher", "picture", "front", "base", "student"]);
        assert!(joint[2].learns && joint[4].on == Some(3));
        let blind = streams("front = 'joint'\npixels = 0");
        assert_eq!(names(&blind), ["teacher", "front", "base", "student"]);
        assert!(blind[1].learns);
        let plain = streams("front = 'none'");
        assert_eq!((plain.len(), plain[1].reads, plain[2].on), (3, None, Some(1)));
        assert!(RimSpec.streams(&"front = 'jont'".parse().unwrap()).is_err());
    }
}
