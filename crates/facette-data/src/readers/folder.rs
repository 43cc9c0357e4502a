//! A folder for each identity: the layout of torchvision's `ImageFolder`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use super::walk::{folders, pictures_of_identity};
use crate::dataset::Item;
use crate::registry::DatasetSpec;
use crate::storage::{Files, Storage};
use crate::{DataError, Dataset, Source};

/// `root/identity/*.jpg`.
pub(crate) struct Folder;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoSettings {}

impl DatasetSpec for Folder {
    fn id(&self) -> &'static str {
        "folder"
    }

    fn about(&self) -> &'static str {
        "pictures in a folder for each identity"
    }

    fn layout(&self) -> &'static str {
        "PATH/IDENTITY/*.{jpg,jpeg,png,webp,bmp,ppm,pgm,tif,tiff,gif}; identities in byte order; \
         pictures are named IDENTITY/FILE"
    }

    fn open(&self, source: &Source) -> Result<Dataset, DataError> {
        let NoSettings {} = source.typed(self)?;
        open(source.required_path()?, |identity, file| format!("{identity}/{file}"))
    }
}

/// All identities under `root`; `name` makes a picture's name of identity and file.
pub(super) fn open(root: &Path, name: impl Fn(&str, &str) -> String) -> Result<Dataset, DataError> {
    let mut found = Found::default();
    for (label, (identity, folder)) in folders(root)?.into_iter().enumerate() {
        found.class(identity.clone());
        for (file, path) in pictures_of_identity(&folder)? {
            found.picture(name(&identity, &file), label, path);
        }
    }
    found.dataset(root, "expected a folder for each identity with its pictures inside")
}

/// Classes and picture files while they are being found.
#[derive(Default)]
pub(super) struct Found {
    classes: Vec<String>,
    names: Vec<(String, usize)>,
    paths: Vec<PathBuf>,
}

impl Found {
    /// Adds a class; labels count from 0.
    pub(super) fn class(&mut self, name: String) {
        self.classes.push(name);
    }

    /// Adds a picture.
    pub(super) fn picture(&mut self, name: String, label: usize, path: PathBuf) {
        self.names.push((name, label));
        self.paths.push(path);
    }

    /// Everything found under `root`, or that it was not laid out as `expected`.
    pub(super) fn dataset(self, root: &Path, expected: &str) -> Result<Dataset, DataError> {
        if self.paths.is_empty() {
            return Err(DataError::layout(root, format!("no pictures; {expected}")));
        }
        let files: Arc<dyn Storage> = Arc::new(Files { paths: self.paths });
        let item = |(key, (name, label))| Item::new(name, label, Arc::clone(&files), key);
        Dataset::new(self.classes, self.names.into_iter().enumerate().map(item).collect())
    }
}
