//! Everything that a run must remember to go on as if nothing had happened: one file.

use std::path::Path;

use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensors, serialize};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::artefact;
use crate::error::TrainError;

/// Metadata key under which the state lies; the only one, so that the bytes are always the same.
const STATE: &str = "facette.checkpoint";

/// Named tensors, and a state of plain values.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Checkpoint<S> {
    /// Values that are no tensors: counters, scores, positions.
    pub(crate) state: S,
    /// Tensors in order, flat.
    pub(crate) tensors: Vec<(String, Vec<f32>)>,
}

impl<S: Serialize + DeserializeOwned> Checkpoint<S> {
    /// Writes the checkpoint, whole or not at all.
    ///
    /// # Errors
    /// [`TrainError::Io`].
    pub(crate) fn write(&self, path: &Path) -> Result<(), TrainError> {
        let state = serde_json::to_string(&self.state).expect("states are plain values");
        let refuse = |e: safetensors::SafeTensorError| {
            TrainError::io("write", path, std::io::Error::other(e.to_string()))
        };
        let bytes: Vec<Vec<u8>> = self
            .tensors
            .iter()
            .map(|(_, v)| v.iter().flat_map(|x| x.to_le_bytes()).collect())
            .collect();
        let views = self
            .tensors
            .iter()
            .zip(&bytes)
            .map(|((name, values), bytes)| {
                Ok((name.as_str(), TensorView::new(Dtype::F32, vec![values.len()], bytes)?))
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(refuse)?;
        let metadata = [(STATE.to_owned(), state)].into();
        artefact::write(path, &serialize(views, Some(metadata)).map_err(refuse)?)
    }

    /// Reads a checkpoint; `None` if there is none.
    ///
    /// # Errors
    /// [`TrainError::Io`]; [`TrainError::Resume`] if it is something else.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, TrainError> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(TrainError::io("read", path, e)),
        };
        let refuse = |problem: String| TrainError::Resume { path: path.to_owned(), problem };
        let (_, metadata) = SafeTensors::read_metadata(&bytes)
            .map_err(|e| refuse(format!("is no checkpoint: {e}")))?;
        let state = metadata
            .metadata()
            .as_ref()
            .and_then(|map| map.get(STATE))
            .ok_or_else(|| refuse(format!("has no {STATE:?} in its metadata")))?;
        let state = serde_json::from_str(state)
            .map_err(|e| refuse(format!("was written by another version: {e}")))?;
        let file = SafeTensors::deserialize(&bytes)
            .map_err(|e| refuse(format!("is no checkpoint: {e}")))?;
        let mut tensors: Vec<(String, Vec<f32>)> = file
            .iter()
            .map(|(name, view)| {
                let word = |b: &[u8]| f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
                (name.to_owned(), view.data().chunks_exact(4).map(word).collect())
            })
            .collect();
        tensors.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(Some(Self { state, tensors }))
    }

    /// Takes the tensor called `name` out, which must have `length` values.
    ///
    /// # Errors
    /// [`TrainError::Resume`].
    pub(crate) fn take(
        &mut self,
        path: &Path,
        name: &str,
        length: Option<usize>,
    ) -> Result<Vec<f32>, TrainError> {
        let refuse = |problem| TrainError::Resume { path: path.to_owned(), problem };
        let place = self
            .tensors
            .binary_search_by(|(other, _)| other.as_str().cmp(name))
            .map_err(|_| refuse(format!("lacks the tensor {name:?}")))?;
        let values = std::mem::take(&mut self.tensors[place].1);
        match length {
            Some(length) if length != values.len() => Err(refuse(format!(
                "tensor {name:?}: expected {length} values, found {}",
                values.len()
            ))),
            _ => Ok(values),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Checkpoint<Vec<f64>> {
        let tensors = vec![("a".into(), vec![1.0, -0.0]), ("b/c".into(), vec![])];
        Checkpoint { state: vec![0.1, f64::MIN_POSITIVE], tensors }
    }

    #[test]
    fn what_was_written_is_read_to_the_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.safetensors");
        assert_eq!(Checkpoint::<Vec<f64>>::read(&path).unwrap(), None);
        sample().write(&path).unwrap();
        let first = std::fs::read(&path).unwrap();
        sample().write(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), first, "the same state gives the same bytes");
        let mut read = Checkpoint::<Vec<f64>>::read(&path).unwrap().unwrap();
        assert_eq!(read, sample());
        let values = read.take(&path, "a", Some(2)).unwrap();
        assert_eq!(values[1].to_bits(), (-0.0f32).to_bits());
        let message = read.take(&path, "d", None).unwrap_err().to_string();
        assert!(message.contains("c.safetensors") && message.contains("\"d\""), "{message}");
        assert!(read.take(&path, "b/c", Some(1)).is_err());
    }

    #[test]
    fn a_torn_file_is_refused_wherever_it_is_torn() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.safetensors");
        sample().write(&path).unwrap();
        let whole = std::fs::read(&path).unwrap();
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            let error = Checkpoint::<Vec<f64>>::read(&path).unwrap_err();
            assert!(matches!(error, TrainError::Resume { .. }), "{error}");
        }
    }

    #[test]
    fn nothing_is_left_where_nothing_can_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("absent/c.safetensors");
        let message = sample().write(&path).unwrap_err().to_string();
        assert!(message.contains("c.safetensors"), "{message}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
