//! TOML values into typed settings, with errors that know their key and the keys they could have
//! been.

use serde::de::value::StringDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, Expected, IntoDeserializer,
    MapAccess, SeqAccess, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;
use toml::Value;

/// What is wrong with a recipe, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Keys from the outermost inwards, `stage[0]`, `optimiser`, ...; reversed while it travels
    /// outwards.
    path: Vec<String>,
    problem: String,
}

impl Fault {
    /// The key, dotted.
    pub(crate) fn key(&self) -> String {
        let mut key = String::new();
        for part in self.path.iter().rev() {
            if !key.is_empty() && !part.starts_with('[') {
                key.push('.');
            }
            key.push_str(part);
        }
        key
    }

    pub(crate) fn problem(&self) -> &str {
        &self.problem
    }

    fn under(mut self, part: impl Into<String>) -> Self {
        self.path.push(part.into());
        self
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.key(), self.problem)
    }
}

impl std::error::Error for Fault {}

impl serde::de::Error for Fault {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self { path: Vec::new(), problem: message.to_string() }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::custom(format!("unknown key{}", hint(field, expected))).under(field)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::custom(format!("unknown value {variant:?}{}", hint(variant, expected)))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::custom("missing, and it has no default").under(field)
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format!("expected {expected}, found {found}"))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format!("expected {expected}, found {found}"))
    }
}

/// `, did you mean ...? known: ...` for a name that is not among `known`.
pub(crate) fn hint(name: &str, known: &[&str]) -> String {
    let nearest = known
        .iter()
        .map(|&candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let mut text = match nearest {
        Some((_, candidate)) => format!(", did you mean `{candidate}`?"),
        None => ";".to_owned(),
    };
    match known.is_empty() {
        true => text.push_str(" none is known here"),
        false => text.push_str(&format!(" known: {}", known.join(", "))),
    }
    text
}

/// Reads a `T` out of a TOML table.
pub(crate) fn read<T: DeserializeOwned>(table: toml::Table) -> Result<T, Fault> {
    T::deserialize(Node(Value::Table(table)))
}

/// A value on its way into a type.
struct Node(Value);

/// The entries of a table. A fault in a value is placed under its key here, not in the value's
/// own deserialiser: settings with a `kind` are first taken up whole and read afterwards.
struct Entries {
    rest: toml::map::IntoIter<String, Value>,
    next: Option<(String, Value)>,
}

/// The members of a list.
struct Members {
    rest: std::iter::Enumerate<std::vec::IntoIter<Value>>,
}

impl<'de> MapAccess<'de> for Entries {
    type Error = Fault;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Fault> {
        self.next = self.rest.next();
        let Some((key, _)) = &self.next else { return Ok(None) };
        let key: StringDeserializer<Fault> = key.clone().into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        let (key, value) = self.next.take().expect("serde asks for a key before its value");
        seed.deserialize(Node(value)).map_err(|fault| fault.under(key))
    }
}

impl<'de> SeqAccess<'de> for Members {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Fault> {
        let Some((index, value)) = self.rest.next() else { return Ok(None) };
        let member = seed.deserialize(Node(value));
        member.map(Some).map_err(|fault| fault.under(format!("[{index}]")))
    }
}

impl<'de> Deserializer<'de> for Node {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Value::String(text) => visitor.visit_string(text),
            Value::Integer(number) => visitor.visit_i64(number),
            Value::Float(number) => visitor.visit_f64(number),
            Value::Boolean(flag) => visitor.visit_bool(flag),
            Value::Datetime(date) => visitor.visit_string(date.to_string()),
            Value::Array(list) => visitor.visit_seq(Members { rest: list.into_iter().enumerate() }),
            Value::Table(table) => {
                visitor.visit_map(Entries { rest: table.into_iter(), next: None })
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    /// Variants are names: what has contents is told apart by `kind` instead.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.0 {
            Value::String(variant) => visitor.visit_enum(variant.into_deserializer()),
            other => Err(Fault::custom(format!("expected a name, found {}", other.type_str()))),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[serde(default)]
        list: Vec<Inner>,
        maybe: Option<f64>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        momentum: f64,
        choice: Option<Choice>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
    enum Choice {
        OneCycle { share: f64 },
        Plain,
    }

    fn fault(text: &str) -> String {
        read::<Outer>(text.parse().unwrap()).unwrap_err().to_string()
    }

    #[test]
    fn values_arrive_and_whole_numbers_serve_as_fractions() {
        let text = "maybe = 2\n[[list]]\nmomentum = 1\nchoice = { kind = 'one-cycle', share = 1 }";
        let outer: Outer = read(text.parse().unwrap()).unwrap();
        let choice = Some(Choice::OneCycle { share: 1.0 });
        assert_eq!(outer, Outer { list: vec![Inner { momentum: 1.0, choice }], maybe: Some(2.0) });
    }

    #[test]
    fn faults_name_their_key_and_the_nearest_known_one() {
        assert_eq!(
            fault("[[list]]\nmomentun = 1"),
            "list[0].momentun: unknown key, did you mean `momentum`? known: momentum, choice"
        );
        assert_eq!(fault("[[list]]"), "list[0].momentum: missing, and it has no default");
        assert_eq!(fault("maybe = 'x'"), "maybe: expected f64, found string \"x\"");
        let message = fault("[[list]]\nmomentum = 1\nchoice = { kind = 'onecycle' }");
        assert!(
            message.starts_with("list[0].choice.kind: unknown value \"onecycle\", did you mean"),
            "{message}"
        );
        let message = fault("[[list]]\nmomentum = 1\nchoice = { kind = 'one-cycle', shard = 1 }");
        assert!(
            message.starts_with("list[0].choice.shard: unknown key, did you mean `share`?"),
            "{message}"
        );
    }
}
