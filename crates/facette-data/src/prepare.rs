//! From a data set to pictures that can be shown at every step.

use std::path::PathBuf;
use std::sync::Arc;

use facette_image::Picture;
use serde::{Deserialize, Serialize};

use crate::bad::{BadPicture, BadPictures};
use crate::cache::{Decoded, Store};
use crate::progress::Report;
use crate::{DataError, Dataset};

/// When pictures are decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decode {
    /// Once, before the first step; they are then kept in memory.
    #[default]
    Once,
    /// At every step that shows them, for data larger than memory. All are still decoded once
    /// before the first step, to find the bad ones.
    Step,
}

/// How pictures are made ready: what a recipe says under `[data.cache]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Preparation {
    /// When pictures are decoded.
    pub decode: Decode,
    /// Pictures are reduced by area until their shorter side has this many pixels; smaller ones
    /// stay as they are. `None` keeps all as they are. Only where they are decoded once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<usize>,
    /// Memory for decoded pictures, in units of 10^6 bytes.
    pub limit_mb: u64,
    /// A folder that keeps decoded pictures for the next run, in a file named after the digest of
    /// the data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
    /// How many missing or unreadable pictures may be left out; one more is an error.
    pub allow_bad: usize,
}

impl Default for Preparation {
    fn default() -> Self {
        Self { decode: Decode::Once, size: None, limit_mb: 4096, folder: None, allow_bad: 0 }
    }
}

/// A data set whose pictures are known to be readable.
#[derive(Clone, Debug)]
pub struct Prepared {
    dataset: Arc<Dataset>,
    decoded: Option<Arc<Decoded>>,
    bad: BadPictures,
}

impl Prepared {
    /// The data set without its bad pictures.
    pub fn dataset(&self) -> &Arc<Dataset> {
        &self.dataset
    }

    /// The bad pictures that were left out; their numbers count in the data set that was given.
    pub fn bad(&self) -> &BadPictures {
        &self.bad
    }

    /// Memory that decoded pictures take, in bytes.
    pub fn bytes_in_memory(&self) -> usize {
        self.decoded.as_ref().map_or(0, |decoded| decoded.bytes())
    }

    /// Picture `i` of [`dataset`](Self::dataset), reduced if so prepared.
    ///
    /// # Errors
    /// As [`Dataset::picture`], where pictures are decoded at every step.
    pub fn picture(&self, i: usize) -> Result<Picture, DataError> {
        match &self.decoded {
            Some(decoded) => Ok(decoded.picture(i)),
            None => self.dataset.picture(i),
        }
    }

    /// The same pictures with other teacher vectors: see [`Dataset::set_features`].
    ///
    /// # Errors
    /// As [`Dataset::set_features`].
    pub fn set_features(
        &mut self,
        owner: &str,
        indices: &[usize],
        width: usize,
        values: Vec<f32>,
    ) -> Result<(), DataError> {
        Arc::make_mut(&mut self.dataset).set_features(owner, indices, width, values)
    }
}

impl Dataset {
    /// Decodes every picture once and lists those that cannot be read. Uses all cores.
    ///
    /// # Errors
    /// If something else than a single picture is at fault.
    pub fn verify(&self, report: Report<'_>) -> Result<BadPictures, DataError> {
        let mut pictures = Vec::new();
        self.for_each_picture("checking pictures", None, report, |i, picture| {
            pictures.extend(picture.err().map(|problem| BadPicture { index: i, problem }));
            Ok(())
        })?;
        Ok(BadPictures { total: self.len(), pictures })
    }

    /// Decodes every picture once, finds the bad ones and, if so set, keeps the others in memory.
    /// Uses all cores.
    ///
    /// # Errors
    /// [`DataError::BadPictures`] if more than `allow_bad` cannot be read,
    /// [`DataError::CacheLimit`] if they need too much memory, [`DataError::Setting`] for an
    /// impossible setting, [`DataError::Io`] if the folder cannot be written.
    pub fn prepare(
        self,
        settings: &Preparation,
        report: Report<'_>,
    ) -> Result<Prepared, DataError> {
        if settings.size == Some(0) {
            return Err(DataError::setting("cache", "size", "found 0; expected 1 or more"));
        }
        let (decoded, bad) = match settings.decode {
            Decode::Step => (None, self.verify(report)?),
            Decode::Once => {
                let (decoded, bad) = self.decode_once(settings, report)?;
                (Some(Arc::new(decoded)), bad)
            }
        };
        let dataset = match bad.pictures.is_empty() {
            true => self,
            false => bad.leave_out(&self, settings.allow_bad)?,
        };
        Ok(Prepared { dataset: Arc::new(dataset), decoded, bad })
    }

    fn decode_once(
        &self,
        settings: &Preparation,
        report: Report<'_>,
    ) -> Result<(Decoded, BadPictures), DataError> {
        let store = self.store(settings)?;
        if let Some((decoded, bad)) = store.as_ref().and_then(|store| store.read(self.len())) {
            decoded.check_limit(decoded.len(), settings.limit_mb)?;
            return Ok((decoded, bad));
        }
        let mut decoded = Decoded::default();
        let mut pictures = Vec::new();
        self.for_each_picture("decoding pictures", settings.size, report, |i, picture| {
            match picture {
                Ok(picture) => decoded.push(&picture),
                Err(problem) => pictures.push(BadPicture { index: i, problem }),
            }
            decoded.check_limit(self.len(), settings.limit_mb)
        })?;
        let bad = BadPictures { total: self.len(), pictures };
        if let Some(store) = store.filter(|_| bad.pictures.len() <= settings.allow_bad) {
            store.write(&decoded, &bad)?;
        }
        Ok((decoded, bad))
    }

    /// The file that keeps decoded pictures. There is none for data with missing files, which
    /// have no digest.
    fn store(&self, settings: &Preparation) -> Result<Option<Store>, DataError> {
        let Some(folder) = &settings.folder else { return Ok(None) };
        match self.contents_digest() {
            Ok(digest) => Ok(Some(Store::new(folder, digest, settings.size))),
            Err(error) if error.is_of_one_picture() => Ok(None),
            Err(error) => Err(error),
        }
    }
}
