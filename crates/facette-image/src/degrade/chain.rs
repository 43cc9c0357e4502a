//! Degradations one after the other.

use std::fmt;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::draw::happens;
use super::{Applied, AppliedStep, Degradation, DegradationSpec, Settings, degradation, preset};
use crate::{ImageError, Picture};
use facette_random::Stream;

/// A list of degradations, applied in order, each with a probability.
///
/// Read from a list of tables with the keys `kind`, `probability` (1 by default) and those of the
/// kind, or from the name of a [preset](super::PRESETS), optionally with a size: `"a-skd@14"`.
/// Written as the list, so that a record says what was done whatever a preset means by then.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chain {
    steps: Vec<Step>,
}

/// One step of a [`Chain`].
#[derive(Clone)]
pub struct Step {
    kind: &'static str,
    probability: f64,
    settings: Map<String, Value>,
    degradation: Arc<dyn Degradation>,
}

impl Chain {
    /// The chain with these steps.
    pub fn new(steps: Vec<Step>) -> Self {
        Self { steps }
    }

    /// The published chain called `name`, or `name@size`.
    ///
    /// # Errors
    /// [`ImageError::UnknownName`], or [`ImageError::Setting`] for an impossible size.
    pub fn preset(name: &str) -> Result<Self, ImageError> {
        preset::chain(name)
    }

    /// The steps in order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Whether there is no step at all.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether the result depends on the picture alone: no probability, no range, no noise.
    pub fn is_fixed(&self) -> bool {
        self.steps.iter().all(|s| [0.0, 1.0].contains(&s.probability) && s.degradation.is_fixed())
    }

    /// Degrades `picture`; the same stream gives the same bytes.
    ///
    /// # Errors
    /// What a step refuses, with the step's number and kind.
    ///
    /// ```
    /// use facette_image::degrade::Chain;
    /// use facette_image::{Picture, random::stream};
    /// let chain: Chain = serde_json::from_str(r#"[{"kind": "grey"}]"#).unwrap();
    /// let picture = Picture::filled(4, 4, [200, 100, 0]).unwrap();
    /// let (grey, applied) = chain.apply(picture, &mut stream(1, "example", 0)).unwrap();
    /// assert_eq!(grey.pixel(0, 0), [118; 3]);
    /// assert_eq!(applied.to_string(), "grey");
    /// ```
    pub fn apply(
        &self,
        mut picture: Picture,
        stream: &mut Stream,
    ) -> Result<(Picture, Applied), ImageError> {
        let mut applied = Applied::default();
        for (i, step) in self.steps.iter().enumerate() {
            if !happens(step.probability, stream) {
                continue;
            }
            let mut drawn = Vec::new();
            picture = step
                .degradation
                .apply(picture, stream, &mut drawn)
                .map_err(|e| e.under(&place(i, step.kind)))?;
            applied.steps.push(AppliedStep { kind: step.kind, drawn });
        }
        Ok((picture, applied))
    }

    /// Reads a chain from JSON, with errors of this crate.
    pub(super) fn from_value(value: Value) -> Result<Self, ImageError> {
        match value {
            Value::String(name) => Self::preset(&name),
            Value::Array(steps) => {
                let steps = steps.into_iter().enumerate();
                steps
                    .map(|(i, step)| Step::from_value(i, step))
                    .collect::<Result<_, _>>()
                    .map(Self::new)
            }
            other => Err(ImageError::setting(
                "",
                format!("expected a list of steps or the name of a preset, found {other}"),
            )),
        }
    }
}

impl Step {
    /// A step of `spec` with settings written as a JSON object, `{}` for the defaults.
    ///
    /// # Errors
    /// [`ImageError::Setting`] for an unknown key or an impossible value.
    pub fn new(
        spec: &dyn DegradationSpec,
        probability: f64,
        settings: &str,
    ) -> Result<Self, ImageError> {
        let settings = serde_json::from_str(settings)
            .map_err(|e| ImageError::setting(spec.name(), e.to_string()))?;
        Self::build(spec, probability, settings).map_err(|e| e.under(spec.name()))
    }

    /// Name of the degradation.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// Probability with which the step is taken.
    pub fn probability(&self) -> f64 {
        self.probability
    }

