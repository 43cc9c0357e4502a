//! The record of what a chain did to a picture.

use std::fmt;

use serde::Serialize;

/// What a chain did to one picture: the steps that were taken, in order, with the values drawn.
///
/// Printed as `blur sigma=0.83; jpeg quality=47`, serialised as a list of objects.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Applied {
    /// The steps taken; a step that its probability left out is missing.
    pub steps: Vec<AppliedStep>,
}

/// One step of an [`Applied`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AppliedStep {
    /// Name of the degradation.
    pub kind: &'static str,
    /// Names and values of what was drawn.
    #[serde(serialize_with = "as_map")]
    pub drawn: Vec<(&'static str, Drawn)>,
}

/// A value that was drawn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Drawn {
    /// A number.
    Number(f64),
    /// One of several names.
    Name(&'static str),
}

impl From<f64> for Drawn {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

impl From<&'static str> for Drawn {
    fn from(name: &'static str) -> Self {
        Self::Name(name)
    }
}

fn as_map<S: serde::Serializer>(
    drawn: &[(&'static str, Drawn)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(drawn.iter().copied())
}

impl fmt::Display for Applied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.steps.is_empty() {
            return f.write_str("nothing");
        }
        for (i, step) in self.steps.iter().enumerate() {
            write!(f, "{}{}", if i > 0 { "; " } else { "" }, step.kind)?;
            for (name, value) in &step.drawn {
                match value {
                    Drawn::Number(value) => {
                        write!(f, " {name}={}", (value * 1000.0).round() / 1000.0)?;
                    }
                    Drawn::Name(value) => write!(f, " {name}={value}")?,
                }
            }
        }
        Ok(())
    }
}
