//! No distillation: the student learns from labels alone.
//!
//! ```text
//! L = weight * head
//! ```
//!
//! The head is `softmax` (the network's own class scores where it has them), or a margin head such
//! as `{ term = "arcface", scale = 64, margin = 0.5 }`.

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
    head: Weighted,
}

impl Default for Settings {
    fn default() -> Self {
        Self { head: Weighted::new("softmax", 1.0) }
    }
}

/// The entry `none`.
pub struct NoneSpec;

impl NoneSpec {
    fn read(&self, given: &Table) -> Result<Settings, DistilError> {
        let settings: Settings = settings::read(self.id(), given)?;
        settings::check(self.id(), "head", settings.head.weight != 0.0, || {
            "nothing would be learned at weight 0".into()
        })?;
        Ok(Settings { head: settings.head.head_in_full(self.id(), "head")? })
    }
}

impl MethodSpec for NoneSpec {
    fn id(&self) -> &'static str {
        "none"
    }

    fn about(&self) -> &'static str {
        "labels alone, through a softmax or margin head"
    }

    fn source(&self) -> &'static str {
        "the plain student of every comparison"
    }

    fn kind(&self) -> Kind {
        Kind::Offline
    }

    fn needs(&self) -> Needs {
        Needs { labels: true, ..Needs::default() }
    }

    fn defaults(&self) -> Table {
        settings::defaults::<Settings>()
    }

    fn effective(&self, given: &Table) -> Result<Table, DistilError> {
        Ok(settings::table(&self.read(given)?))
    }

    fn streams(&self, given: &Table) -> Result<Vec<Stream>, DistilError> {
        self.read(given)?;
        Ok(vec![Stream::student()])
    }

    fn build(&self, given: &Table, contexts: &[Context<'_>]) -> Result<Method, DistilError> {
        let settings = self.read(given)?;
        let [student] = crate::method::contexts(self.id(), contexts)?;
        let ties = settings.head.tie(0, None, student)?.into_iter().collect();
        Ok(Method { streams: vec![Stream::student()], ties })
    }
}
