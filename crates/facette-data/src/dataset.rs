//! An ordered list of pictures with names, identities and, where known, teacher features.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use facette_image::Picture;

use crate::domain::Capture;
use crate::features::Feature;
use crate::{DataError, Digest, Region, Storage};

/// One picture of a data set.
#[derive(Clone, Debug)]
pub struct Item {
    pub(crate) name: String,
    pub(crate) label: usize,
    storage: Arc<dyn Storage>,
    key: usize,
    region: Option<Region>,
    /// Place of its domain among those of the data set.
    pub(crate) domain: usize,
    /// What the domain's camera does to it.
    pub(crate) capture: Option<Arc<Capture>>,
    pub(crate) feature: Option<Feature>,
    digest: OnceLock<Digest>,
}

impl Item {
    /// The picture `key` of `storage`, known as `name`, of class `label`.
    pub fn new(
        name: impl Into<String>,
        label: usize,
        storage: Arc<dyn Storage>,
        key: usize,
    ) -> Self {
        let (name, digest) = (name.into(), OnceLock::new());
        let (region, domain, capture, feature) = (None, 0, None, None);
        Self { name, label, storage, key, region, domain, capture, feature, digest }
    }

    /// The same, of which only `region` is meant.
    #[must_use]
    pub fn with_region(mut self, region: Region) -> Self {
        self.region = Some(region);
        self
    }

    /// The same, as the camera of domain `domain` would have taken it.
    pub(crate) fn taken_in(mut self, domain: usize, capture: Option<Arc<Capture>>) -> Self {
        (self.domain, self.capture, self.digest) = (domain, capture, OnceLock::new());
        self
    }
}

/// An ordered list of pictures: each with a stable name, a class in `0..classes`, a place where
/// its encoded bytes lie and, where known, the vector a teacher gave it.
///
/// Cheap to clone in parts: subsets share the storages and the features.
#[derive(Clone, Debug)]
pub struct Dataset {
    classes: Arc<Vec<String>>,
    domains: Arc<Vec<String>>,
    items: Vec<Item>,
    places: OnceLock<Arc<HashMap<String, usize>>>,
}

