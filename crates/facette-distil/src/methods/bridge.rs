//! Bridge distillation, step 2: resolution-adapted distillation to adapted teacher features.
//!
//! ```text
//! L = CE(z_s(x_lr), y) + lambda mean_d ( g(x_lr) - h(x_hr) )^2
//! ```
//!
//! `h` is the teacher, best one adapted by step 1 (`bridge-adapt`); `g` the student's embedding (the
//! mimic layer). Source: Ge et al. 2020 (arXiv 2409.11786), of which the losses are
//! reconstructed: lambda 1, squares averaged. `preset = "rad"` is a third party's "RAD" form: squares
//! summed over batch and dimensions, both weights 1. What the recipe says of `regression`
//! and `head` stands over the preset.

use serde::{Deserialize, Serialize};
use toml::Table;

use crate::error::DistilError;
use crate::method::{Kind, Method, MethodSpec, Stream};
use crate::settings;
use crate::term::{Context, Needs};
use crate::weighted::Weighted;

/// Whose form of the losses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Preset {
    /// Mean of squares.
    Mean,
    /// Sum of squares.
    Rad,
}

/// Settings of the method.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    preset: Preset,
    /// Compares the embeddings; its weight is lambda.
    regression: Weighted,
    /// Classifies; `softmax` is the identity layer.
    head: Weighted,
}

impl Settings {
    fn preset(preset: Preset) -> Self {
        let squared = Weighted::new("squared", 1.0);
        Self {
            preset,
            regression: match preset {
                Preset::Mean => squared,
                Preset::Rad => squared.with("reduction", "sum"),
            },
            head: Weighted::new("softmax", 1.0),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::preset(Preset::Mean)
    }
}

/// The entry `bridge`.
pub struct BridgeSpec;

impl BridgeSpec {
    fn read(&self, given: &Table) -> Result<Settings, DistilError> {
        let id = self.id();
        let chosen = settings::read::<Settings>(id, given)?.preset;
        let Settings { preset, regression, head } =
            settings::read_over(id, &Settings::preset(chosen), given)?;
        settings::check(id, "regression", regression.weight + head.weight > 0.0, || {
            "nothing would be learned with both weights 0".into()
        })?;
        Ok(Settings {
            preset,
            regression: regression.in_full(id, "regression")?,
            head: head.head_in_full(id, "head")?,
        })
    }
}

impl MethodSpec for BridgeSpec {
    fn id(&self) -> &'static str {
        "bridge"
    }

    fn about(&self) -> &'static str {
        "regression to adapted teacher features, and identities"
    }

    fn source(&self) -> &'static str {
        "arXiv 2409.11786, step 2 (reconstructed)"
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
        let Settings { regression, head, .. } = self.read(given)?;
        let [_, student] = crate::method::contexts(self.id(), contexts)?;
        let ties = [head.tie(1, None, student)?, regression.tie(1, Some(0), student)?];
        let ties = ties.into_iter().flatten().collect();
        Ok(Method { streams: vec![Stream::teacher(), Stream::student()], ties })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preset_sets_what_the_recipe_leaves_open() {
        let regression = |text: &str| {
            let full = BridgeSpec.effective(&text.parse().unwrap()).unwrap();
            let part = full["regression"].as_table().unwrap().clone();
            (part["reduction"].as_str().unwrap().to_owned(), part["weight"].as_float().unwrap())
        };
        assert_eq!(regression(""), ("mean".into(), 1.0));
        assert_eq!(regression("preset = 'rad'"), ("sum".into(), 1.0));
        let own = "preset = 'rad'\nregression = { term = 'squared', weight = 2.0 }";
        assert_eq!(regression(own), ("mean".into(), 2.0));
        assert!(BridgeSpec.effective(&"preset = 'red'".parse().unwrap()).is_err());
    }
}
