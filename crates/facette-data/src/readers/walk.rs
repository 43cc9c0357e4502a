//! Folders and the pictures in them, in byte order whatever the file system says.

use std::fs;
use std::path::{Path, PathBuf};

use crate::DataError;

/// Endings of picture files, in any case.
pub(crate) const EXTENSIONS: &[&str] =
    &["jpg", "jpeg", "png", "webp", "bmp", "ppm", "pgm", "tif", "tiff", "gif"];

/// Name and path of one entry.
pub(crate) type Entry = (String, PathBuf);

/// Folders right under `root`, hidden ones left out.
pub(crate) fn folders(root: &Path) -> Result<Vec<Entry>, DataError> {
    entries(root, |path| path.is_dir())
}

/// Picture files right under `root`, told by their ending; hidden ones left out. Links that lead
/// nowhere are kept: a missing picture is the reader's to report.
pub(crate) fn pictures(root: &Path) -> Result<Vec<Entry>, DataError> {
    entries(root, |path| {
        let known = |ending: &str| EXTENSIONS.iter().any(|e| ending.eq_ignore_ascii_case(e));
        path.extension().and_then(|ending| ending.to_str()).is_some_and(known) && !path.is_dir()
    })
}

/// The pictures of an identity's folder, of which there must be one.
pub(crate) fn pictures_of_identity(folder: &Path) -> Result<Vec<Entry>, DataError> {
    match pictures(folder)? {
        none if none.is_empty() => Err(DataError::EmptyIdentity { path: folder.to_owned() }),
        some => Ok(some),
    }
}

fn entries(root: &Path, wanted: impl Fn(&Path) -> bool) -> Result<Vec<Entry>, DataError> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(root).map_err(DataError::io(root))? {
        let entry = entry.map_err(DataError::io(root))?;
        let path = entry.path();
        let name = entry.file_name();
        if name.as_encoded_bytes().starts_with(b".") || !wanted(&path) {
            continue;
        }
        let name = name.into_string().map_err(|name| {
            DataError::layout(root, format!("the name {name:?} is not UTF-8; rename it"))
        })?;
        entries.push((name, path));
    }
    entries.sort_unstable();
    Ok(entries)
}
