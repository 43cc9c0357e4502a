//! Where the encoded bytes of pictures lie.

use std::fmt;
use std::fs;
use std::path::PathBuf;

use facette_image::{ImageError, Picture};

use crate::DataError;

/// Some place that holds encoded pictures under the keys `0..`: a folder, a Parquet file, a block
/// of raw pixels. A new kind of source brings its own.
pub trait Storage: fmt::Debug + Send + Sync {
    /// The encoded bytes of picture `key`: what its content digest is taken over.
    ///
    /// # Errors
    /// If they cannot be read; the message names the file and, within a file, the row.
    fn bytes(&self, key: usize) -> Result<Vec<u8>, DataError>;

    /// Number of those bytes, found without reading them where that is possible.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes).
    fn length(&self, key: usize) -> Result<u64, DataError>;

    /// The picture that `bytes`, read from `key`, stand for.
    ///
    /// # Errors
    /// If they stand for none.
    fn decode(&self, _key: usize, bytes: &[u8]) -> Result<Picture, ImageError> {
        Picture::decode(bytes)
    }

    /// What a message calls picture `key`: its path, or its file and row.
    fn place(&self, key: usize) -> String;
}

/// Pictures in files of their own.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) paths: Vec<PathBuf>,
}

impl Storage for Files {
    fn bytes(&self, key: usize) -> Result<Vec<u8>, DataError> {
        fs::read(&self.paths[key]).map_err(DataError::io(&self.paths[key]))
    }

    fn length(&self, key: usize) -> Result<u64, DataError> {
        let path = &self.paths[key];
        Ok(fs::metadata(path).map_err(DataError::io(path))?.len())
    }

    fn place(&self, key: usize) -> String {
        self.paths[key].display().to_string()
    }
}
