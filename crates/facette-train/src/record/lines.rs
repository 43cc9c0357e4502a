//! Files that grow by appending and can be cut back to where a checkpoint left them.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::error::TrainError;

/// A file that grows. Every append is one write, so that a kill leaves at most one torn end,
/// which the next opening cuts off.
pub(crate) struct Log {
    path: PathBuf,
    file: File,
    length: u64,
}

impl Log {
    /// Opens or makes the file and cuts it to `length` bytes.
    ///
    /// # Errors
    /// [`TrainError::Io`]; [`TrainError::Resume`] if it is shorter than `length`.
    pub(crate) fn open(path: &Path, length: u64) -> Result<Self, TrainError> {
        let refuse = |source| TrainError::io("open", path, source);
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .read(true)
            .open(path)
            .map_err(refuse)?;
        let found = file.metadata().map_err(refuse)?.len();
        if found < length {
            return Err(TrainError::Resume {
                path: path.to_owned(),
                problem: format!("holds {found} bytes where the checkpoint saw {length}"),
            });
        }
        if found > length {
            file.set_len(length).map_err(refuse)?;
        }
        file.seek(SeekFrom::End(0)).map_err(refuse)?;
        Ok(Self { path: path.to_owned(), file, length })
    }

    /// Bytes so far.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// [`TrainError::Io`].
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), TrainError> {
        self.file.write_all(bytes).map_err(|e| TrainError::io("write", &self.path, e))?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Adds one line of JSON.
    ///
    /// # Errors
    /// [`TrainError::Io`].
    pub(crate) fn line(&mut self, row: &impl Serialize) -> Result<(), TrainError> {
        let mut bytes =
            serde_json::to_vec(row).map_err(|e| TrainError::io("write", &self.path, e.into()))?;
        bytes.push(b'\n');
        self.append(&bytes)
    }

    /// Flushes to the disk; the length so far.
    ///
    /// # Errors
    /// [`TrainError::Io`].
    pub(crate) fn flush(&mut self) -> Result<u64, TrainError> {
        self.file.sync_data().map_err(|e| TrainError::io("flush", &self.path, e))?;
        Ok(self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_cut_back_and_grows_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.jsonl");
        let mut log = Log::open(&path, 0).unwrap();
        log.line(&1).unwrap();
        let length = log.flush().unwrap();
        log.append(b"torn").unwrap();
        let mut log = Log::open(&path, length).unwrap();
        log.line(&2).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "1\n2\n");
        let message = Log::open(&path, 99).err().unwrap().to_string();
        assert!(message.contains("rows.jsonl") && message.contains("4 bytes"), "{message}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_names_the_file_and_the_way_out() {
        let mut log = Log::open(Path::new("/dev/full"), 0).unwrap();
        let message = log.line(&1).unwrap_err().to_string();
        assert!(message.contains("/dev/full") && message.contains("free space"), "{message}");
    }
}