    fn build(
        spec: &dyn DegradationSpec,
        probability: f64,
        settings: Map<String, Value>,
    ) -> Result<Self, ImageError> {
        if !(0.0..=1.0).contains(&probability) {
            let problem = format!("expected a value within 0..=1, found {probability}");
            return Err(ImageError::setting("probability", problem));
        }
        let degradation = spec.build(Settings(settings.clone()))?;
        Ok(Self { kind: spec.name(), probability, settings, degradation })
    }

    fn from_value(i: usize, value: Value) -> Result<Self, ImageError> {
        let unnamed = |problem: String| ImageError::setting(format!("[{i}]"), problem);
        let Value::Object(mut settings) = value else {
            return Err(unnamed(format!("expected a table with a `kind`, found {value}")));
        };
        let spec = match settings.remove("kind") {
            Some(Value::String(kind)) => degradation(&kind)?,
            Some(other) => return Err(unnamed(format!("`kind` must be a name, found {other}"))),
            None => return Err(unnamed("`kind` is missing".to_owned())),
        };
        let build = || {
            let probability = match settings.remove("probability") {
                None => 1.0,
                Some(value) => value.as_f64().ok_or_else(|| {
                    ImageError::setting("probability", format!("expected a number, found {value}"))
                })?,
            };
            Self::build(spec, probability, settings)
        };
        build().map_err(|e| e.under(&place(i, spec.name())))
    }
}

fn place(i: usize, kind: &str) -> String {
    format!("[{i}] ({kind})")
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} with probability {}", self.degradation, self.probability)
    }
}

impl PartialEq for Step {
    fn eq(&self, other: &Self) -> bool {
        let own = (self.kind, self.probability, &self.settings);
        own == (other.kind, other.probability, &other.settings)
    }
}

impl Serialize for Chain {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.steps.iter().map(|step| {
            let mut table = step.settings.clone();
            table.insert("kind".to_owned(), step.kind.into());
            if step.probability != 1.0 {
                table.insert("probability".to_owned(), step.probability.into());
            }
            table
        }))
    }
}

impl<'de> Deserialize<'de> for Chain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_value(Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use facette_random::stream;

    #[derive(Debug, Serialize, Deserialize)]
    struct Recipe {
        degrade: Chain,
    }

    const RECIPE: &str = r#"
        [[degrade]]
        kind = "blur"
        sigma = [0.2, 1.2]
        probability = 0.5
        [[degrade]]
        kind = "jpeg"
        quality = [30, 90]
    "#;

    #[test]
    fn a_chain_survives_toml_and_is_deterministic() {
        let recipe: Recipe = toml::from_str(RECIPE).unwrap();
        let again: Recipe = toml::from_str(&toml::to_string(&recipe).unwrap()).unwrap();
        assert_eq!(recipe.degrade, again.degrade);
        assert!(!recipe.degrade.is_fixed());
        let data = (0..20 * 20 * 3).map(|i| (i * 41 % 256) as u8).collect();
        let picture = Picture::from_rgb(20, 20, data).unwrap();
        let run =
            |index| recipe.degrade.apply(picture.clone(), &mut stream(5, "test", index)).unwrap();
        assert_eq!(run(0), run(0));
        let blurred = (0..100).filter(|&i| run(i).1.steps.len() == 2).count();
        assert!((30..70).contains(&blurred), "{blurred}");
        let printed = run(0).1.to_string();
        assert!(printed.contains("jpeg quality="), "{printed}");
    }

    #[test]
    fn mistakes_are_named() {
        let message = |text: &str| toml::from_str::<Recipe>(text).unwrap_err().to_string();
        let cases = [
            ("degrade = [{ kind = \"blurr\", sigma = 1 }]", "did you mean `blur`?"),
            ("degrade = [{ kind = \"grey\" }, { kind = \"blur\", sigmaa = 1 }]", "[1] (blur)"),
            ("degrade = [{ kind = \"blur\", sigma = 1, probability = 2 }]", "0..=1"),
            ("degrade = [{ kind = \"jpeg\", quality = 300 }]", "[0] (jpeg).quality"),
            ("degrade = [{ sigma = 1 }]", "`kind` is missing"),
            ("degrade = 3", "list of steps"),
            ("degrade = \"a-sdk\"", "did you mean `a-skd`?"),
        ];
        for (text, part) in cases {
            assert!(message(text).contains(part), "{text}: {}", message(text));
        }
    }
}
