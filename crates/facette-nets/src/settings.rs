//! Reading an architecture's settings.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::NetsError;

/// Likeness (Jaro-Winkler) up to which a name is no likely misspelling.
const LIKELY: f64 = 0.6;

/// The settings of `net`: `given` over `own`.
///
/// # Errors
/// If a key is unknown (the nearest one is named) or a value has another type.
pub(crate) fn read<T>(net: &str, own: T, given: &toml::Table) -> Result<T, NetsError>
where
    T: Serialize + DeserializeOwned,
{
    let refuse = |setting: &str, problem: String| NetsError::Setting {
        net: net.to_owned(),
        setting: setting.to_owned(),
        problem,
    };
    let own = defaults(&own);
    let mut all = own.clone();
    for (key, value) in given {
        if !own.contains_key(key) {
            let known: Vec<&str> = own.keys().map(String::as_str).collect();
            return Err(refuse(key, unknown(key, &known, "no setting")));
        }
        let mut one = own.clone();
        one.insert(key.clone(), value.clone());
        if let Err(error) = one.try_into::<T>() {
            return Err(refuse(key, error.message().to_owned()));
        }
        all.insert(key.clone(), value.clone());
    }
    all.try_into::<T>().map_err(|error| refuse("", error.message().to_owned()))
}

/// Refuses every setting, of a network that has none.
///
/// # Errors
/// If there is one.
pub(crate) fn none(net: &str, given: &toml::Table) -> Result<(), NetsError> {
    #[derive(Serialize, Deserialize)]
    struct Nothing {}
    read(net, Nothing {}, given).map(|Nothing {}| ())
}

/// Settings as a table.
pub(crate) fn defaults<T: Serialize>(own: &T) -> toml::Table {
    toml::Table::try_from(own).expect("settings are plain tables")
}

/// Refuses a setting whose list must have as many entries as something else.
pub(crate) fn expect_length(
    net: &str,
    setting: &str,
    found: usize,
    expected: usize,
    what: &str,
) -> Result<(), NetsError> {
    if found == expected {
        return Ok(());
    }
    Err(NetsError::Setting {
        net: net.to_owned(),
        setting: setting.to_owned(),
        problem: format!("takes {expected} entries, {what}; found {found}"),
    })
}

/// Refuses a setting with a value outside `1..=most`.
pub(crate) fn expect_range(
    net: &str,
    setting: &str,
    values: &[usize],
    most: usize,
) -> Result<(), NetsError> {
    match values.iter().find(|value| !(1..=most).contains(*value)) {
        None => Ok(()),
        Some(value) => Err(NetsError::Setting {
            net: net.to_owned(),
            setting: setting.to_owned(),
            problem: format!("must be 1 to {most}, found {value}"),
        }),
    }
}

/// `nothing of that name`, with the nearest of `known` or all of them.
pub(crate) fn unknown(name: &str, known: &[&str], nothing: &str) -> String {
    let nearest = known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness > LIKELY);
    match nearest {
        Some((_, nearest)) => format!("{nothing} of that name; did you mean {nearest:?}?"),
        None if known.is_empty() => format!("{nothing} of that name; there are none"),
        None => format!("{nothing} of that name; there are: {}", known.join(", ")),
    }
}
