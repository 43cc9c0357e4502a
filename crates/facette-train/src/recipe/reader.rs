//! TOML values into typed settings, with errors that know their key and the keys they could have
//! been.

use serde::de::value::{MapDeserializer, SeqDeserializer, StringDeserializer};
use serde::de::{
    DeserializeOwned, Deserializer, EnumAccess, Error as _, Expected, IntoDeserializer, Unexpected,
    VariantAccess, Visitor,
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
    T::deserialize(Node { key: None, value: Value::Table(table) })
}

/// A value and the key it stands under.
struct Node {
    key: Option<String>,
    value: Value,
}

impl Node {
    fn under(key: impl Into<String>, value: Value) -> Self {
        Self { key: Some(key.into()), value }
    }

    fn visit<'de, V: Visitor<'de>>(value: Value, visitor: V) -> Result<V::Value, Fault> {
        match value {
            Value::String(text) => visitor.visit_string(text),
            Value::Integer(number) => visitor.visit_i64(number),
            Value::Float(number) => visitor.visit_f64(number),
            Value::Boolean(flag) => visitor.visit_bool(flag),
            Value::Datetime(date) => visitor.visit_string(date.to_string()),
            Value::Array(values) => visitor.visit_seq(SeqDeserializer::new(
                values
                    .into_iter()
                    .enumerate()
                    .map(|(index, value)| Node::under(format!("[{index}]"), value)),
            )),
            Value::Table(table) => visitor.visit_map(MapDeserializer::new(
                table.into_iter().map(|(key, value)| (key.clone(), Node::under(key, value))),
            )),
        }
    }

    fn placed<T>(key: Option<String>, result: Result<T, Fault>) -> Result<T, Fault> {
        result.map_err(|fault| match key {
            Some(key) => fault.under(key),
            None => fault,
        })
    }
}

impl<'de> IntoDeserializer<'de, Fault> for Node {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Node {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        Self::placed(self.key, Self::visit(self.value, visitor))
    }

    /// Whole numbers may stand where a fraction is expected.
    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let value = match self.value {
            Value::Integer(number) => Value::Float(number as f64),
            other => other,
        };
        Self::placed(self.key, Self::visit(value, visitor))
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

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let result = match self.value {
            Value::String(variant) => visitor.visit_enum(variant.into_deserializer()),
            Value::Table(table) if table.len() == 1 => visitor.visit_enum(Tagged(table)),
            other => Err(Fault::custom(format!("expected a name, found {}", other.type_str()))),
        };
        Self::placed(self.key, result)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// `{ variant = contents }`.
struct Tagged(toml::Table);

impl<'de> EnumAccess<'de> for Tagged {
    type Error = Fault;
    type Variant = Node;

    fn variant_seed<S: serde::de::DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Node), Fault> {
        let Some((variant, contents)) = self.0.into_iter().next() else {
            return Err(Fault::custom("expected a name, found an empty table"));
        };
        let name: StringDeserializer<Fault> = variant.clone().into_deserializer();
        Ok((seed.deserialize(name)?, Node::under(variant, contents)))
    }
}

impl<'de> VariantAccess<'de> for Node {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        Err(Fault::custom("takes no settings"))
    }

    fn newtype_variant_seed<S: serde::de::DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<S::Value, Fault> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_any(visitor)
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
        assert!(message.starts_with("list[0].choice: unknown value \"onecycle\", did you mean"));
        let message = fault("[[list]]\nmomentum = 1\nchoice = { kind = 'one-cycle', shard = 1 }");
        assert!(message.starts_with("list[0].choice.shard: unknown key, did you mean `share`?"));
    }
}
