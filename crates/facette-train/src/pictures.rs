//! The pictures that a recipe names.

use std::path::Path;

use facette_data::{Dataset, Prepared, open_sources};

use crate::error::TrainError;
use crate::observer::{Event, Observer};
use crate::recipe::Recipe;
use crate::run::Paths;

/// The pictures that a recipe names.
#[derive(Debug, Clone)]
pub struct Pictures {
    /// Those that are trained on.
    pub train: Dataset,
    /// Those that `data.split` holds out for validation: of some identities, or some of each.
    pub held_out: Option<Dataset>,
}

impl Pictures {
    /// Finds the pictures of `recipe` under the data root, and decodes nothing.
    ///
    /// # Errors
    /// [`TrainError::Data`] if a source does not lie as it must, or nothing is selected.
    pub fn open(recipe: &Recipe, data: &Path) -> Result<Self, TrainError> {
        let mut sources = recipe.data.sources.clone();
        for source in &mut sources {
            for path in [&mut source.path, &mut source.features].into_iter().flatten() {
                *path = data.join(&*path);
            }
        }
        let all = recipe.data.select.apply(open_sources(&sources)?, recipe.seed)?;
        let (train, held_out) = match &recipe.data.split {
            None => (all, None),
            Some(split) => {
                let (train, held_out) = all.split(split, recipe.seed)?;
                (train, Some(held_out))
            }
        };
        Ok(Self { train: train.in_domains(&recipe.data.domains)?, held_out })
    }
}

/// Decodes the training pictures.
///
/// # Errors
/// [`TrainError::Data`], naming the pictures that cannot be read.
pub(crate) fn prepare(
    recipe: &Recipe,
    paths: &Paths,
    observer: &mut dyn Observer,
) -> Result<Prepared, TrainError> {
    let mut settings = recipe.data.cache.clone();
    settings.folder = settings.folder.map(|folder| paths.cache.join(folder));
    let dataset = Pictures::open(recipe, &paths.data)?.train;
    let prepared = dataset.prepare(&settings, &mut |progress| {
        let (what, done, total) = (progress.what, progress.done, progress.total);
        observer.on(&Event::Preparing { what, done, total });
    })?;
    if !prepared.bad().pictures.is_empty() {
        observer.on(&Event::Message(format!("left out: {}", prepared.bad())));
    }
    Ok(prepared)
}