impl Dataset {
    /// Takes over classes and pictures.
    ///
    /// # Errors
    /// [`DataError::Duplicate`] if two pictures or two classes share a name,
    /// [`DataError::Selection`] if there is no picture or a label has no class.
    pub fn new(classes: Vec<String>, items: Vec<Item>) -> Result<Self, DataError> {
        if items.is_empty() {
            return Err(DataError::selection("no picture in the data set"));
        }
        if let Some(item) = items.iter().find(|item| item.label >= classes.len()) {
            return Err(DataError::selection(format!(
                "`{}` has label {}, but there are {} classes",
                item.name,
                item.label,
                classes.len()
            )));
        }
        let twice = |names: Vec<&str>| {
            let mut names = names;
            names.sort_unstable();
            names.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0].to_owned())
        };
        if let Some(name) = twice(classes.iter().map(String::as_str).collect()) {
            let remedy = "give each identity its own name";
            return Err(DataError::Duplicate { what: "identity", name, remedy });
        }
        if let Some(name) = twice(items.iter().map(|item| item.name.as_str()).collect()) {
            let remedy = "give each picture its own name";
            return Err(DataError::Duplicate { what: "picture", name, remedy });
        }
        let (classes, domains) = (Arc::new(classes), Arc::default());
        Ok(Self { classes, domains, items, places: OnceLock::new() })
    }

    /// Number of pictures; never 0.
    #[expect(clippy::len_without_is_empty, reason = "a data set is never empty")]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Names of the classes (identities), by label.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// Name of picture `i`, unique and the same in every run.
    pub fn name(&self, i: usize) -> &str {
        &self.items[i].name
    }

    /// Class of picture `i`.
    pub fn label(&self, i: usize) -> usize {
        self.items[i].label
    }

    /// Class of every picture.
    pub fn labels(&self) -> impl ExactSizeIterator<Item = usize> + '_ {
        self.items.iter().map(|item| item.label)
    }

    /// Names of the domains; empty where there are none.
    pub fn domains(&self) -> &[String] {
        &self.domains
    }

    /// Place of the domain of picture `i` among [`domains`](Self::domains); 0 where there are none.
    pub fn domain(&self, i: usize) -> usize {
        self.items[i].domain
    }

    /// The part of the stored picture that picture `i` means, where it is not the whole.
    pub fn region(&self, i: usize) -> Option<Region> {
        self.items[i].region
    }

    /// What messages call picture `i`: its path, or its file and row.
    pub fn place(&self, i: usize) -> String {
        self.items[i].storage.place(self.items[i].key)
    }

    /// The picture called `name`.
    pub fn find(&self, name: &str) -> Option<usize> {
        let places = self.places.get_or_init(|| {
            let named = self.items.iter().enumerate().map(|(i, item)| (item.name.clone(), i));
            Arc::new(named.collect())
        });
        places.get(name).copied()
    }

    /// Encoded bytes of picture `i` (of the whole stored picture where a region is meant).
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn bytes(&self, i: usize) -> Result<Vec<u8>, DataError> {
        let item = &self.items[i];
        item.storage.bytes(item.key)
    }

    /// Number of encoded bytes of picture `i`.
    ///
    /// # Errors
    /// If it cannot be found.
    pub fn length(&self, i: usize) -> Result<u64, DataError> {
        let item = &self.items[i];
        item.storage.length(item.key)
    }

    /// Picture `i`, decoded, cut to its region and taken by the camera of its domain.
    ///
    /// # Errors
    /// [`DataError::Io`] or [`DataError::Picture`], naming the file or the file and row.
    pub fn picture(&self, i: usize) -> Result<Picture, DataError> {
        let bytes = self.bytes(i)?;
        let item = &self.items[i];
        let _ = item.digest.get_or_init(|| content_digest(&bytes, item));
        let decode = || {
            let mut picture = item.storage.decode(item.key, &bytes)?;
            if let Some(region) = item.region {
                picture = region.cut(&picture)?;
            }
            match &item.capture {
                Some(capture) => capture.take(picture, &item.name),
                None => Ok(picture),
            }
        };
        decode().map_err(|source| DataError::Picture { place: self.place(i), source })
    }

    /// BLAKE3 of the encoded bytes of picture `i`, and of its region and its domain's camera where it has them; computed
    /// when first asked for and then kept.
    ///
    /// # Errors
    /// If the bytes cannot be read.
    pub fn content_digest(&self, i: usize) -> Result<Digest, DataError> {
        let item = &self.items[i];
        if let Some(&digest) = item.digest.get() {
            return Ok(digest);
        }
        let bytes = self.bytes(i)?;
        Ok(*item.digest.get_or_init(|| content_digest(&bytes, item)))
    }

    /// The pictures `indices`, in that order, with the same classes.
    ///
    /// # Errors
    /// [`DataError::Selection`] if there are none, [`DataError::Duplicate`] if one stands twice.
    ///
    /// # Panics
    /// If an index is not below [`len`](Self::len).
    pub fn subset(&self, indices: &[usize]) -> Result<Self, DataError> {
        let items = indices.iter().map(|&i| self.items[i].clone()).collect();
        let subset = Self::new(self.classes.to_vec(), items)?;
        Ok(Self { domains: Arc::clone(&self.domains), ..subset })
    }

    /// The same pictures with only the classes that have one, renumbered in their order.
    #[must_use]
    pub fn compacted(&self) -> Self {
        let mut labels: BTreeMap<usize, usize> = self.labels().map(|label| (label, 0)).collect();
        labels.values_mut().enumerate().for_each(|(new, label)| *label = new);
        let classes = labels.keys().map(|&label| self.classes[label].clone()).collect();
        let mut items = self.items.clone();
        items.iter_mut().for_each(|item| item.label = labels[&item.label]);
        let (classes, domains) = (Arc::new(classes), Arc::clone(&self.domains));
        Self { classes, domains, items, places: OnceLock::new() }
    }

    /// The pictures of each class, by label, in their order.
    pub fn by_class(&self) -> Vec<Vec<usize>> {
        let mut classes = vec![Vec::new(); self.classes.len()];
        self.labels().enumerate().for_each(|(i, label)| classes[label].push(i));
        classes
    }

    /// The same pictures in these domains.
    pub(crate) fn with_domains(self, domains: Vec<String>, items: Vec<Item>) -> Self {
        Self { domains: Arc::new(domains), items, places: OnceLock::new(), ..self }
    }

    pub(crate) fn items(&self) -> &[Item] {
        &self.items
    }

    pub(crate) fn items_mut(&mut self) -> &mut [Item] {
        &mut self.items
    }
}

/// The digest covers the region because a photograph may hold several faces.
fn content_digest(bytes: &[u8], item: &Item) -> Digest {
    let plain = match item.region {
        None => blake3::hash(bytes),
        Some(region) => {
            let mut hasher = blake3::Hasher::new_derive_key("facette region of picture v1");
            hasher.update(&region.x.to_le_bytes());
            hasher.update(&region.y.to_le_bytes());
            hasher.update(&region.width.to_le_bytes());
            hasher.update(&region.height.to_le_bytes());
            hasher.update(bytes);
            hasher.finalize()
        }
    };
    match &item.capture {
        None => plain.into(),
        Some(capture) => {
            let mut hasher = blake3::Hasher::new_derive_key("facette captured picture v1");
            hasher.update(plain.as_bytes());
            hasher.update(capture.described(&item.name).as_bytes());
            hasher.finalize().into()
        }
    }
}
