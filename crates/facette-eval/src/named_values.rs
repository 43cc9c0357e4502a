//! A map that keeps the order in which its entries were made.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Values by name, in the order given; a JSON object whose keys never change places. Rates are named
/// as in `1e-3`, ranks as in `5`.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedValues<T>(pub Vec<(String, T)>);

impl<T> NamedValues<T> {
    /// One entry per rate, named `1e-3` for 0.001.
    pub fn by_rate(rates: &[f64], mut value: impl FnMut(f64) -> T) -> Self {
        Self(rates.iter().map(|&rate| (format!("{rate:e}"), value(rate))).collect())
    }

    /// One entry per rank.
    pub fn by_rank(ranks: &[usize], mut value: impl FnMut(usize) -> T) -> Self {
        Self(ranks.iter().map(|&rank| (rank.to_string(), value(rank))).collect())
    }

    /// The value called `name`.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

impl<T: Serialize> Serialize for NamedValues<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for NamedValues<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = NamedValues<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of names to values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(NamedValues(entries))
            }
        }
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_names_survive_json() {
        let values = NamedValues::by_rate(&[0.1, 0.001, 0.05], |rate| rate * 2.0);
        let text = serde_json::to_string(&values).unwrap();
        assert_eq!(text, r#"{"1e-1":0.2,"1e-3":0.002,"5e-2":0.1}"#);
        assert_eq!(serde_json::from_str::<NamedValues<f64>>(&text).unwrap(), values);
        assert_eq!(values.get("1e-3"), Some(&0.002));
        assert_eq!(NamedValues::by_rank(&[1, 20, 5], |k| k).0[1].0, "20");
    }
}
