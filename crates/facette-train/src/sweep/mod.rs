//! Many runs from one file, in pieces: what is finished is skipped, and every finished run leaves
//! a record.

mod plan;
mod record;

pub use plan::{Planned, Work};
pub use record::{ResultRecord, Training};

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::TrainError;
use crate::recipe::{reader, refused, table};

/// A list of recipes with overrides and seeds, and of models to be judged beside them.
///
/// ```
/// let text = r#"
///     name = "cifar"
///     [[run]]
///     recipe = "recipes/cifar100-kd.toml"
///     seeds = [1, 2, 3]
///     overrides = ["stage.0.epochs=30"]
/// "#;
/// let sweep = facette_train::Sweep::parse("cifar.toml", text, &[]).unwrap();
/// assert_eq!(sweep.runs[0].seeds, [1, 2, 3]);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sweep {
    /// Name of the table.
    pub name: String,
    /// One line: what it shows.
    #[serde(default)]
    pub about: String,
    /// How every finished student is judged, unless the run says otherwise; settings of
    /// protocols, as the judge understands them. `name` is what the table calls the measure.
    #[serde(default, rename = "protocol")]
    pub protocols: Vec<toml::Table>,
    /// Rows of the table that are trained.
    #[serde(default, rename = "run")]
    pub runs: Vec<SweepRun>,
    /// Rows below them: models that are there already.
    #[serde(default, rename = "model")]
    pub models: Vec<SweepModel>,
}

/// One row: a recipe, what is changed in it, and its seeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SweepRun {
    /// Recipe file, relative to the working directory.
    pub recipe: PathBuf,
    /// Name of the records; the recipe's name where not given. Rows that share a recipe need
    /// their own.
    #[serde(default)]
    pub name: Option<String>,
    /// Changes, as for [`crate::Recipe::parse`].
    #[serde(default)]
    pub overrides: Vec<String>,
    /// Seeds; the recipe's where not given.
    #[serde(default)]
    pub seeds: Vec<u64>,
    /// How the finished student is judged, where it is not as for all.
    #[serde(default, rename = "protocol")]
    pub protocols: Option<Vec<toml::Table>>,
}

/// One row: a model that is judged as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SweepModel {
    /// Name of the row and of its record.
    pub name: String,
    /// The model's file, relative to the data root.
    pub file: PathBuf,
    /// How it wants to see pictures, where its file does not say; as the judge understands it.
    #[serde(default)]
    pub view: toml::Table,
    /// How it is judged, where it is not as for all.
    #[serde(default, rename = "protocol")]
    pub protocols: Option<Vec<toml::Table>>,
}

impl Sweep {
    /// Reads the sweep in the file at `path`.
    ///
    /// # Errors
    /// [`TrainError::Io`], [`TrainError::Recipe`].
    pub fn read(path: &Path, overrides: &[String]) -> Result<Self, TrainError> {
        let text = std::fs::read_to_string(path).map_err(|e| TrainError::io("read", path, e))?;
        Self::parse(&path.display().to_string(), &text, overrides)
    }

    /// Reads a sweep. `file` is what messages call it.
    ///
    /// # Errors
    /// [`TrainError::Recipe`], naming the key.
    pub fn parse(file: &str, text: &str, overrides: &[String]) -> Result<Self, TrainError> {
        let sweep: Self =
            reader::read(table(file, text, overrides)?).map_err(|fault| refused(file, &fault))?;
        match sweep.runs.is_empty() && sweep.models.is_empty() {
            false => Ok(sweep),
            true => Err(TrainError::Recipe {
                file: file.to_owned(),
                key: "run".into(),
                problem: "expected at least one [[run]] or [[model]]".into(),
            }),
        }
    }
}
