//! CIFAR-10 and CIFAR-100 as published: binary files of one or two label bytes and 3072 pixel
//! bytes a record, red plane, green plane, blue plane, rows from the top.
//!
//! <https://www.cs.toronto.edu/~kriz/cifar.html>, "Binary version".

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use facette_image::{ImageError, Picture};
use serde::Deserialize;

use crate::dataset::Item;
use crate::registry::{DatasetSpec, SettingSpec};
use crate::{DataError, Dataset, Source, Storage};

const SIDE: usize = 32;
const PLANE: usize = SIDE * SIDE;
const PIXELS: usize = 3 * PLANE;

/// `data_batch_{1..5}.bin`, `test_batch.bin`, `batches.meta.txt`.
pub(crate) struct Cifar10;

/// `train.bin`, `test.bin`, `fine_label_names.txt`, `coarse_label_names.txt`.
pub(crate) struct Cifar100;

#[derive(Deserialize, Default)]
#[serde(rename_all = "lowercase")]
enum Split {
    #[default]
    Train,
    Test,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "lowercase")]
enum Label {
    #[default]
    Fine,
    Coarse,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Settings10 {
    split: Split,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Settings100 {
    split: Split,
    label: Label,
}

const SPLIT: SettingSpec = SettingSpec { key: "split", about: "`train` or `test`; train" };

impl DatasetSpec for Cifar10 {
    fn id(&self) -> &'static str {
        "cifar10"
    }

    fn about(&self) -> &'static str {
        "CIFAR-10, the original binary files"
    }

    fn layout(&self) -> &'static str {
        "PATH/{data_batch_1..5.bin,test_batch.bin,batches.meta.txt}, as in \
         cifar-10-binary.tar.gz; pictures are named data_batch_1/00000"
    }

    fn settings(&self) -> &'static [SettingSpec] {
        &[SPLIT]
    }

    fn open(&self, source: &Source) -> Result<Dataset, DataError> {
        let settings: Settings10 = source.typed(self)?;
        let root = source.required_path()?;
        let files: Vec<_> = match settings.split {
            Split::Train => (1..=5).map(|i| format!("data_batch_{i}")).collect(),
            Split::Test => vec!["test_batch".to_owned()],
        };
        let classes = class_names(&root.join("batches.meta.txt"), 10)?;
        read(root, &files, classes, Record { labels: 1, label: 0 })
    }
}

impl DatasetSpec for Cifar100 {
    fn id(&self) -> &'static str {
        "cifar100"
    }

    fn about(&self) -> &'static str {
        "CIFAR-100, the original binary files"
    }

    fn layout(&self) -> &'static str {
        "PATH/{train.bin,test.bin,fine_label_names.txt,coarse_label_names.txt}, as in \
         cifar-100-binary.tar.gz; pictures are named train/00000"
    }

    fn settings(&self) -> &'static [SettingSpec] {
        const { &[SPLIT, SettingSpec { key: "label", about: "`fine` or `coarse`; fine" }] }
    }

    fn open(&self, source: &Source) -> Result<Dataset, DataError> {
        let settings: Settings100 = source.typed(self)?;
        let root = source.required_path()?;
        let file = match settings.split {
            Split::Train => "train",
            Split::Test => "test",
        };
        let (names, count, label) = match settings.label {
            Label::Coarse => ("coarse_label_names.txt", 20, 0),
            Label::Fine => ("fine_label_names.txt", 100, 1),
        };
        let classes = class_names(&root.join(names), count)?;
        read(root, &[file.to_owned()], classes, Record { labels: 2, label })
    }
}

/// How many label bytes stand before the pixels, and which of them counts.
#[derive(Clone, Copy, Debug)]
struct Record {
    labels: usize,
    label: usize,
}

impl Record {
    fn length(self) -> usize {
        self.labels + PIXELS
    }
}

/// The names in the file; numbers where there is no file.
fn class_names(path: &Path, count: usize) -> Result<Vec<String>, DataError> {
    if !path.exists() {
        return Ok((0..count).map(|class| class.to_string()).collect());
    }
    let text = fs::read_to_string(path).map_err(DataError::io(path))?;
    let names: Vec<_> =
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    if names.len() != count {
        let problem = format!("expected {count} class names, found {}", names.len());
        return Err(DataError::layout(path, problem));
    }
    Ok(names)
}

fn read(
    root: &Path,
    files: &[String],
    classes: Vec<String>,
    record: Record,
) -> Result<Dataset, DataError> {
    let mut items = Vec::new();
    for name in files {
        let path = root.join(format!("{name}.bin"));
        let data = fs::read(&path).map_err(DataError::io(&path))?;
        if data.is_empty() || !data.len().is_multiple_of(record.length()) {
            let problem = format!(
                "{} bytes are no whole number of records of {} bytes; the file was not copied \
                 whole, or is of another kind",
                data.len(),
                record.length()
            );
            return Err(DataError::layout(&path, problem));
        }
        let labels: Vec<_> =
            data.chunks_exact(record.length()).map(|r| usize::from(r[record.label])).collect();
        let block: Arc<dyn Storage> = Arc::new(Block { path: path.clone(), data, record });
        for (key, label) in labels.into_iter().enumerate() {
            if label >= classes.len() {
                let problem = format!("label {label}; expected 0..{}", classes.len());
                return Err(DataError::record(&path, format!("record {key}"), problem));
            }
            items.push(Item::new(format!("{name}/{key:05}"), label, Arc::clone(&block), key));
        }
    }
    Dataset::new(classes, items)
}

/// A whole file in memory: the largest, `train.bin` of CIFAR-100, has 154 MB.
struct Block {
    path: PathBuf,
    data: Vec<u8>,
    record: Record,
}

impl std::fmt::Debug for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Block({}, {} bytes)", self.path.display(), self.data.len())
    }
}

impl Storage for Block {
    fn bytes(&self, key: usize) -> Result<Vec<u8>, DataError> {
        let start = key * self.record.length() + self.record.labels;
        Ok(self.data[start..start + PIXELS].to_vec())
    }

    fn length(&self, _key: usize) -> Result<u64, DataError> {
        Ok(PIXELS as u64)
    }

    fn decode(&self, _key: usize, planes: &[u8]) -> Result<Picture, ImageError> {
        let pixels = (0..PLANE).flat_map(|i| [planes[i], planes[PLANE + i], planes[2 * PLANE + i]]);
        Picture::from_rgb(SIDE, SIDE, pixels.collect())
    }

    fn place(&self, key: usize) -> String {
        format!("{}, record {key}", self.path.display())
    }
}
