//! Parquet files in the layout of Hugging Face datasets.

mod columns;
mod files;
mod labels;
mod schema;
mod table;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use self::labels::Labels;
use self::table::Table;
use crate::dataset::Item;
use crate::features::FeatureTable;
use crate::registry::{DatasetSpec, SettingSpec};
use crate::{DataError, Dataset, Source, Storage};

/// `struct{bytes, path}` pictures, a label column, perhaps a feature column.
pub(crate) struct Parquet;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    split: Option<String>,
    picture: Option<String>,
    label: Option<String>,
    feature: Option<String>,
    keep_mb: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { split: None, picture: None, label: None, feature: None, keep_mb: 1024 }
    }
}

impl DatasetSpec for Parquet {
    fn id(&self) -> &'static str {
        "parquet"
    }

    fn about(&self) -> &'static str {
        "Parquet files as Hugging Face datasets come in, with teacher features where there are some"
    }

    fn layout(&self) -> &'static str {
        "PATH is a file, or a folder with SPLIT-*.parquet in it or in its `data`; columns: encoded \
         pictures (struct{bytes,path} or binary), a label (integer or string; class names from the \
         file's own metadata), perhaps a feature (list of float16, float32 or float64); pictures \
         are named by `path`, or FILE/ROW where paths are missing or not unique"
    }

    fn settings(&self) -> &'static [SettingSpec] {
        &[
            SettingSpec {
                key: "split",
                about: "which files of a folder: those named SPLIT-... or SPLIT.parquet; needed \
                        where there are several splits",
            },
            SettingSpec { key: "picture", about: "picture column; the only one there is" },
            SettingSpec {
                key: "label",
                about: "label column; the only one named label, labels, identity, class, \
                        fine_label or target",
            },
            SettingSpec {
                key: "feature",
                about: "feature column, or \"\" for none; the one named feature, features or \
                        embedding, if any",
            },
            SettingSpec {
                key: "keep_mb",
                about: "memory for encoded pictures, read a row group at a time, in MB; 1024",
            },
        ]
    }

    fn open(&self, source: &Source) -> Result<Dataset, DataError> {
        let settings: Settings = source.typed(self)?;
        let root = source.required_path()?;
        let paths = files::find(root, settings.split.as_deref())?;
        let limit = settings.keep_mb.saturating_mul(1_000_000) / paths.len() as u64;
        let wanted = schema::Wanted {
            picture: settings.picture.as_deref(),
            label: settings.label.as_deref(),
            feature: settings.feature.as_deref(),
        };
        let mut tables = Vec::new();
        let mut rows = Rows::default();
        for path in &paths {
            let (table, columns) = Table::open(path, &wanted, limit)?;
            rows.add(path, &table, &columns)?;
            tables.push(table);
        }
        rows.dataset(root, &paths, tables)
    }
}

/// Everything but the pictures, of all files in turn.
#[derive(Default)]
struct Rows {
    counts: Vec<usize>,
    names: Vec<Option<String>>,
    labels: Labels,
    features: Vec<f32>,
    width: usize,
    featured: Vec<usize>,
}

impl Rows {
    fn add(
        &mut self,
        path: &Path,
        table: &Table,
        columns: &schema::Columns,
    ) -> Result<(), DataError> {
        let start = self.names.len();
        // Reading a column proves the number of rows, which is only a claim before.
        self.labels.add(path, table, columns.label)?;
        match columns.name {
            Some(name) => self.names.extend(table.texts(name)?),
            None => self.names.resize(start + table.rows(), None),
        }
        self.counts.push(table.rows());
        if let Some(feature) = columns.feature {
            let vectors = table.vectors(feature)?;
            if self.width != 0 && vectors.width != 0 && vectors.width != self.width {
                return Err(DataError::record(
                    path,
                    format!("column {:?}", table.column_name(feature)),
                    format!("{} values a row; earlier files have {}", vectors.width, self.width),
                ));
            }
            self.width = self.width.max(vectors.width);
            self.features.extend(vectors.values);
            self.featured.extend(vectors.rows.iter().map(|row| start + row));
        }
        Ok(())
    }

    fn dataset(
        self,
        root: &Path,
        paths: &[std::path::PathBuf],
        tables: Vec<Table>,
    ) -> Result<Dataset, DataError> {
        let distinct: HashSet<_> = self.names.iter().flatten().filter(|n| !n.is_empty()).collect();
        let named = distinct.len() == self.names.len();
        let (classes, labels) = self.labels.numbered()?;
        let mut items = Vec::with_capacity(labels.len());
        for ((table, path), count) in tables.into_iter().zip(paths).zip(self.counts) {
            let storage: Arc<dyn Storage> = Arc::new(table);
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            for row in 0..count {
                let place = items.len();
                let name = match &self.names[place] {
                    Some(name) if named => name.clone(),
                    _ => format!("{stem}/{row:06}"),
                };
                items.push(Item::new(name, labels[place], Arc::clone(&storage), row));
            }
        }
        if items.is_empty() {
            return Err(DataError::layout(root, "no rows"));
        }
        if !self.featured.is_empty() {
            let owner = root.display().to_string();
            let table = Arc::new(FeatureTable::new(&owner, self.width, self.features)?);
            for (row, &place) in self.featured.iter().enumerate() {
                items[place].feature = Some((Arc::clone(&table), row));
            }
        }
        Dataset::new(classes, items)
    }
}
