//! CINIC-10: ten classes of CIFAR-10 pictures and of ImageNet pictures reduced to 32x32.
//!
//! Darlow et al., "CINIC-10 is not ImageNet or CIFAR-10", 2018, <https://arxiv.org/abs/1810.03505>.

use serde::Deserialize;

use super::folder::Found;
use super::walk::{folders, pictures_of_identity};
use crate::registry::{DatasetSpec, SettingSpec};
use crate::{DataError, Dataset, Source};

/// `root/{train,valid,test}/class/*.png`.
pub(crate) struct Cinic10;

const SPLITS: [&str; 3] = ["train", "valid", "test"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    split: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { split: vec!["train".to_owned()] }
    }
}

impl DatasetSpec for Cinic10 {
    fn id(&self) -> &'static str {
        "cinic10"
    }

    fn about(&self) -> &'static str {
        "CINIC-10, 90,000 pictures of 32x32 in each of three splits"
    }

    fn layout(&self) -> &'static str {
        "PATH/{train,valid,test}/CLASS/*.png, as in CINIC-10.tar.gz; pictures are named \
         SPLIT/CLASS/FILE"
    }

    fn settings(&self) -> &'static [SettingSpec] {
        &[SettingSpec {
            key: "split",
            about: "list of splits to read as one set, of train, valid, test; [\"train\"]",
        }]
    }

    fn open(&self, source: &Source) -> Result<Dataset, DataError> {
        let settings: Settings = source.typed(self)?;
        let root = source.required_path()?;
        if settings.split.is_empty() {
            return Err(source.refuse("split", "empty; expected train, valid or test".to_owned()));
        }
        let mut found = Found::default();
        let mut classes: Vec<String> = Vec::new();
        for split in &settings.split {
            if !SPLITS.contains(&split.as_str()) {
                let problem = format!("found {split:?}; expected train, valid or test");
                return Err(source.refuse("split", problem));
            }
            let folder = root.join(split);
            let entries = folders(&folder)?;
            let names: Vec<_> = entries.iter().map(|(name, _)| name.clone()).collect();
            if classes.is_empty() {
                names.iter().for_each(|name| found.class(name.clone()));
                classes = names;
            } else if classes != names {
                let problem =
                    format!("classes {names:?} differ from {classes:?} of the first split");
                return Err(DataError::layout(&folder, problem));
            }
            for (label, (class, folder)) in entries.iter().enumerate() {
                for (file, path) in pictures_of_identity(folder)? {
                    found.picture(format!("{split}/{class}/{file}"), label, path);
                }
            }
        }
        found.dataset(root, "expected train/CLASS/*.png")
    }
}
