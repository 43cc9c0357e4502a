//! Settings of methods and terms: typed, with defaults in code, unknown keys refused.

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::Table;

use crate::error::DistilError;
use crate::registry::nearest;

/// The defaults of `S` as a table.
pub(crate) fn defaults<S: Default + Serialize>() -> Table {
    table(&S::default())
}

/// Settings as a table.
pub(crate) fn table<S: Serialize>(settings: &S) -> Table {
    Table::try_from(settings).expect("settings are structs of numbers, words and tables")
}

/// `given` over the defaults of `S`.
///
/// # Errors
/// Names the first key that is unknown (with the nearest known one) or has an impossible value.
pub(crate) fn read<S>(owner: &str, given: &Table) -> Result<S, DistilError>
where
    S: Default + Serialize + DeserializeOwned,
{
    read_over(owner, &S::default(), given)
}

/// `given` over `base`.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_over<S>(owner: &str, base: &S, given: &Table) -> Result<S, DistilError>
where
    S: Serialize + DeserializeOwned,
{
    let base = table(base);
    let merged = over(owner, &base, given)?;
    for (key, value) in given {
        // Each key is tried alone first, so that the message can name the one at fault.
        let mut alone = base.clone();
        alone.insert(key.clone(), value.clone());
        alone.try_into::<S>().map_err(|e| refuse(owner, key, e.message().to_owned()))?;
    }
    merged.try_into().map_err(|e: toml::de::Error| refuse(owner, "", e.message().to_owned()))
}

/// `given` over `base`, values as they are.
///
/// # Errors
/// Names the first key that `base` does not have, and the nearest that it has.
pub(crate) fn over(owner: &str, base: &Table, given: &Table) -> Result<Table, DistilError> {
    let known: Vec<&str> = base.keys().map(String::as_str).collect();
    let mut merged = base.clone();
    for (key, value) in given {
        if merged.insert(key.clone(), value.clone()).is_none() {
            let hint = match nearest(key, known.iter().copied()) {
                Some(near) => format!("no such setting, did you mean {near:?}?"),
                None if known.is_empty() => "no such setting; it has none".into(),
                None => format!("no such setting; known are {}", known.join(", ")),
            };
            return Err(refuse(owner, key, hint));
        }
    }
    Ok(merged)
}

/// A refused setting.
pub(crate) fn refuse(owner: &str, setting: &str, problem: impl Into<String>) -> DistilError {
    DistilError::Setting {
        owner: owner.to_owned(),
        setting: setting.to_owned(),
        problem: problem.into(),
    }
}

/// Refuses a number that is not finite and above zero.
pub(crate) fn positive(owner: &str, setting: &str, value: f64) -> Result<(), DistilError> {
    let fine = value.is_finite() && value > 0.0;
    check(owner, setting, fine, || format!("expected a number above 0, found {value}"))
}

/// Refuses a number outside `low..=high`.
pub(crate) fn within(
    owner: &str,
    setting: &str,
    value: f64,
    low: f64,
    high: f64,
) -> Result<(), DistilError> {
    let fine = value.is_finite() && (low..=high).contains(&value);
    check(owner, setting, fine, || match high.is_finite() {
        true => format!("expected {low} to {high}, found {value}"),
        false => format!("expected {low} or more, found {value}"),
    })
}

/// Longest vector a term may map embeddings to.
pub(crate) const LONGEST: usize = 65_536;

/// Refuses a length that is not 1 to [`LONGEST`].
pub(crate) fn length(owner: &str, setting: &str, value: usize) -> Result<(), DistilError> {
    check(owner, setting, (1..=LONGEST).contains(&value), || {
        format!("expected 1 to {LONGEST}, found {value}")
    })
}

/// Refuses where `fine` does not hold.
pub(crate) fn check(
    owner: &str,
    setting: &str,
    fine: bool,
    problem: impl FnOnce() -> String,
) -> Result<(), DistilError> {
    if fine { Ok(()) } else { Err(refuse(owner, setting, problem())) }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Form {
        Plain,
        Fancy,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Settings {
        temperature: f64,
        form: Form,
    }

    impl Default for Settings {
        fn default() -> Self {
            Self { temperature: 4.0, form: Form::Plain }
        }
    }

    fn parse(text: &str) -> Result<Settings, String> {
        read("kd", &text.parse::<Table>().unwrap()).map_err(|e| e.to_string())
    }

    #[test]
    fn given_keys_stand_over_defaults() {
        assert_eq!(parse(""), Ok(Settings::default()));
        assert_eq!(parse("temperature = 3"), Ok(Settings { temperature: 3.0, form: Form::Plain }));
        assert_eq!(parse("form = 'fancy'").map(|s| s.form), Ok(Form::Fancy));
    }

    #[test]
    fn messages_name_owner_key_and_way_out() {
        let message = parse("temprature = 3").unwrap_err();
        assert!(message.contains("kd") && message.contains("\"temperature\""), "{message}");
        let message = parse("form = 'fanci'").unwrap_err();
        assert!(message.contains("\"form\"") && message.contains("fancy"), "{message}");
        let message = parse("temperature = 'hot'").unwrap_err();
        assert!(message.contains("\"temperature\"") && message.contains("hot"), "{message}");
        let message = parse("zzzzzzzzzzzz = 1").unwrap_err();
        assert!(message.contains("form, temperature"), "{message}");
    }
}
