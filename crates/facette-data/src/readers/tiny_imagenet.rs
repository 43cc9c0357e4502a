//! Tiny ImageNet: 200 classes of 64x64 pictures (Stanford CS231n, `tiny-imagenet-200.zip`).

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::folder::Found;
use super::walk::{folders, pictures_of_identity};
use crate::registry::{DatasetSpec, SettingSpec};
use crate::{DataError, Dataset, Source};

/// `root/train/wnid/images/*.JPEG` and `root/val/{images/*.JPEG,val_annotations.txt}`.
pub(crate) struct TinyImageNet;

#[derive(Deserialize, Default)]
#[serde(rename_all = "lowercase")]
enum Split {
    #[default]
    Train,
    Val,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    split: Split,
}

impl DatasetSpec for TinyImageNet {
    fn id(&self) -> &'static str {
        "tiny-imagenet"
    }

    fn about(&self) -> &'static str {
        "Tiny ImageNet, 200 classes, 100,000 training and 10,000 validation pictures of 64x64"
    }

    fn layout(&self) -> &'static str {
        "PATH/train/WNID/images/*.JPEG and PATH/val/{images/*.JPEG,val_annotations.txt}; classes \
         are the WNIDs of the training folders in byte order; the test split has no labels"
    }

    fn settings(&self) -> &'static [SettingSpec] {
        &[SettingSpec { key: "split", about: "`train` or `val`; train" }]
    }

    fn open(&self, source: &Source) -> Result<Dataset, DataError> {
        let settings: Settings = source.typed(self)?;
        let root = source.required_path()?;
        let classes = folders(&root.join("train"))?;
        let mut found = Found::default();
        classes.iter().for_each(|(wnid, _)| found.class(wnid.clone()));
        match settings.split {
            Split::Train => {
                for (label, (wnid, folder)) in classes.iter().enumerate() {
                    for (file, path) in pictures_of_identity(&folder.join("images"))? {
                        found.picture(format!("{wnid}/{file}"), label, path);
                    }
                }
            }
            Split::Val => {
                let wnids: Vec<_> = classes.iter().map(|(wnid, _)| wnid.as_str()).collect();
                let folder = root.join("val");
                let labels = annotations(&folder.join("val_annotations.txt"), &wnids)?;
                for (file, path) in pictures_of_identity(&folder.join("images"))? {
                    let label = *labels.get(&file).ok_or_else(|| {
                        let problem = "stands not in val_annotations.txt; remove it, or fetch the \
                                       archive again";
                        DataError::layout(&path, problem)
                    })?;
                    found.picture(format!("val/{file}"), label, path);
                }
            }
        }
        found.dataset(root, "expected train/WNID/images/*.JPEG")
    }
}

/// Label of every file of the validation split. A line is file, WNID and a box, tab-separated.
fn annotations(path: &Path, wnids: &[&str]) -> Result<HashMap<String, usize>, DataError> {
    let text = fs::read_to_string(path).map_err(DataError::io(path))?;
    let mut labels = HashMap::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let place = || format!("line {}", number + 1);
        let mut fields = line.split('\t');
        let (Some(file), Some(wnid)) = (fields.next(), fields.next()) else {
            let problem = format!("expected file, tab, WNID, found {line:?}");
            return Err(DataError::record(path, place(), problem));
        };
        let label = wnids.iter().position(|known| *known == wnid).ok_or_else(|| {
            DataError::record(path, place(), format!("{wnid:?} has no folder under train"))
        })?;
        labels.insert(file.to_owned(), label);
    }
    Ok(labels)
}
