//! What a student file says about itself, so that it can only be used as it was meant.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::GraphError;
use crate::graph::Graph;
use crate::quantisation::Quantisation;
use crate::strict_json;

/// Version of the card written and the newest one read: major, minor. A new minor version adds
/// fields that older readers may ignore; a new major version changes what a field means.
pub const CARD_VERSION: (u32, u32) = (1, 2);

/// Everything needed to use a student correctly, and to know where it comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// Version of the card, `major.minor`.
    pub version: String,
    /// Version of facette that wrote it.
    pub facette: String,
    /// Architecture in the registry of networks.
    pub architecture: String,
    /// Settings the architecture was built with.
    pub settings: BTreeMap<String, Value>,
    /// The network itself; with it the file can be run without the registry.
    pub graph: Graph,
    /// The picture it takes.
    pub input: InputCard,
    /// The vector it yields.
    pub embedding: EmbeddingCard,
    /// What is stored in bytes; absent where everything is `f32`. Since version 1.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantisation: Option<Quantisation>,
    /// Calibrated thresholds, at least one for each capture size the student is meant for.
    pub thresholds: Vec<Threshold>,
    /// Digest of the effective recipe it was trained by, where there was one.
    pub recipe: Option<String>,
    /// Digest of the pictures it was trained on, where known.
    pub data: Option<String>,
    /// Digest of its teacher, where it had one.
    pub teacher: Option<String>,
    /// What it was measured to do.
    pub accuracy: Vec<Accuracy>,
    /// Licence and terms of use.
    pub terms: String,
    /// Where it comes from, in words.
    pub provenance: String,
}

/// The picture a student takes: `(value / 255 - mean) / std` of each channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InputCard {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Order of the channels.
    pub channels: ChannelOrder,
    /// Mean of each channel, in the network's channel order, of values in 0..1.
    pub mean: Vec<f64>,
    /// Standard deviation of each channel, in the same order and unit.
    pub std: Vec<f64>,
    /// Name of the resampling kernel that brings a crop to this size, e.g. `area`.
    pub resize: String,
    /// Name of the template faces are aligned to before, e.g. `arcface-112`; `none` for pictures
    /// that are taken whole.
    pub template: String,
}

/// Order in which a network takes a picture's channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelOrder {
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red.
    Bgr,
    /// Luma alone.
    Grey,
}

impl ChannelOrder {
    /// How many channels there are.
    pub fn count(self) -> usize {
        match self {
            Self::Rgb | Self::Bgr => 3,
            Self::Grey => 1,
        }
    }
}

/// The vector a student yields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmbeddingCard {
    /// Its length.
    pub dim: usize,
    /// What must still be done before vectors are compared.
    pub norm: Norm,
}

/// What is done to an embedding before it is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Norm {
    /// Nothing: the inner product of the vectors as they are.
    None,
    /// Each vector is divided by its Euclidean length: the cosine.
    L2,
}

/// From which similarity on two pictures show the same person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// Side in pixels at which the faces were captured.
    pub capture: usize,
    /// Similarity (see [`Norm`]) above which two faces are one person's.
    pub threshold: f64,
    /// False accept rate it was calibrated for; `None` for the most accurate threshold.
    pub far: Option<f64>,
    /// Pairs it was calibrated on.
    pub pairs: String,
}

/// A measured figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    /// Protocol, e.g. `lfw`.
    pub protocol: String,
    /// Side of the pictures in pixels.
    pub size: usize,
    /// Accuracy, 0 to 1.
    pub value: f64,
    /// Standard deviation over folds, where there are folds.
    pub std: Option<f64>,
    /// Command that measures it again.
    pub command: String,
}

impl Card {
    /// A card that says only what cannot be left out; the other fields are empty.
    ///
    /// # Errors
    /// As [`Card::check`].
    pub fn new(
        graph: Graph,
        settings: BTreeMap<String, Value>,
        input: InputCard,
        norm: Norm,
        terms: impl Into<String>,
    ) -> Result<Self, GraphError> {
        let dim = graph.shapes()?[graph.taps.embedding].len();
        let card = Self {
            version: written(CARD_VERSION),
            facette: env!("CARGO_PKG_VERSION").to_owned(),
            architecture: graph.architecture.clone(),
            settings,
            graph,
            input,
            embedding: EmbeddingCard { dim, norm },
            quantisation: None,
            thresholds: Vec::new(),
            recipe: None,
            data: None,
            teacher: None,
            accuracy: Vec::new(),
            terms: terms.into(),
            provenance: String::new(),
        };
        card.check()?;
        Ok(card)
    }

    /// The version that cards are written in.
    pub fn current_version() -> String {
        written(CARD_VERSION)
    }

    /// Reads a card from JSON.
    ///
    /// # Errors
    /// If it is of a later major version, not JSON, has a field twice, lacks one, has one that
    /// this version does not know, or is refused by [`Card::check`].
    pub fn from_json(text: &str) -> Result<Self, GraphError> {
        let value = strict_json::parse(text)
            .map_err(|error| GraphError::card("", format!("not JSON: {error}")))?;
        let minor = version_read(&value)?;
        let card: Self = serde_json::from_value(value.clone())
            .map_err(|error| GraphError::card("", error.to_string()))?;
        if minor <= CARD_VERSION.1 {
            let known = serde_json::to_value(&card)
                .map_err(|error| GraphError::card("", error.to_string()))?;
            if let Some(field) = unknown_field(&value, &known, "") {
                return Err(GraphError::card(field, "no field of that name in this version"));
            }
        }
        card.check()?;
        Ok(card)
    }

