//! BLAKE3 digests of pictures and data sets, for caches and run records.

use std::fmt;

use rayon::prelude::*;

use crate::{DataError, Dataset};

/// A BLAKE3 digest; written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl From<blake3::Hash> for Digest {
    fn from(hash: blake3::Hash) -> Self {
        Self(*hash.as_bytes())
    }
}

impl Dataset {
    /// Digest of names, labels and encoded sizes in their order: cheap, and enough to notice that
    /// pictures were added, removed, renamed, moved or re-encoded to another length.
    ///
    /// # Errors
    /// If the size of a picture cannot be found.
    pub fn outline_digest(&self) -> Result<Digest, DataError> {
        let lengths: Vec<_> =
            (0..self.len()).into_par_iter().map(|i| self.length(i)).collect::<Result<_, _>>()?;
        Ok(self.digest_of("facette dataset outline v1", |hasher, i| {
            hasher.update(&lengths[i].to_le_bytes());
        }))
    }

    /// Digest of names, labels and the content digest of every picture in their order: reads
    /// every picture once.
    ///
    /// # Errors
    /// If a picture cannot be read.
    pub fn contents_digest(&self) -> Result<Digest, DataError> {
        let contents: Vec<_> = (0..self.len())
            .into_par_iter()
            .map(|i| self.content_digest(i))
            .collect::<Result<_, _>>()?;
        Ok(self.digest_of("facette dataset contents v1", |hasher, i| {
            hasher.update(&contents[i].0);
        }))
    }

    fn digest_of(&self, context: &str, add: impl Fn(&mut blake3::Hasher, usize)) -> Digest {
        let mut hasher = blake3::Hasher::new_derive_key(context);
        let text = |hasher: &mut blake3::Hasher, text: &str| {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        };
        hasher.update(&(self.classes().len() as u64).to_le_bytes());
        self.classes().iter().for_each(|class| text(&mut hasher, class));
        self.domains().iter().for_each(|domain| text(&mut hasher, domain));
        hasher.update(&(self.len() as u64).to_le_bytes());
        for i in 0..self.len() {
            text(&mut hasher, self.name(i));
            hasher.update(&(self.label(i) as u64).to_le_bytes());
            if !self.domains().is_empty() {
                hasher.update(&(self.domain(i) as u64).to_le_bytes());
            }
            add(&mut hasher, i);
        }
        hasher.finalize().into()
    }
}
