//! Feature regression: the student's embedding follows the teacher's.
//!
//! ```text
//! L = w_f regression(s, t) + w_h head(s, y) + w_r relation(s, t)
//! ```
//!
//! Each part is a term with its weight and settings. The defaults are the plainest form, cosine
//! regression alone. PocketNet's template distillation (fdbtrs/PocketNet, arXiv 2108.10710) is
//! `regression = { term = "squared", weight = 100.0, normalise = true }, head = "arcface"`.

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
    /// Compares the embeddings.
    regression: Weighted,
    /// Classifies by the student's embedding.
    head: Weighted,
    /// Compares how pictures relate.
    relation: Weighted,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            regression: Weighted::new("cosine", 1.0),
            head: Weighted::new("softmax", 0.0),
            relation: Weighted::new("relation", 0.0),
        }
    }
}

/// The entry `feature`.
pub struct FeatureSpec;

impl FeatureSpec {
    fn read(&self, given: &Table) -> Result<Settings, DistilError> {
        let id = self.id();
        let Settings { regression, head, relation } = settings::read(id, given)?;
        let weights = regression.weight + head.weight + relation.weight;
        settings::check(id, "regression", weights > 0.0, || {
            "nothing would be learned with all weights 0".into()
        })?;
        Ok(Settings {
            regression: regression.in_full(id, "regression")?,
            head: head.head_in_full(id, "head")?,
            relation: relation.in_full(id, "relation")?,
        })
    }
}

impl MethodSpec for FeatureSpec {
    fn id(&self) -> &'static str {
        "feature"
    }

    fn about(&self) -> &'static str {
        "regression to the teacher's embedding, with an optional head and relation term"
    }

    fn source(&self) -> &'static str {
        "arXiv 2011.00265 (baseline L2KD); arXiv 2108.10710 (template distillation)"
    }

    fn kind(&self) -> Kind {
        Kind::Offline
    }

    fn needs(&self) -> Needs {
        Needs { embedding: true, teacher: true, ..Needs::default() }
    }

    fn defaults(&self) -> Table {
        settings::defaults::<Settings>()
    }

    fn effective(&self, given: &Table) -> Result<Table, DistilError> {
        Ok(settings::table(&self.read(given)?))
    }

    fn streams(&self, given: &Table) -> Result<Vec<Stream>, DistilError> {
        self.read(given)?;
        Ok(vec![Stream::teacher(), Stream::student()])
    }

    fn build(&self, given: &Table, contexts: &[Context<'_>]) -> Result<Method, DistilError> {
        let Settings { regression, head, relation } = self.read(given)?;
        let [_, student] = crate::method::contexts(self.id(), contexts)?;
        let ties = [
            regression.tie(1, Some(0), student)?,
            head.tie(1, None, student)?,
            relation.tie(1, Some(0), student)?,
        ];
        let ties = ties.into_iter().flatten().collect();
        Ok(Method { streams: vec![Stream::teacher(), Stream::student()], ties })
    }
}