    /// The card as JSON; the same card gives the same text.
    ///
    /// # Errors
    /// As [`Card::check`].
    pub fn to_json(&self) -> Result<String, GraphError> {
        self.check()?;
        serde_json::to_string(self).map_err(|error| GraphError::card("", error.to_string()))
    }

    /// Whether the fields are possible and agree with each other.
    ///
    /// # Errors
    /// Names the first field that does not.
    pub fn check(&self) -> Result<(), GraphError> {
        let refuse = |field: &str, problem: String| Err(GraphError::card(field, problem));
        self.graph.check()?;
        if self.architecture != self.graph.architecture {
            return refuse(
                "architecture",
                format!("{:?}, the graph's is {:?}", self.architecture, self.graph.architecture),
            );
        }
        self.input.check(&self.graph)?;
        let dim = self.graph.shapes()?[self.graph.taps.embedding].len();
        if self.embedding.dim != dim {
            let problem = format!("{}, the graph yields {dim}", self.embedding.dim);
            return refuse("embedding.dim", problem);
        }
        if let Some(quantisation) = &self.quantisation {
            quantisation.check(&self.graph)?;
        }
        for threshold in &self.thresholds {
            let possible = threshold.threshold.is_finite()
                && threshold.far.is_none_or(|far| (0.0..=1.0).contains(&far));
            if !possible || threshold.capture == 0 {
                return refuse("thresholds", format!("impossible: {threshold:?}"));
            }
        }
        for (field, digest) in
            [("recipe", &self.recipe), ("data", &self.data), ("teacher", &self.teacher)]
        {
            let hexadecimal =
                |text: &String| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
            if let Some(digest) = digest.as_ref().filter(|digest| !hexadecimal(digest)) {
                return refuse(field, format!("a digest has 64 hexadecimal digits: {digest:?}"));
            }
        }
        for accuracy in &self.accuracy {
            let possible = (0.0..=1.0).contains(&accuracy.value)
                && accuracy.std.is_none_or(|std| std.is_finite() && std >= 0.0);
            if !possible || accuracy.protocol.is_empty() || accuracy.size == 0 {
                return refuse("accuracy", format!("impossible: {accuracy:?}"));
            }
        }
        if self.terms.trim().is_empty() {
            return refuse("terms", "empty; say under which terms the file may be used".into());
        }
        Ok(())
    }
}

impl InputCard {
    fn check(&self, graph: &Graph) -> Result<(), GraphError> {
        let refuse =
            |field: &str, problem: String| Err(GraphError::card(format!("input.{field}"), problem));
        let taken = graph.input;
        if (self.width, self.height) != (taken.width, taken.height) {
            let found = format!("{}x{}", self.width, self.height);
            let problem = format!("{found}, the graph takes {}x{}", taken.width, taken.height);
            return refuse("width", problem);
        }
        let count = self.channels.count();
        if count != taken.channels {
            return refuse("channels", format!("{count}, the graph takes {}", taken.channels));
        }
        for (field, values, least) in
            [("mean", &self.mean, f64::NEG_INFINITY), ("std", &self.std, f64::MIN_POSITIVE)]
        {
            if values.len() != count || values.iter().any(|v| !v.is_finite() || *v < least) {
                let problem = format!(
                    "takes {count} finite values{}, found {values:?}",
                    if field == "std" { " above 0" } else { "" }
                );
                return refuse(field, problem);
            }
        }
        for (field, name) in [("resize", &self.resize), ("template", &self.template)] {
            if name.is_empty() {
                return refuse(field, "empty; name it, so that nobody has to guess".into());
            }
        }
        Ok(())
    }
}

fn written((major, minor): (u32, u32)) -> String {
    format!("{major}.{minor}")
}

/// Minor version of the card, if its major version can be read.
fn version_read(card: &Value) -> Result<u32, GraphError> {
    let found = card
        .get("version")
        .and_then(Value::as_str)
        .ok_or_else(|| GraphError::card("version", "missing, or no text like \"1.0\""))?;
    let parts = found
        .split_once('.')
        .and_then(|(major, minor)| Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?)));
    match parts {
        Some((major, minor)) if (1..=CARD_VERSION.0).contains(&major) => Ok(minor),
        Some((major, _)) if major > CARD_VERSION.0 => Err(GraphError::Version {
            found: found.to_owned(),
            read: written(CARD_VERSION),
            running: env!("CARGO_PKG_VERSION"),
        }),
        _ => Err(GraphError::card("version", format!("{found:?} is no version of a card"))),
    }
}

/// Path of the first key of `given` that `known` lacks.
fn unknown_field(given: &Value, known: &Value, path: &str) -> Option<String> {
    let below = |key: &str| match path {
        "" => key.to_owned(),
        _ => format!("{path}.{key}"),
    };
    match (given, known) {
        (Value::Object(given), Value::Object(known)) => {
            given.iter().find_map(|(key, value)| match known.get(key) {
                None => Some(below(key)),
                Some(known) => unknown_field(value, known, &below(key)),
            })
        }
        (Value::Array(given), Value::Array(known)) => given
            .iter()
            .zip(known)
            .enumerate()
            .find_map(|(i, (given, known))| unknown_field(given, known, &below(&i.to_string()))),
        _ => None,
    }
}
