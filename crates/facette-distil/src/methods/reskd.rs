//! Residual-guided distillation: a second small network learns what the first one still lacks.
//!
//! ```text
//! z = z_base + z_r      L = CE(z, y) + T^2 KL( p(z_t; T) || p(z; T) )
//! ```
//!
//! The first student, stream `base`, is finished and gives no gradient; only the second, stream `student`, learns.
//! The student that is kept is the sum of both, one network: embeddings and class scores are added.
//! Source: Li et al. 2020 (arXiv 2006.04719), of which the abstract was at hand: T = 4 and unit weights are
//! reconstructed. The paper takes several rounds, each with the sum so far as its base: name that as the base of the next
//! (`teachers.base`). Deviations: the paper measures an energy of the residual to choose how small the next network is, here
//! the recipe names it; and it leaves later networks out for pictures of which the sum is sure already, here all of the sum
//! is computed.

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
    /// Weight of the labels.
    gamma: f64,
    /// Weight of the soft logits.
    alpha: f64,
    temperature: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { gamma: 1.0, alpha: 1.0, temperature: 4.0 }
    }
}

/// The entry `reskd`.
pub struct ResKdSpec;

impl ResKdSpec {
    fn read(&self, given: &Table) -> Result<Settings, DistilError> {
        let settings: Settings = settings::read(self.id(), given)?;
        settings::within(self.id(), "gamma", settings.gamma, 0.0, f64::INFINITY)?;
        settings::positive(self.id(), "alpha", settings.alpha)?;
        settings::positive(self.id(), "temperature", settings.temperature)?;
        Ok(settings)
    }

    fn streams_of() -> Vec<Stream> {
        vec![Stream::teacher(), Stream::named("base", false), Stream::student().added_to(1)]
    }
}

impl MethodSpec for ResKdSpec {
    fn id(&self) -> &'static str {
        "reskd"
    }

    fn about(&self) -> &'static str {
        "a second network, added to a finished student, learns what that one lacks"
    }

    fn source(&self) -> &'static str {
        "arXiv 2006.04719 (weights reconstructed)"
    }

    fn kind(&self) -> Kind {
        Kind::Offline
    }

    fn needs(&self) -> Needs {
        Needs { logits: true, labels: true, teacher: true, ..Needs::default() }
    }

    fn defaults(&self) -> Table {
        settings::defaults::<Settings>()
    }

    fn effective(&self, given: &Table) -> Result<Table, DistilError> {
        Ok(settings::table(&self.read(given)?))
    }

    fn streams(&self, given: &Table) -> Result<Vec<Stream>, DistilError> {
        self.read(given)?;
        Ok(Self::streams_of())
    }

    fn build(&self, given: &Table, contexts: &[Context<'_>]) -> Result<Method, DistilError> {
        let Settings { gamma, alpha, temperature } = self.read(given)?;
        let [teacher, _, student] = crate::method::contexts(self.id(), contexts)?;
        let student = Context { target: Some(teacher.student), ..student.clone() };
        let labels = Weighted::new("ce", gamma);
        let soft = Weighted::new("kd", alpha).with("temperature", temperature);
        let ties = [labels.tie(2, None, &student)?, soft.tie(2, Some(0), &student)?];
        Ok(Method { streams: Self::streams_of(), ties: ties.into_iter().flatten().collect() })
    }
}
