//! Weights without a card: PyTorch state dicts kept as safetensors.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
#[cfg(feature = "std")]
use std::{collections::BTreeMap, path::Path};

use crate::array::{Array, Arrays, check_array};
use crate::error::GraphError;
use crate::graph::Graph;
use crate::safetensors_file::{self, Integers};
#[cfg(feature = "std")]
use crate::write;

/// Prefixes that wrappers put before every name: DataParallel and DDP, Lightning, timm and
/// mmcv, mmrazor.
const WRAPPERS: [&str; 5] = ["module.", "model.", "backbone.", "architecture.", "net."];

/// Suffix of the counter that PyTorch's batch normalisation keeps and nothing needs.
const COUNTER: &str = "num_batches_tracked";

/// Named tensors of a network trained elsewhere. Counters of batch normalisations are left out.
#[derive(Debug, Clone, PartialEq)]
pub struct StateDict {
    /// The tensors under the names they have in the file.
    pub arrays: Arrays,
}

/// What a state dict gives a network.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// Tensors of the network that were found, shapes checked, under the network's names.
    pub arrays: Arrays,
    /// Prefix that was stripped from the file's names; empty for none.
    pub prefix: String,
    /// Tensors the network needs and the file lacks.
    pub missing: Vec<String>,
    /// Tensors of the file that the network does not have, under the file's names.
    pub unused: Vec<String>,
}

impl StateDict {
    /// The tensors of the part called `name` of an assembled network ([`Graph::assembled`]), under
    /// their own names.
    pub fn part(&self, name: &str) -> Self {
        let own = |(path, array): (&String, &Array)| {
            let path = path.strip_prefix(name)?.strip_prefix('.')?;
            Some((path.to_owned(), array.clone()))
        };
        Self { arrays: self.arrays.iter().filter_map(own).collect() }
    }

    /// Reads a safetensors file.
    ///
    /// # Errors
    /// If it cannot be read, is no safetensors file, or holds a tensor that is not of floats.
    #[cfg(feature = "std")]
    pub fn open(path: &Path) -> Result<Self, GraphError> {
        let bytes = safetensors_file::bytes(path).map_err(|error| error.of(path))?;
        Self::from_bytes(&bytes).map_err(|error| error.of(path))
    }

    /// Reads the bytes of a safetensors file.
    ///
    /// # Errors
    /// If they are no safetensors file, or one with a tensor that is not of floats.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, GraphError> {
        let contents =
            safetensors_file::decode(bytes, Integers::Refuse, |name| name.ends_with(COUNTER))?;
        Ok(Self { arrays: contents.arrays })
    }

    /// Writes a safetensors file that PyTorch's users can load; whole or not at all.
    ///
    /// # Errors
    /// If it cannot be written.
    #[cfg(feature = "std")]
    pub fn save(&self, path: &Path) -> Result<(), GraphError> {
        let metadata = BTreeMap::from([("format".to_owned(), "pt".to_owned())]);
        write::whole(path, &safetensors_file::encode(&self.arrays, &BTreeMap::new(), &metadata))
    }

    /// The tensors of `graph`, found under its names with or without a wrapper's prefix: of the
    /// prefixes the file's names share, the one under which most are found.
    ///
    /// # Errors
    /// If a tensor that is found has another shape or unusable values. Whether missing and unused
    /// ones matter is for the caller to say; [`Imported::complete`] refuses both.
    pub fn fit(&self, graph: &Graph) -> Result<Imported, GraphError> {
        let specs = graph.tensors();
        let found = |prefix: &str| {
            specs
                .iter()
                .filter(|s| self.arrays.contains_key(&format!("{prefix}{}", s.name)))
                .count()
        };
        let mut prefixes = self.prefixes();
        // Of equally good prefixes the shortest wins, hence the last maximum of a list that
        // starts with the longest.
        prefixes.sort_by_key(|prefix| core::cmp::Reverse(prefix.len()));
        let prefix = prefixes.into_iter().max_by_key(|prefix| found(prefix)).unwrap_or_default();

        let mut imported = Imported {
            arrays: Arrays::new(),
            prefix: prefix.clone(),
            missing: Vec::new(),
            unused: Vec::new(),
        };
        for spec in &specs {
            match self.arrays.get(&format!("{prefix}{}", spec.name)) {
                None => imported.missing.push(spec.name.clone()),
                Some(array) => {
                    check_array(spec, array)?;
                    imported.arrays.insert(spec.name.clone(), array.clone());
                }
            }
        }
        let used = |name: &str| {
            name.strip_prefix(&prefix).is_some_and(|name| imported.arrays.contains_key(name))
        };
        imported.unused = self.arrays.keys().filter(|name| !used(name)).cloned().collect();
        Ok(imported)
    }

    /// Chains of wrapper prefixes that occur in the file's names, the empty one included.
    fn prefixes(&self) -> Vec<String> {
        let mut all = BTreeSet::from([String::new()]);
        for name in self.arrays.keys() {
            let mut rest = name.as_str();
            while let Some(next) = WRAPPERS.iter().find_map(|wrapper| rest.strip_prefix(wrapper)) {
                rest = next;
                all.insert(name[..name.len() - rest.len()].to_owned());
            }
        }
        all.into_iter().collect()
    }
}

impl Imported {
    /// The tensors, if they are all there and nothing is left over.
    ///
    /// # Errors
    /// Names what is missing and what is left over.
    pub fn complete(self, graph: &Graph) -> Result<Arrays, GraphError> {
        if self.missing.is_empty() && self.unused.is_empty() {
            return Ok(self.arrays);
        }
        Err(GraphError::Names {
            architecture: graph.architecture.clone(),
            missing: self.missing,
            unused: self.unused,
        })
    }
}
