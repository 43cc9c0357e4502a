//! What a sweep asks for, one piece of work after the other.

use std::path::{Path, PathBuf};

use super::{ResultRecord, Sweep, SweepModel, SweepRun};
use crate::error::TrainError;
use crate::recipe::Recipe;

/// One piece of work of a sweep: it ends in a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// Name of the row.
    pub name: String,
    /// What is done before it is judged.
    pub work: Work,
    /// How the model is judged; without the names.
    pub protocols: Vec<toml::Table>,
    /// What the table calls each of them; nothing where the list does not say.
    pub headings: Vec<Option<String>>,
    /// Digest of work and protocols: what a record must show to be this one's.
    pub digest: String,
}

/// Where the model comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Work {
    /// A recipe is run.
    Train {
        /// Recipe file.
        file: PathBuf,
        /// Changes, that of the seed included.
        overrides: Vec<String>,
        /// The effective recipe.
        recipe: Box<Recipe>,
    },
    /// It is there already.
    Judge {
        /// The model's file, relative to the data root.
        file: PathBuf,
        /// How it wants to see pictures.
        view: toml::Table,
    },
}

impl Sweep {
    /// The work in order, with the recipes read; `root` is what recipe paths are relative to.
    ///
    /// # Errors
    /// As [`Recipe::read`]; [`TrainError::Recipe`] if two pieces would write the same record.
    pub fn plan(&self, root: &Path) -> Result<Vec<Planned>, TrainError> {
        let mut plan: Vec<Planned> = Vec::new();
        let mut add = |key: String, planned: Planned| {
            let stem = planned.file_stem();
            if plan.iter().any(|other| other.file_stem() == stem) {
                let problem = format!("two rows would write {stem:?}; give each its own name");
                return Err(self.refused(format!("{key}.name"), problem));
            }
            plan.push(planned);
            Ok(())
        };
        for (index, run) in self.runs.iter().enumerate() {
            for planned in self.plan_run(index, run, root)? {
                add(format!("run[{index}]"), planned)?;
            }
        }
        for (index, model) in self.models.iter().enumerate() {
            add(format!("model[{index}]"), self.plan_model(index, model)?)?;
        }
        Ok(plan)
    }

    fn plan_run(
        &self,
        index: usize,
        run: &SweepRun,
        root: &Path,
    ) -> Result<Vec<Planned>, TrainError> {
        let seeds: Vec<Option<u64>> = match run.seeds.is_empty() {
            true => vec![None],
            false => run.seeds.iter().copied().map(Some).collect(),
        };
        let one = |seed: Option<u64>| {
            let mut overrides = run.overrides.clone();
            overrides.extend(seed.map(|seed| format!("seed={seed}")));
            let recipe = Recipe::read(&root.join(&run.recipe), &overrides)?;
            let name = run.name.clone().unwrap_or_else(|| recipe.name.clone());
            let (protocols, headings) = self.protocols(&format!("run[{index}]"), &run.protocols)?;
            let digest = digest(&recipe.to_toml(), &protocols);
            let work =
                Work::Train { file: run.recipe.clone(), overrides, recipe: Box::new(recipe) };
            Ok(Planned { name, work, protocols, headings, digest })
        };
        seeds.into_iter().map(one).collect()
    }

    fn plan_model(&self, index: usize, model: &SweepModel) -> Result<Planned, TrainError> {
        let (protocols, headings) = self.protocols(&format!("model[{index}]"), &model.protocols)?;
        let digest = digest(&format!("{}\n{}", model.file.display(), model.view), &protocols);
        let work = Work::Judge { file: model.file.clone(), view: model.view.clone() };
        Ok(Planned { name: model.name.clone(), work, protocols, headings, digest })
    }

    /// Protocols of a row and their names.
    fn protocols(
        &self,
        row: &str,
        own: &Option<Vec<toml::Table>>,
    ) -> Result<(Vec<toml::Table>, Vec<Option<String>>), TrainError> {
        let mut protocols = own.clone().unwrap_or_else(|| self.protocols.clone());
        let heading = |protocol: &mut toml::Table| match protocol.remove("name") {
            None => Ok(None),
            Some(toml::Value::String(name)) => Ok(Some(name)),
            Some(other) => Err(self
                .refused(format!("{row}.protocol.name"), format!("expected text, found {other}"))),
        };
        let headings = protocols.iter_mut().map(heading).collect::<Result<_, _>>()?;
        Ok((protocols, headings))
    }

    fn refused(&self, key: String, problem: String) -> TrainError {
        TrainError::Recipe { file: self.name.clone(), key, problem }
    }
}

fn digest(work: &str, protocols: &[toml::Table]) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("facette sweep run v1");
    hasher.update(work.as_bytes());
    for protocol in protocols {
        hasher.update(protocol.to_string().as_bytes());
        hasher.update(b"\0");
    }
    hasher.finalize().to_hex().to_string()
}

impl Planned {
    /// Name of the record without `.json`, and of the run's folder: `<name>-<seed>`, or the name
    /// alone of what has no seed.
    pub fn file_stem(&self) -> String {
        match &self.work {
            Work::Train { recipe, .. } => format!("{}-{}", self.name, recipe.seed),
            Work::Judge { .. } => self.name.clone(),
        }
    }

    /// The record of this work in `folder`, if it is finished and was made from the same recipe
    /// or file and protocols; with the headings the list has now.
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
