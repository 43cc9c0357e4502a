//! The kinds of sources that facette reads.

use crate::readers::{
    cifar::{Cifar10, Cifar100},
    cinic10::Cinic10,
    folder::Folder,
    lfw::Lfw,
    parquet::Parquet,
    synthetic::Synthetic,
    tiny_imagenet::TinyImageNet,
    umdfaces::UmdFaces,
};
use crate::source::nearest;
use crate::{DataError, Dataset, Source};

/// A setting that one kind of source knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettingSpec {
    /// Key in the recipe.
    pub key: &'static str,
    /// What it does, its values and its default, in a line.
    pub about: &'static str,
}

/// A kind of source: its name in recipes, its documentation, its reader.
pub trait DatasetSpec: Sync {
    /// Name in recipes, e.g. `folder`.
    fn id(&self) -> &'static str;
    /// One line: what it is.
    fn about(&self) -> &'static str;
    /// How the files must lie.
    fn layout(&self) -> &'static str;
    /// Settings besides `kind`, `name`, `path` and `features`.
    fn settings(&self) -> &'static [SettingSpec] {
        &[]
    }
    /// Finds the pictures and their classes, and decodes nothing.
    ///
    /// # Errors
    /// If a setting is unknown or impossible, or the files do not lie as they must.
    fn open(&self, source: &Source) -> Result<Dataset, DataError>;
}

/// All kinds of sources.
pub const DATASETS: &[&dyn DatasetSpec] =
    &[&Folder, &Lfw, &Parquet, &Cifar10, &Cifar100, &TinyImageNet, &Cinic10, &UmdFaces, &Synthetic];

/// The kind called `id`.
///
/// # Errors
/// [`DataError::UnknownKind`], with the nearest known kind.
pub fn dataset_spec(id: &str) -> Result<&'static dyn DatasetSpec, DataError> {
    let ids = || DATASETS.iter().map(|spec| spec.id());
    DATASETS.iter().find(|spec| spec.id() == id).copied().ok_or_else(|| DataError::UnknownKind {
        name: id.to_owned(),
        suggestion: nearest(id, ids()).map(str::to_owned),
        known: ids().collect::<Vec<_>>().join(", "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_documents_itself_under_its_own_name() {
        for (place, spec) in DATASETS.iter().enumerate() {
            assert!(DATASETS[..place].iter().all(|other| other.id() != spec.id()));
            assert!(!spec.about().is_empty() && !spec.layout().is_empty(), "{}", spec.id());
            assert_eq!(dataset_spec(spec.id()).unwrap().about(), spec.about());
            assert!(spec.settings().iter().all(|setting| !setting.about.is_empty()));
        }
    }

    #[test]
    fn a_misspelt_kind_meets_the_nearest() {
        let message = dataset_spec("parket").err().unwrap().to_string();
        assert!(message.contains("did you mean `parquet`?"), "{message}");
        assert!(dataset_spec("zzz").err().unwrap().to_string().contains("known: folder, lfw"));
    }
}
