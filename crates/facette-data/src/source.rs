//! A source of pictures as a recipe states it, and how sources become one data set.

use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::features::check_widths;
use crate::features_file::read_features_file;
use crate::registry::{DatasetSpec, dataset_spec};
use crate::{DataError, Dataset};

/// One source of pictures: what a recipe says under `[[data.sources]]`.
///
/// ```
/// let text = r#"
///     kind = "parquet"
///     path = "faces48.parquet"
///     label = "identity"
/// "#;
/// let source: facette_data::Source = toml::from_str(text).unwrap();
/// assert_eq!(source.settings["label"].as_str(), Some("identity"));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// Which reader: an id of [`DATASETS`](crate::DATASETS).
    pub kind: String,
    /// What stands before the names of its pictures and identities where several sources make
    /// one data set; the kind and the source's number if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The folder or file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// A features file for its pictures: see [`read_features_file`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<PathBuf>,
    /// The settings that only this kind knows.
    #[serde(flatten)]
    pub settings: toml::Table,
}

impl Source {
    /// A source of `kind` with default settings.
    pub fn new(kind: &str, path: Option<PathBuf>) -> Self {
        Self {
            kind: kind.to_owned(),
            name: None,
            path,
            features: None,
            settings: toml::Table::new(),
        }
    }

    /// The same with one more setting.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<toml::Value>) -> Self {
        self.settings.insert(key.to_owned(), value.into());
        self
    }

    /// Opens the source: finds its pictures and their classes, reads features where there are
    /// some, decodes nothing.
    ///
    /// # Errors
    /// [`DataError::UnknownKind`], [`DataError::Setting`], or whatever is wrong with the files.
    pub fn open(&self) -> Result<Dataset, DataError> {
        let mut dataset = dataset_spec(&self.kind)?.open(self)?;
        if let Some(path) = &self.features {
            read_features_file(&mut dataset, path)?;
        }
        Ok(dataset)
    }

    /// The kind's own settings as its type, unknown keys refused.
    pub(crate) fn typed<T: DeserializeOwned>(
        &self,
        spec: &dyn DatasetSpec,
    ) -> Result<T, DataError> {
        let mut known = vec!["kind", "name", "path", "features"];
        known.extend(spec.settings().iter().map(|setting| setting.key));
        if let Some(key) = self.settings.keys().find(|key| !known.contains(&key.as_str())) {
            let near = nearest(key, known.iter().copied());
            let near = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
            return Err(self.refuse(key, format!("unknown{near}; known: {}", known.join(", "))));
        }
        // The culprit is the key without which the rest is understood.
        let table = toml::Value::Table(self.settings.clone());
        table.try_into().map_err(|e: toml::de::Error| {
            let culprit = self.settings.keys().find(|key| {
                let mut rest = self.settings.clone();
                rest.remove(*key);
                toml::Value::Table(rest).try_into::<T>().is_ok()
            });
            self.refuse(culprit.map_or("?", String::as_str), e.message().to_owned())
        })
    }

    /// The path, which this kind needs.
    pub(crate) fn required_path(&self) -> Result<&PathBuf, DataError> {
        self.path
            .as_ref()
            .ok_or_else(|| self.refuse("path", "missing; expected a folder or file".to_owned()))
    }

    pub(crate) fn refuse(&self, key: &str, problem: String) -> DataError {
        DataError::setting(format!("source {:?}", self.kind), key, problem)
    }
}

/// Opens all sources as one data set, in their order.
///
/// The identities of different sources are different classes: labels of the second source follow
/// those of the first. With several sources, `NAME/` stands before the names of pictures and
/// classes (see [`Source::name`]); with one, names are left alone.
///
/// # Errors
/// As [`Source::open`]; [`DataError::Duplicate`] if two sources share a name;
/// [`DataError::Features`] if their features differ in width; [`DataError::Selection`] if there
/// is no source.
pub fn open_sources(sources: &[Source]) -> Result<Dataset, DataError> {
    if let [source] = sources {
        return source.open();
    }
    let named = |(i, source): (usize, &Source)| {
        let name = source.name.clone().unwrap_or_else(|| format!("{}-{}", source.kind, i + 1));
        Ok((name, source.open()?))
    };
    concat(sources.iter().enumerate().map(named).collect::<Result<_, DataError>>()?)
}

/// One data set after the other; `NAME/` is put before the names of pictures and classes.
///
/// # Errors
/// [`DataError::Duplicate`] if two parts share a name, [`DataError::Features`] if their features
/// differ in width, [`DataError::Selection`] if there is no part.
pub fn concat(parts: Vec<(String, Dataset)>) -> Result<Dataset, DataError> {
    let mut classes = Vec::new();
    let mut items = Vec::new();
    for (place, (name, part)) in parts.iter().enumerate() {
        if parts[..place].iter().any(|(other, _)| other == name) {
            let remedy = "give each source its own `name`";
            return Err(DataError::Duplicate { what: "source", name: name.clone(), remedy });
        }
        let offset = classes.len();
        classes.extend(part.classes().iter().map(|class| format!("{name}/{class}")));
        items.extend(part.items().iter().cloned().map(|mut item| {
            item.name = format!("{name}/{}", item.name);
            item.label += offset;
            item
        }));
    }
    let dataset = Dataset::new(classes, items)?;
    let names: Vec<_> = parts.iter().map(|(name, _)| name.as_str()).collect();
    let features = dataset.items().iter().map(|item| (item.name.as_str(), &item.feature));
    check_widths(&names.join(" + "), features)?;
    Ok(dataset)
}

/// The one of `known` that a misspelt `name` most likely means.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .filter(|(similarity, _)| *similarity > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}
