//! VarGFaceNet's recursive distillation, one round: a margin head, and the angle to the teacher.
//!
//! ```text
//! L = arcface(s, y) + weight * mean_n | s / |s| - t / |t| |^2
//! ```
//!
//! Yan et al., "VarGFaceNet", ICCVW 2019 (arXiv 1910.04985), equation 3, with the published weight 7.

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
    /// Weight of the angle.
    weight: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { weight: 7.0 }
    }
}

/// The entry `vargfacenet`.
pub struct VargFaceNetSpec;

impl VargFaceNetSpec {
    fn read(&self, given: &Table) -> Result<Settings, DistilError> {
        let settings: Settings = settings::read(self.id(), given)?;
        settings::positive(self.id(), "weight", settings.weight)?;
        Ok(settings)
    }
}

impl MethodSpec for VargFaceNetSpec {
    fn id(&self) -> &'static str {
        "vargfacenet"
    }

    fn about(&self) -> &'static str {
        "a margin head, and the squared distance of the normalised embeddings"
    }

    fn source(&self) -> &'static str {
        "arXiv 1910.04985, equation 3"
    }

    fn kind(&self) -> Kind {
        Kind::Offline
    }

    fn needs(&self) -> Needs {
        Needs { embedding: true, labels: true, teacher: true, ..Needs::default() }
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
        let Settings { weight } = self.read(given)?;
        let [_, student] = crate::method::contexts(self.id(), contexts)?;
        let head = Weighted::new("arcface", 1.0);
        let angle = Weighted::new("squared", weight)
            .with("normalise", true)
            .with("reduction", "batch_mean");
        let ties = [head.tie(1, None, student)?, angle.tie(1, Some(0), student)?];
        let ties = ties.into_iter().flatten().collect();
        Ok(Method { streams: vec![Stream::teacher(), Stream::student()], ties })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{context, shapes};

    #[test]
    fn two_terms_with_the_published_weight() {
        let shapes = shapes();
        let contexts = [context(&shapes, None), context(&shapes, Some(&shapes))];
        let method = VargFaceNetSpec.build(&Table::new(), &contexts).unwrap();
        let weights: Vec<f64> = method.ties.iter().map(|tie| tie.weight).collect();
        assert_eq!(weights, [1.0, 7.0]);
    }

    #[test]
    fn impossible_weights_are_named() {
        let given: Table = "weight = -1".parse().unwrap();
        let message = VargFaceNetSpec.effective(&given).unwrap_err().to_string();
        assert!(message.contains("\"weight\"") && message.contains("-1"), "{message}");
    }
}
