//! Bridge distillation, step 1: the teacher's knowledge is adapted to public faces.
//!
//! ```text
//! h = ReLU(BN(FC(f_t)))      L = CE(softmax layer on h, y) + 0.003 centre(h, y)
//! ```
//!
//! The one stream, `student`, is the adapter network; it is fed with the teacher's features as
//! pictures `[n, d_t, 1, 1]`. What it yields teaches step 2 (`bridge`). Source: Ge et al. 2020 (arXiv
//! 2409.11786), reconstructed: the paper says that the adapted features are compact and
//! discriminative; the centre loss and its weight are Wen et al. 2016's.

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
    /// Classifies by the adapted features.
    head: Weighted,
    /// Draws the adapted features of one identity together; weight 0 drops it.
    compact: Weighted,
}

impl Default for Settings {
    fn default() -> Self {
        Self { head: Weighted::new("softmax", 1.0), compact: Weighted::new("centre", 0.003) }
    }
}

/// The entry `bridge-adapt`.
pub struct BridgeAdaptSpec;

impl BridgeAdaptSpec {
    fn read(&self, given: &Table) -> Result<Settings, DistilError> {
        let id = self.id();
        let Settings { head, compact } = settings::read(id, given)?;
        settings::check(id, "head", head.weight > 0.0, || {
            "without it all adapted features may become one point".into()
        })?;
        Ok(Settings {
            head: head.head_in_full(id, "head")?,
            compact: compact.in_full(id, "compact")?,
        })
    }
}

impl MethodSpec for BridgeAdaptSpec {
    fn id(&self) -> &'static str {
        "bridge-adapt"
    }

    fn about(&self) -> &'static str {
        "adapts a teacher's features to public faces: identities and a centre loss"
    }

    fn source(&self) -> &'static str {
        "arXiv 2409.11786, step 1 (reconstructed)"
    }

    fn kind(&self) -> Kind {
        Kind::Offline
    }

    fn needs(&self) -> Needs {
        Needs { embedding: true, labels: true, ..Needs::default() }
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
        let Settings { head, compact } = self.read(given)?;
        let [adapter] = crate::method::contexts(self.id(), contexts)?;
        let ties = [head.tie(0, None, adapter)?, compact.tie(0, None, adapter)?];
        let ties = ties.into_iter().flatten().collect();
        Ok(Method { streams: vec![Stream::student()], ties })
    }
}
