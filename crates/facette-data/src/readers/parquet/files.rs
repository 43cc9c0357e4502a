//! Which Parquet files a source means.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::DataError;

/// `root` itself if it is a file, or the Parquet files of one split in the folder `root` or in
/// its folder `data`, in byte order.
pub(super) fn find(root: &Path, split: Option<&str>) -> Result<Vec<PathBuf>, DataError> {
    if !root.is_dir() {
        return Ok(vec![root.to_owned()]);
    }
    let mut files = parquet_files(root)?;
    let data = root.join("data");
    if files.is_empty() && data.is_dir() {
        files = parquet_files(&data)?;
    }
    let splits: BTreeSet<_> = files.iter().map(|(name, _)| split_of(name).to_owned()).collect();
    let listed = splits.iter().cloned().collect::<Vec<_>>().join(", ");
    match split {
        Some(split) => files.retain(|(name, _)| split_of(name) == split),
        None if splits.len() > 1 => {
            let problem = format!("files of several splits ({listed}); choose one with `split`");
            return Err(DataError::layout(root, problem));
        }
        None => {}
    }
    if files.is_empty() {
        let problem = match splits.is_empty() {
            true => "no *.parquet file here or in `data`".to_owned(),
            false => format!("no files of split {:?}; there are {listed}", split.unwrap_or("")),
        };
        return Err(DataError::layout(root, problem));
    }
    Ok(files.into_iter().map(|(_, path)| path).collect())
}

/// The hub names shards `train-00000-of-00004-0123456789abcdef.parquet`.
fn split_of(name: &str) -> &str {
    name.split(['-', '.']).next().unwrap_or(name)
}

fn parquet_files(folder: &Path) -> Result<Vec<(String, PathBuf)>, DataError> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(DataError::io(folder))? {
        let path = entry.map_err(DataError::io(folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(".parquet") && !name.starts_with('.') {
            files.push((name, path));
        }
    }
    files.sort_unstable();
    Ok(files)
}
