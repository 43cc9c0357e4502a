//! Where the pictures of a protocol come from.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use facette_data::{Dataset, PairSide, Source};
use facette_image::Picture;

use crate::EvalError;

/// Pictures to judge a model on.
#[derive(Debug, Clone)]
pub enum Images {
    /// A folder with a folder for each identity or class.
    Folder(PathBuf),
    /// Any data set; pairs find their pictures by the name `Name_0001`.
    Set(Arc<Dataset>),
}

impl Default for Images {
    /// The current folder.
    fn default() -> Self {
        Self::Folder(PathBuf::from("."))
    }
}

impl Images {
    /// The pictures as a data set with labels.
    pub(crate) fn labelled(&self) -> Result<Arc<Dataset>, EvalError> {
        match self {
            Self::Folder(root) => Ok(Arc::new(Source::new("folder", Some(root.clone())).open()?)),
            Self::Set(dataset) => Ok(Arc::clone(dataset)),
        }
    }

    /// Where each picture of a list of pairs lies; `Err` names one that does not exist.
    pub(crate) fn locate(&self, sides: &[&PairSide]) -> Vec<Result<Place, String>> {
        let find = |side: &&PairSide| match self {
            Self::Folder(root) => side.locate(root).map(Place::File).ok_or_else(|| {
                format!("{}.{{jpg,png,...}}: no such file", root.join(side.stem()).display())
            }),
            Self::Set(set) => match set.find(&side.id()) {
                Some(index) => Ok(Place::Item(Arc::clone(set), index)),
                None => Err(format!("{}: no such picture in the data set", side.id())),
            },
        };
        sides.iter().map(find).collect()
    }
}

/// Where one picture lies.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    File(PathBuf),
    Item(Arc<Dataset>, usize),
}

impl Place {
    pub(crate) fn read(&self) -> Result<Picture, String> {
        match self {
            Self::File(path) => read_file(path),
            Self::Item(set, index) => set.picture(*index).map_err(|e| e.to_string()),
        }
    }
}

fn read_file(path: &Path) -> Result<Picture, String> {
    let named = |problem: String| format!("{}: {problem}", path.display());
    let bytes = fs::read(path).map_err(|e| named(e.to_string()))?;
    Picture::decode(&bytes).map_err(|e| named(e.to_string()))
}
