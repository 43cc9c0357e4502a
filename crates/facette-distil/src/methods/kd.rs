//! Soft-logit distillation beside the labels.
//!
//! ```text
//! L = gamma CE(z_s, y) + alpha T^2 KL( p(z_t; T) || p(z_s; T) )
//! ```
//!
//! Source: HobbitLong/RepDistiller `train_student.py --distill kd -r 0.1 -a 0.9`, T = 4.

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
    /// Weight of the teacher.
    alpha: f64,
    temperature: f64,
    label_smoothing: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { gamma: 0.1, alpha: 0.9, temperature: 4.0, label_smoothing: 0.0 }
    }
}

/// The entry `kd`.
pub struct KdSpec;

impl KdSpec {
    fn read(&self, given: &Table) -> Result<Settings, DistilError> {
        let settings: Settings = settings::read(self.id(), given)?;
        settings::within(self.id(), "gamma", settings.gamma, 0.0, f64::INFINITY)?;
        settings::within(self.id(), "alpha", settings.alpha, 0.0, f64::INFINITY)?;
        settings::positive(self.id(), "temperature", settings.temperature)?;
        settings::within(self.id(), "label_smoothing", settings.label_smoothing, 0.0, 1.0)?;
        settings::check(self.id(), "alpha", settings.alpha + settings.gamma > 0.0, || {
            "nothing would be learned with gamma and alpha 0".into()
        })?;
        Ok(settings)
    }
}

impl MethodSpec for KdSpec {
    fn id(&self) -> &'static str {
        "kd"
    }

    fn about(&self) -> &'static str {
        "the teacher's softened class scores beside the labels"
    }

    fn source(&self) -> &'static str {
        "arXiv 1503.02531; HobbitLong/RepDistiller"
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
        Ok(vec![Stream::teacher(), Stream::student()])
    }

    fn build(&self, given: &Table, contexts: &[Context<'_>]) -> Result<Method, DistilError> {
        let Settings { gamma, alpha, temperature, label_smoothing } = self.read(given)?;
        let [_, student] = crate::method::contexts(self.id(), contexts)?;
        let labels = Weighted::new("ce", gamma).with("label_smoothing", label_smoothing);
        let teacher = Weighted::new("kd", alpha).with("temperature", temperature);
        let ties = [labels.tie(1, None, student)?, teacher.tie(1, Some(0), student)?];
        let ties = ties.into_iter().flatten().collect();
        Ok(Method { streams: vec![Stream::teacher(), Stream::student()], ties })
    }
}
