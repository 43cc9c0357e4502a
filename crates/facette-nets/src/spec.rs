//! What the registry asks of an architecture.

use std::collections::BTreeMap;

use facette_graph::Graph;

use crate::error::NetsError;
use crate::parameters::Init;

/// Largest picture side an architecture is built for.
const MAX_SIZE: usize = 1024;

/// What a caller decides about a network, whatever its architecture.
#[derive(Debug, Clone, PartialEq)]
pub struct NetOptions {
    /// Side of the square picture in pixels, 1 to 1024.
    pub size: usize,
    /// Channels of the picture: 3 for colour, 1 for grey.
    pub channels: usize,
    /// Length of the embedding; `None` for [`NetSpec::embedding`].
    pub embedding: Option<usize>,
    /// Classes of a classifier on top; `None` for no classifier.
    pub classes: Option<usize>,
    /// Settings that differ from [`NetSpec::defaults`].
    pub settings: toml::Table,
}

impl NetOptions {
    /// The architecture as published, for colour pictures of `size` by `size`, unclassified.
    pub fn new(size: usize) -> Self {
        Self { size, channels: 3, embedding: None, classes: None, settings: toml::Table::new() }
    }

    /// The same with an embedding of `length` values.
    pub fn embedding(mut self, length: usize) -> Self {
        self.embedding = Some(length);
        self
    }

    /// The same with a classifier of `classes` on top.
    pub fn classes(mut self, classes: usize) -> Self {
        self.classes = Some(classes);
        self
    }

    /// The same with one setting changed.
    pub fn set(mut self, key: &str, value: impl Into<toml::Value>) -> Self {
        self.settings.insert(key.to_owned(), value.into());
        self
    }

    /// The settings a network of `net` built with these options has, as a card keeps them.
    pub fn effective(&self, net: &dyn NetSpec) -> BTreeMap<String, serde_json::Value> {
        let mut all = net.defaults();
        all.extend(self.settings.clone());
        let value = |value| serde_json::to_value(value).expect("TOML values are JSON values");
        all.into_iter().map(|(key, setting)| (key, value(setting))).collect()
    }

    pub(crate) fn check(&self, net: &str) -> Result<(), NetsError> {
        let bounds = [
            ("size", Some(self.size), 1, MAX_SIZE),
            ("channels", Some(self.channels), 1, 4096),
            ("embedding", self.embedding, 1, 65_536),
            ("classes", self.classes, 1, 10_000_000),
        ];
        for (setting, value, least, most) in bounds {
            if let Some(value) = value.filter(|value| !(least..=most).contains(value)) {
                return Err(NetsError::Setting {
                    net: net.to_owned(),
                    setting: setting.to_owned(),
                    problem: format!("must be {least} to {most}, found {value}"),
                });
            }
        }
        Ok(())
    }
}

/// How an architecture presents itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Name in recipes and cards, e.g. `resnet20`.
    pub id: &'static str,
    /// Other names it answers to.
    pub aliases: &'static [&'static str],
    /// One line: what it is.
    pub about: &'static str,
    /// Paper and section, or reference code.
    pub source: &'static str,
    /// Side of the picture it was published for, in pixels.
    pub size: usize,
}

/// An architecture: its name in recipes, its documentation, its settings.
pub trait NetSpec: Sync {
    /// How it presents itself.
    fn entry(&self) -> &Entry;
    /// Name in recipes and cards, e.g. `resnet20`.
    fn id(&self) -> &'static str {
        self.entry().id
    }
    /// Other names it answers to.
    fn aliases(&self) -> &'static [&'static str] {
        self.entry().aliases
    }
    /// One line: what it is.
    fn about(&self) -> &'static str {
        self.entry().about
    }
    /// Paper and section, or reference code.
    fn source(&self) -> &'static str {
        self.entry().source
    }
    /// Side of the picture it was published for, in pixels.
    fn native_size(&self) -> usize {
        self.entry().size
    }
    /// Its settings with their defaults.
    fn defaults(&self) -> toml::Table {
        toml::Table::new()
    }
    /// Length of its embedding where the caller does not say; `None` where that is the pooled
    /// penultimate feature and no layer is added.
    fn embedding(&self) -> Option<usize> {
        None
    }
    /// How fresh weights are drawn, as in the reference.
    fn init(&self) -> Init {
        Init::Torch
    }
    /// Describes the network. Use [`crate::build`], which checks the options first.
    ///
    /// # Errors
    /// If a setting is unknown or impossible, or the picture is too small for the network.
    fn build(&self, options: &NetOptions) -> Result<Graph, NetsError>;
}
