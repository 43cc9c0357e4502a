//! A term chosen in a recipe, with its weight and settings.

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::error::DistilError;
use crate::method::Tie;
use crate::registry::{find_head, find_term};
use crate::settings::{check, refuse};
use crate::term::Context;

/// A term chosen in a recipe: `{ term = "arcface", weight = 0.1, scale = 30 }`, or only its name.
/// Keys other than `term` and `weight` are settings of the term. A weight of 0 leaves it out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub(crate) struct Weighted {
    pub(crate) term: String,
    pub(crate) weight: f64,
    pub(crate) settings: Table,
}

impl Weighted {
    pub(crate) fn new(term: &str, weight: f64) -> Self {
        Self { term: term.to_owned(), weight, settings: Table::new() }
    }

    /// The same with one setting of the term changed.
    pub(crate) fn with(mut self, setting: &str, value: impl Into<Value>) -> Self {
        self.settings.insert(setting.to_owned(), value.into());
        self
    }

    /// The same with the settings of the term in full; `setting` is the key it stands under.
    ///
    /// # Errors
    /// If the term or one of its settings is unknown.
    pub(crate) fn in_full(&self, owner: &str, setting: &str) -> Result<Self, DistilError> {
        check(owner, setting, self.weight.is_finite() && self.weight >= 0.0, || {
            format!("expected a weight of 0 or more, found {}", self.weight)
        })?;
        let mut settings = find_term(&self.term)?.defaults();
        for (key, value) in &self.settings {
            if settings.insert(key.clone(), value.clone()).is_none() {
                let problem = format!("the term {:?} has no such setting", self.term);
                return Err(refuse(owner, &format!("{setting}.{key}"), problem));
            }
        }
        Ok(Self { settings, ..self.clone() })
    }

    /// As [`Weighted::in_full`], for a term that must be a head.
    ///
    /// # Errors
    /// If it is none, too.
    pub(crate) fn head_in_full(&self, owner: &str, setting: &str) -> Result<Self, DistilError> {
        find_head(&self.term)?;
        self.in_full(owner, setting)
    }

    /// The tie of this term to `learner`, unless its weight is 0.
    ///
    /// # Errors
    /// As the term's own building.
    pub(crate) fn tie(
        &self,
        learner: usize,
        target: Option<usize>,
        context: &Context<'_>,
    ) -> Result<Option<Tie>, DistilError> {
        if self.weight == 0.0 {
            return Ok(None);
        }
        let term = find_term(&self.term)?.build(&self.settings, context)?;
        Ok(Some(Tie { learner, target, weight: self.weight, detach_target: true, term }))
    }
}

impl TryFrom<Value> for Weighted {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let mut table = match value {
            Value::String(term) => return Ok(Self::new(&term, 1.0)),
            Value::Table(table) => table,
            other => {
                return Err(format!(
                    "expected the name of a term or a table such as {{ term = \"cosine\", \
                     weight = 1.0 }}, found {} {other}",
                    other.type_str()
                ));
            }
        };
        let term = match table.remove("term") {
            Some(Value::String(term)) => term,
            Some(other) => return Err(format!("term: expected a name, found {other}")),
            None => return Err("expected a table with the key `term`".into()),
        };
        let weight = match table.remove("weight") {
            None => 1.0,
            Some(Value::Float(weight)) => weight,
            Some(Value::Integer(weight)) => weight as f64,
            Some(other) => return Err(format!("weight: expected a number, found {other}")),
        };
        Ok(Self { term, weight, settings: table })
    }
}

impl From<Weighted> for Value {
    fn from(choice: Weighted) -> Self {
        let mut table = Table::new();
        table.insert("term".into(), choice.term.into());
        table.insert("weight".into(), choice.weight.into());
        table.extend(choice.settings);
        Value::Table(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Weighted, String> {
        let mut table: Table = text.parse().unwrap();
        table.remove("x").unwrap().try_into().map_err(|e: toml::de::Error| e.message().to_owned())
    }

    #[test]
    fn a_name_or_a_table_chooses_a_term() {
        assert_eq!(parse("x = 'cosine'"), Ok(Weighted::new("cosine", 1.0)));
        let long = parse("x = { term = 'kd', weight = 2, temperature = 3 }").unwrap();
        assert_eq!(long, Weighted::new("kd", 2.0).with("temperature", 3));
        let value: Value = long.clone().into();
        assert_eq!(Weighted::try_from(value), Ok(long));
        assert!(parse("x = 3").unwrap_err().contains("integer"));
        assert!(parse("x = { weight = 3 }").unwrap_err().contains("`term`"));
    }

    #[test]
    fn unknown_terms_and_settings_are_named() {
        let error = Weighted::new("cosin", 1.0).in_full("feature", "regression").unwrap_err();
        assert!(error.to_string().contains("did you mean \"cosine\""), "{error}");
        let odd = Weighted::new("kd", 1.0).with("temprature", 3);
        let error = odd.in_full("feature", "regression").unwrap_err().to_string();
        assert!(error.contains("regression.temprature"), "{error}");
        assert!(Weighted::new("kd", -1.0).in_full("feature", "regression").is_err());
        assert!(Weighted::new("kd", 1.0).head_in_full("none", "head").is_err());
    }
}
