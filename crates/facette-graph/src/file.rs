//! The student file: weights and the card that says how to use them, in one safetensors file.

use alloc::borrow::ToOwned;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
#[cfg(feature = "std")]
use std::path::Path;

use crate::array::Arrays;
use crate::card::Card;
use crate::error::GraphError;
use crate::safetensors_file::{self, Integers};
#[cfg(feature = "std")]
use crate::write;

/// Key of the card in the file's metadata.
const CARD: &str = "facette.card";

/// A student that is ready to be used: a card, and exactly the tensors its graph names.
#[derive(Debug, Clone, PartialEq)]
pub struct StudentFile {
    card: Card,
    arrays: Arrays,
    digest: String,
}

impl StudentFile {
    /// Puts a card and its weights together.
    ///
    /// # Errors
    /// If the card is impossible, or the tensors are not exactly those of its graph.
    pub fn new(card: Card, arrays: Arrays) -> Result<Self, GraphError> {
        let mut file = Self { card, arrays, digest: String::new() };
        file.digest = digest(&file.to_bytes()?);
        Ok(file)
    }

    /// Reads a student file.
    ///
    /// # Errors
    /// If it cannot be read, is no safetensors file or a damaged one, has no card or one that
    /// cannot be used, or its tensors are not exactly those of the card's graph. The message
    /// names the file.
    #[cfg(feature = "std")]
    pub fn open(path: &Path) -> Result<Self, GraphError> {
        let bytes = safetensors_file::bytes(path).map_err(|error| error.of(path))?;
        Self::from_bytes(&bytes).map_err(|error| error.of(path))
    }

    /// Reads the bytes of a student file.
    ///
    /// # Errors
    /// If they are no safetensors file or a damaged one, there is no card or one that cannot be
    /// used, or the tensors are not exactly those of the card's graph.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, GraphError> {
        let contents = safetensors_file::decode(bytes, Integers::Read, |_| false)?;
        let card = contents.metadata.get(CARD).ok_or(GraphError::NoCard)?;
        let card = Card::from_json(card)?;
        let mut arrays = contents.arrays;
        let named = card.quantisation.iter().flat_map(|quantisation| quantisation.weights.keys());
        let named: BTreeSet<&String> = named.collect();
        let stored: BTreeSet<&String> = contents.integers.iter().collect();
        if let Some(&name) = named.symmetric_difference(&stored).next() {
            let (expected, found) = match named.contains(&name) {
                true => ("values of type I8, as the card says", "floats, or nothing"),
                false => {
                    ("values of type F32, F16, BF16 or F64", "I8, of which the card is silent")
                }
            };
            return Err(GraphError::Tensor {
                name: name.clone(),
                expected: expected.into(),
                found: found.into(),
                remedy: "the file is damaged; take it anew",
            });
        }
        if let Some(quantisation) = &card.quantisation {
            quantisation.expand(&mut arrays);
        }
        card.graph.check_arrays(&arrays)?;
        Ok(Self { card, arrays, digest: digest(bytes) })
    }

    /// The bytes of the file, tensors as F32 but for the weights that the card says are I8; the same student gives the same bytes.
    ///
    /// # Errors
    /// As [`StudentFile::new`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, GraphError> {
        let card = self.card.to_json()?;
        self.card.graph.check_arrays(&self.arrays)?;
        let metadata =
            BTreeMap::from([("format".to_owned(), "pt".to_owned()), (CARD.to_owned(), card)]);
        let mut integers = BTreeMap::new();
        if let Some(quantisation) = &self.card.quantisation {
            for name in quantisation.weights.keys() {
                let values = quantisation.integers(name, &self.arrays[name])?;
                integers.insert(name.as_str(), values);
            }
        }
        Ok(safetensors_file::encode(&self.arrays, &integers, &metadata))
    }

    /// Writes the file; whole or not at all. Yields its digest.
    ///
    /// # Errors
    /// As [`StudentFile::new`], or if it cannot be written.
    #[cfg(feature = "std")]
    pub fn save(&self, path: &Path) -> Result<String, GraphError> {
        let bytes = self.to_bytes().map_err(|error| error.of(path))?;
        write::whole(path, &bytes)?;
        Ok(digest(&bytes))
    }

    /// What the file says about itself.
    pub fn card(&self) -> &Card {
        &self.card
    }

    /// Its weights, under the names of the card's graph.
    pub fn arrays(&self) -> &Arrays {
        &self.arrays
    }

    /// Blake3 digest of the bytes it was read from or is written as, in hexadecimal.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Card and weights.
    pub fn into_parts(self) -> (Card, Arrays) {
        (self.card, self.arrays)
    }
}

fn digest(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}
