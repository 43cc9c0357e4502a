//! Outputs of a frozen teacher on disk, one file per teacher and view.
//!
//! The file is a header and then records of one length, appended: digest of the picture (32
//! bytes), the values (f32, little endian), CRC-32C of both. A kill in mid-write leaves a torn
//! end; opening keeps the whole records before the first one that does not check, and cuts off
//! the rest.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::artefact;
use crate::error::TrainError;

const MAGIC: &[u8; 8] = b"facetch1";
const HEADER: usize = MAGIC.len() + 4;
const DIGEST: usize = 32;
const CHECKSUM: usize = 4;

/// Outputs of one teacher for one view.
#[derive(Debug)]
pub struct TeacherCache {
    path: PathBuf,
    file: File,
    width: usize,
    rows: HashMap<[u8; DIGEST], Vec<f32>>,
}

impl TeacherCache {
    /// Opens the cache in `folder` of what `key` stands for: the teacher's digest, its view,
    /// everything else that changes an output. Its rows have `width` values. A second process
    /// that opens the same cache waits until the first one is done with it.
    ///
    /// # Errors
    /// [`TrainError::Io`].
    pub fn open(folder: &Path, key: &str, width: usize) -> Result<Self, TrainError> {
        artefact::folder(folder)?;
        let name = blake3::hash(format!("{key}\n{width}").as_bytes()).to_hex();
        let path = folder.join(format!("{}.teacher", &name[..32]));
        let refuse = |source| TrainError::io("open the teacher cache", &path, source);
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(refuse)?;
        file.lock().map_err(refuse)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(refuse)?;
        let header = header(width);
        let mut rows = HashMap::new();
        let mut whole = 0;
        if bytes.starts_with(&header) {
            whole = HEADER;
            for record in bytes[HEADER..].chunks_exact(record_length(width)) {
                let Some((digest, values)) = parse(record) else { break };
                rows.insert(digest, values);
                whole += record.len();
            }
        }
        file.set_len(whole as u64).map_err(refuse)?;
        file.seek(SeekFrom::Start(whole as u64)).map_err(refuse)?;
        if whole == 0 {
            file.write_all(&header).map_err(refuse)?;
        }
        Ok(Self { path, file, width, rows })
    }

    /// The outputs for a picture, where they are known.
    pub fn get(&self, picture: &[u8; DIGEST]) -> Option<&[f32]> {
        self.rows.get(picture).map(Vec::as_slice)
    }

    /// Pictures whose outputs are known.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Adds the outputs of several pictures and flushes them to the disk.
    ///
    /// # Errors
    /// [`TrainError::Teacher`] if a row has another width; [`TrainError::Io`].
    pub fn add(&mut self, rows: Vec<([u8; DIGEST], Vec<f32>)>) -> Result<(), TrainError> {
        let mut bytes = Vec::with_capacity(rows.len() * record_length(self.width));
        for (digest, values) in &rows {
            if values.len() != self.width {
                return Err(TrainError::Teacher {
                    teacher: self.path.display().to_string(),
                    problem: format!("{} values where {} are kept", values.len(), self.width),
                });
            }
            let start = bytes.len();
            bytes.extend(digest);
            values.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
            let checksum = crc32c::crc32c(&bytes[start..]);
            bytes.extend(checksum.to_le_bytes());
        }
        self.file
            .write_all(&bytes)
            .and_then(|()| self.file.sync_data())
            .map_err(|e| TrainError::io("write the teacher cache", &self.path, e))?;
        self.rows.extend(rows);
        Ok(())
    }
}

fn header(width: usize) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..MAGIC.len()].copy_from_slice(MAGIC);
    header[MAGIC.len()..].copy_from_slice(&(width as u32).to_le_bytes());
    header
}

fn record_length(width: usize) -> usize {
    DIGEST + 4 * width + CHECKSUM
}

fn parse(record: &[u8]) -> Option<([u8; DIGEST], Vec<f32>)> {
    let (body, checksum) = record.split_at(record.len() - CHECKSUM);
    if crc32c::crc32c(body).to_le_bytes() != checksum {
        return None;
    }
    let (digest, values) = body.split_at(DIGEST);
    let word = |b: &[u8]| f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
    Some((digest.try_into().ok()?, values.chunks_exact(4).map(word).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(seed: u8) -> ([u8; DIGEST], Vec<f32>) {
        ([seed; DIGEST], vec![f32::from(seed), -1.5, 0.25])
    }

    fn filled(folder: &Path) -> PathBuf {
        let mut cache = TeacherCache::open(folder, "teacher", 3).unwrap();
        cache.add((0..5).map(row).collect()).unwrap();
        cache.path.clone()
    }

    #[test]
    fn rows_outlive_the_process_and_keys_are_kept_apart() {
        let folder = tempfile::tempdir().unwrap();
        filled(folder.path());
        let cache = TeacherCache::open(folder.path(), "teacher", 3).unwrap();
        assert_eq!(cache.len(), 5);
        assert_eq!(cache.get(&[4; DIGEST]), Some(row(4).1.as_slice()));
        assert!(TeacherCache::open(folder.path(), "another", 3).unwrap().is_empty());
        assert!(TeacherCache::open(folder.path(), "teacher", 4).unwrap().is_empty());
    }

    /// Cut anywhere, the cache gives what stands before the cut, and goes on growing.
    #[test]
    fn a_torn_end_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = filled(folder.path());
        let whole = std::fs::read(&path).unwrap();
        for length in 0..=whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            let mut cache = TeacherCache::open(folder.path(), "teacher", 3).unwrap();
            let kept = length.saturating_sub(HEADER) / record_length(3);
            assert_eq!(cache.len(), kept, "cut at {length}");
            cache.add(vec![row(9)]).unwrap();
            drop(cache);
            let cache = TeacherCache::open(folder.path(), "teacher", 3).unwrap();
            assert_eq!(cache.len(), kept + 1, "cut at {length}");
        }
    }

    #[test]
    fn a_changed_byte_ends_what_is_believed() {
        let folder = tempfile::tempdir().unwrap();
        let path = filled(folder.path());
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[HEADER + 2 * record_length(3) + 40] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(TeacherCache::open(folder.path(), "teacher", 3).unwrap().len(), 2);
        std::fs::write(&path, b"something else entirely").unwrap();
        assert!(TeacherCache::open(folder.path(), "teacher", 3).unwrap().is_empty());
    }
}
