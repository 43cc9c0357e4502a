//! Many runs from one file, in pieces: what is finished is skipped, and every finished run leaves
//! a record.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::artefact;
use crate::error::TrainError;
use crate::recipe::{Recipe, reader, refused, table};
use crate::record::Machine;

/// A list of recipes with overrides and seeds.
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
    /// Rows of the table.
    #[serde(rename = "run")]
    pub runs: Vec<SweepRun>,
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
    /// Changes, as for [`Recipe::parse`].
    #[serde(default)]
    pub overrides: Vec<String>,
    /// Seeds; the recipe's where not given.
    #[serde(default)]
    pub seeds: Vec<u64>,
    /// How the finished student is judged, where it is not as for all.
    #[serde(default, rename = "protocol")]
    pub protocols: Option<Vec<toml::Table>>,
}

/// One run of a sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedRun {
    /// Name of the row.
    pub name: String,
    /// Recipe file.
    pub file: PathBuf,
    /// Changes, that of the seed included.
    pub overrides: Vec<String>,
    /// The effective recipe.
    pub recipe: Recipe,
    /// How the finished student is judged; without the names.
    pub protocols: Vec<toml::Table>,
    /// What the table calls each of them; nothing where the list does not say.
    pub headings: Vec<Option<String>>,
    /// Digest of recipe and protocols: what a record must show to be this run's.
    pub digest: String,
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
        match sweep.runs.is_empty() {
            false => Ok(sweep),
            true => Err(TrainError::Recipe {
                file: file.to_owned(),
                key: "run".into(),
                problem: "expected at least one [[run]]".into(),
            }),
        }
    }

    /// The runs in order, with their recipes read; `root` is what recipe paths are relative to.
    ///
    /// # Errors
    /// As [`Recipe::read`]; [`TrainError::Recipe`] if two runs would write the same record.
    pub fn plan(&self, root: &Path) -> Result<Vec<PlannedRun>, TrainError> {
        let mut plan: Vec<PlannedRun> = Vec::new();
        for (index, run) in self.runs.iter().enumerate() {
            let file = root.join(&run.recipe);
            let seeds: Vec<Option<u64>> = match run.seeds.is_empty() {
                true => vec![None],
                false => run.seeds.iter().copied().map(Some).collect(),
            };
            for seed in seeds {
                let mut overrides = run.overrides.clone();
                overrides.extend(seed.map(|seed| format!("seed={seed}")));
                let recipe = Recipe::read(&file, &overrides)?;
                let name = run.name.clone().unwrap_or_else(|| recipe.name.clone());
                let mut protocols = run.protocols.clone().unwrap_or_else(|| self.protocols.clone());
                let headings = protocols.iter_mut().map(heading).collect::<Result<_, _>>();
                let headings = headings.map_err(|problem| TrainError::Recipe {
                    file: self.name.clone(),
                    key: format!("run[{index}].protocol.name"),
                    problem,
                })?;
                let digest = digest(&recipe, &protocols);
                let planned = PlannedRun {
                    name,
                    file: run.recipe.clone(),
                    overrides,
                    recipe,
                    protocols,
                    headings,
                    digest,
                };
                if plan.iter().any(|other| other.file_stem() == planned.file_stem()) {
                    return Err(TrainError::Recipe {
                        file: self.name.clone(),
                        key: format!("run[{index}].name"),
                        problem: format!(
                            "two runs would write {:?}; give each row its own name",
                            planned.file_stem()
                        ),
                    });
                }
                plan.push(planned);
            }
        }
        Ok(plan)
    }
}

/// Takes the name out of a protocol's settings.
fn heading(protocol: &mut toml::Table) -> Result<Option<String>, String> {
    match protocol.remove("name") {
        None => Ok(None),
        Some(toml::Value::String(name)) => Ok(Some(name)),
        Some(other) => Err(format!("expected text, found {other}")),
    }
}

fn digest(recipe: &Recipe, protocols: &[toml::Table]) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("facette sweep run v1");
    hasher.update(recipe.to_toml().as_bytes());
    for protocol in protocols {
        hasher.update(protocol.to_string().as_bytes());
        hasher.update(b"\0");
    }
    hasher.finalize().to_hex().to_string()
}

impl PlannedRun {
    /// Name of the run's folder and, with `.json`, of its record: `<name>-<seed>`.
    pub fn file_stem(&self) -> String {
        format!("{}-{}", self.name, self.recipe.seed)
    }

    /// The record of this run in `folder`, if it is finished and was made from the same recipe
    /// and protocols; with the headings the list has now.
    ///
    /// # Errors
    /// [`TrainError::Io`], [`TrainError::Resume`] if the file is no record.
    pub fn finished(&self, folder: &Path) -> Result<Option<ResultRecord>, TrainError> {
        let path = folder.join(format!("{}.json", self.file_stem()));
        if !path.exists() {
            return Ok(None);
        }
        let record = ResultRecord { headings: self.headings.clone(), ..ResultRecord::read(&path)? };
        Ok(Some(record).filter(|record| record.digest == self.digest))
    }
}

/// What a finished run leaves under `docs/results`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResultRecord {
    /// Name of the row.
    pub name: String,
    /// Recipe file.
    pub recipe: PathBuf,
    /// Changes to it.
    pub overrides: Vec<String>,
    /// Seed.
    pub seed: u64,
    /// Digest of the effective recipe and the protocols.
    pub digest: String,
    /// Version of facette.
    pub version: String,
    /// Day of the run, as the caller writes it.
    pub date: String,
    /// Where it ran.
    pub machine: Machine,
    /// Threads of the computation.
    pub threads: usize,
    /// Seconds of training, interruptions not counted.
    pub seconds: f64,
    /// Learned values of the student as saved.
    pub parameters: usize,
    /// What tables call the judgements.
    #[serde(default)]
    pub headings: Vec<Option<String>>,
    /// What the protocols measured, as the judge writes it.
    pub judgements: serde_json::Value,
}

impl ResultRecord {
    /// Reads a record.
    ///
    /// # Errors
    /// [`TrainError::Io`]; [`TrainError::Resume`] if it is none.
    pub fn read(path: &Path) -> Result<Self, TrainError> {
        let text = std::fs::read_to_string(path).map_err(|e| TrainError::io("read", path, e))?;
        serde_json::from_str(&text).map_err(|e| TrainError::Resume {
            path: path.to_owned(),
            problem: format!("is no record of a run: {e}"),
        })
    }

    /// Writes `<name>-<seed>.json` into `folder`.
    ///
    /// # Errors
    /// [`TrainError::Io`].
    pub fn write(&self, folder: &Path) -> Result<PathBuf, TrainError> {
        artefact::folder(folder)?;
        let path = folder.join(format!("{}-{}.json", self.name, self.seed));
        let mut text = serde_json::to_string_pretty(self).expect("records are plain values");
        text.push('\n');
        artefact::write(&path, text.as_bytes())?;
        Ok(path)
    }
}
