//! Deep mutual learning: peers learn from labels and from each other, from the first step on.
//!
//! ```text
//! L_i = CE(z_i, y) + weight / (M - 1) sum_{j != i} T^2 KL( p(z_j; T) || p(z_i; T) )
//! ```
//!
//! All peers see the same batch; what others yielded carries no gradient. Source: Zhang et al. 2018
//! (arXiv 1706.00384): T = 1, two networks; its code and chxy95/Deep-Mutual-Learning agree. The
//! student is the last peer.

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
    /// Networks that learn together, the student included.
    networks: usize,
    temperature: f64,
    /// Weight of the others.
    weight: f64,
    label_smoothing: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { networks: 2, temperature: 1.0, weight: 1.0, label_smoothing: 0.0 }
    }
}

/// The entry `dml`.
pub struct DmlSpec;

impl DmlSpec {
    fn read(&self, given: &Table) -> Result<Settings, DistilError> {
        let settings: Settings = settings::read(self.id(), given)?;
        settings::check(self.id(), "networks", (2..=8).contains(&settings.networks), || {
            format!("expected 2 to 8, found {}", settings.networks)
        })?;
        settings::positive(self.id(), "temperature", settings.temperature)?;
        settings::positive(self.id(), "weight", settings.weight)?;
        settings::within(self.id(), "label_smoothing", settings.label_smoothing, 0.0, 1.0)?;
        Ok(settings)
    }

    fn streams_of(settings: &Settings) -> Vec<Stream> {
        let peer = |number: usize| Stream::named(format!("peer-{number}"), true);
        (1..settings.networks).map(peer).chain([Stream::student()]).collect()
    }
}

impl MethodSpec for DmlSpec {
    fn id(&self) -> &'static str {
        "dml"
    }

    fn about(&self) -> &'static str {
        "peers learn from labels and from each other"
    }

    fn source(&self) -> &'static str {
        "arXiv 1706.00384"
    }

    fn kind(&self) -> Kind {
        Kind::Online
    }

    fn needs(&self) -> Needs {
        Needs { logits: true, labels: true, ..Needs::default() }
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
        let share = settings.weight / (streams.len() - 1) as f64;
        let labels = Weighted::new("ce", 1.0).with("label_smoothing", settings.label_smoothing);
        let others = Weighted::new("kd", share).with("temperature", settings.temperature);
        let mut ties = Vec::new();
        for (learner, context) in contexts.iter().enumerate() {
            ties.extend(labels.tie(learner, None, context)?);
            for (other, peer) in contexts.iter().enumerate().filter(|(at, _)| *at != learner) {
                let context = Context { target: Some(peer.student), ..context.clone() };
                ties.extend(others.tie(learner, Some(other), &context)?);
            }
        }
        Ok(Method { streams, ties })
    }
}
