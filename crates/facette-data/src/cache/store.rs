//! Decoded pictures on disk, for the next run.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use tempfile::NamedTempFile;

use super::Decoded;
use crate::bad::{BadPicture, BadPictures};
use crate::{DataError, Digest};

const FORMAT: &str = "facette decoded pictures v1";

/// A safetensors file named after the digest of the data and the size they were reduced to:
/// `sizes` `[n, 2]` (U32, width and height), `pixels` (U8, RGB interleaved, one picture after the
/// other), and in the metadata the format, the BLAKE3 of both tensors, and the bad pictures.
#[derive(Debug)]
pub(crate) struct Store {
    folder: PathBuf,
    path: PathBuf,
}

impl Store {
    pub(crate) fn new(folder: &Path, digest: Digest, size: Option<usize>) -> Self {
        let size = size.map(|size| format!("-{size}")).unwrap_or_default();
        let digest = &digest.to_string()[..32];
        let name = format!("{digest}{size}.pictures.safetensors");
        let folder = if folder == Path::new("") { Path::new(".") } else { folder };
        Self { folder: folder.to_owned(), path: folder.join(name) }
    }

    /// The decoded pictures of a data set of `total` pictures; nothing where there is no file, or
    /// one that is not whole: it is then written anew.
    pub(crate) fn read(&self, total: usize) -> Option<(Decoded, BadPictures)> {
        let bytes = fs::read(&self.path).ok()?;
        let (header, metadata) = SafeTensors::read_metadata(&bytes).ok()?;
        let text = metadata.metadata().as_ref()?;
        if text.get("format")? != FORMAT {
            return None;
        }
        let file = SafeTensors::deserialize(&bytes).ok()?;
        let (sizes, pixels) = (file.tensor("sizes").ok()?, file.tensor("pixels").ok()?);
        if *text.get("blake3")? != checksum(sizes.data(), pixels.data()) {
            return None;
        }
        let pictures: Vec<(usize, String)> = serde_json::from_str(text.get("bad")?).ok()?;
        let pictures: Vec<_> =
            pictures.into_iter().map(|(index, problem)| BadPicture { index, problem }).collect();
        let word = |b: &[u8]| u32::from_le_bytes([b[0], b[1], b[2], b[3]]);
        let sizes: Vec<_> =
            sizes.data().chunks_exact(8).map(|b| (word(b), word(&b[4..]))).collect();
        // The pixels stay where they were read: they are the last thing in the file.
        let start = 8 + header + metadata.info("pixels")?.data_offsets.0;
        let decoded = Decoded::from_block(&sizes, bytes, start)?;
        let whole = decoded.len() + pictures.len() == total;
        whole.then_some((decoded, BadPictures { total, pictures }))
    }

    /// Writes the file; it appears whole or not at all.
    ///
    /// # Errors
    /// [`DataError::Io`] naming the file.
    pub(crate) fn write(&self, decoded: &Decoded, bad: &BadPictures) -> Result<(), DataError> {
        let sizes: Vec<u8> = decoded
            .sizes()
            .flat_map(|(width, height)| [width.to_le_bytes(), height.to_le_bytes()])
            .flatten()
            .collect();
        let bad: Vec<_> = bad.pictures.iter().map(|bad| (bad.index, &bad.problem)).collect();
        let metadata = HashMap::from([
            ("format".to_owned(), FORMAT.to_owned()),
            ("blake3".to_owned(), checksum(&sizes, decoded.pixels())),
            ("bad".to_owned(), serde_json::json!(bad).to_string()),
        ]);
        let broken = |e: safetensors::SafeTensorError| match e {
            safetensors::SafeTensorError::IoError(e) => e,
            other => std::io::Error::other(other),
        };
        let write = || {
            fs::create_dir_all(&self.folder)?;
            let temporary = NamedTempFile::new_in(&self.folder)?.into_temp_path();
            let pixels = decoded.pixels();
            let tensors = [
                ("sizes", TensorView::new(Dtype::U32, vec![decoded.len(), 2], &sizes)),
                ("pixels", TensorView::new(Dtype::U8, vec![pixels.len()], pixels)),
            ];
            let tensors = tensors
                .into_iter()
                .map(|(name, view)| view.map(|view| (name, view)))
                .collect::<Result<Vec<_>, _>>()
                .map_err(broken)?;
            safetensors::serialize_to_file(tensors, Some(metadata), &temporary).map_err(broken)?;
            File::open(&temporary)?.sync_all()?;
            temporary.persist(&self.path)?;
            File::open(&self.folder)?.sync_all()
        };
        write().map_err(DataError::io(&self.path))
    }
}

fn checksum(sizes: &[u8], pixels: &[u8]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(sizes.len() as u64).to_le_bytes());
    hasher.update(sizes);
    hasher.update(pixels);
    hasher.finalize().to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use facette_image::Picture;

    use super::*;

    #[test]
    fn what_was_written_is_read_and_a_damaged_file_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let mut decoded = Decoded::default();
        for side in 1..5 {
            decoded.push(&Picture::filled(side, side + 1, [side as u8; 3]).unwrap());
        }
        let problem = "x.jpg: truncated".to_owned();
        let bad = BadPictures { total: 5, pictures: vec![BadPicture { index: 2, problem }] };
        let store = Store::new(folder.path(), Digest([7; 32]), Some(48));
        assert!(store.read(5).is_none());
        store.write(&decoded, &bad).unwrap();
        let (read, read_bad) = store.read(5).unwrap();
        assert_eq!(read_bad, bad);
        assert_eq!(read.len(), 4);
        (0..4).for_each(|i| assert_eq!(read.picture(i), decoded.picture(i)));
        assert!(store.read(6).is_none(), "another number of pictures");

        let whole = fs::read(&store.path).unwrap();
        fs::write(&store.path, &whole[..whole.len() - 1]).unwrap();
        assert!(store.read(5).is_none());
        let mut flipped = whole;
        *flipped.last_mut().unwrap() ^= 1;
        fs::write(&store.path, &flipped).unwrap();
        assert!(store.read(5).is_none());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
    }
}
