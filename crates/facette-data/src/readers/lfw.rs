//! The layout of Labelled Faces in the Wild.

use serde::Deserialize;

use super::folder;
use crate::registry::DatasetSpec;
use crate::{DataError, Dataset, Source};

/// `root/First_Last/First_Last_0001.jpg`.
pub(crate) struct Lfw;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoSettings {}

impl DatasetSpec for Lfw {
    fn id(&self) -> &'static str {
        "lfw"
    }

    fn about(&self) -> &'static str {
        "Labelled Faces in the Wild, and whatever lies like it"
    }

    fn layout(&self) -> &'static str {
        "PATH/NAME/NAME_0001.jpg: identity, underscore, number from 1 in four digits or more; \
         pictures are named NAME_0001, as pair lists mean them"
    }

    fn open(&self, source: &Source) -> Result<Dataset, DataError> {
        let NoSettings {} = source.typed(self)?;
        let root = source.required_path()?;
        let stem = |file: &str| file.rsplit_once('.').map_or(file, |(stem, _)| stem).to_owned();
        let dataset = folder::open(root, |_, file| stem(file))?;
        let odd = (0..dataset.len()).find(|&i| {
            let number = dataset
                .name(i)
                .strip_prefix(&dataset.classes()[dataset.label(i)])
                .and_then(|rest| rest.strip_prefix('_'));
            !number.is_some_and(|n| n.len() >= 4 && n.bytes().all(|digit| digit.is_ascii_digit()))
        });
        match odd {
            None => Ok(dataset),
            Some(i) => Err(DataError::layout(
                root,
                format!(
                    "{} is not named like {}_0001.jpg; rename it, or read the folder as \
                     `kind = \"folder\"`",
                    dataset.place(i),
                    dataset.classes()[dataset.label(i)]
                ),
            )),
        }
    }
}
