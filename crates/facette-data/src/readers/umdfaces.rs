//! UMDFaces: photographs with a box around the face of one subject.
//!
//! Bansal et al., "UMDFaces: An Annotated Face Dataset for Training Deep Networks", 2016,
//! <https://arxiv.org/abs/1611.01484>. Of the columns of `umdfaces_batch*_ultraface.csv`, this
//! reader uses SUBJECT_ID, FILE, FACE_X, FACE_Y, FACE_WIDTH and FACE_HEIGHT.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use super::walk::folders;
use crate::dataset::Item;
use crate::registry::{DatasetSpec, SettingSpec};
use crate::storage::{Files, Storage};
use crate::{DataError, Dataset, Region, Source};

/// `root/umdfaces_batch*/umdfaces_batch*_ultraface.csv` and the photographs beside them.
pub(crate) struct UmdFaces;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    csv: Vec<PathBuf>,
    margin: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { csv: Vec::new(), margin: 0.2 }
    }
}

#[derive(Deserialize)]
struct Row {
    #[serde(rename = "SUBJECT_ID")]
    subject: u64,
    #[serde(rename = "FILE")]
    file: String,
    #[serde(rename = "FACE_X")]
    x: f64,
    #[serde(rename = "FACE_Y")]
    y: f64,
    #[serde(rename = "FACE_WIDTH")]
    width: f64,
    #[serde(rename = "FACE_HEIGHT")]
    height: f64,
}

impl DatasetSpec for UmdFaces {
    fn id(&self) -> &'static str {
        "umdfaces"
    }

    fn about(&self) -> &'static str {
        "UMDFaces, photographs with face boxes in CSV files"
    }

    fn layout(&self) -> &'static str {
        "PATH/*_ultraface.csv or PATH/BATCH/*_ultraface.csv with the columns SUBJECT_ID, FILE, \
         FACE_X, FACE_Y, FACE_WIDTH, FACE_HEIGHT; FILE is relative to its CSV; identities are \
         SUBJECT_IDs by number, pictures are named FILE"
    }

    fn settings(&self) -> &'static [SettingSpec] {
        &[
            SettingSpec {
                key: "csv",
                about: "list of CSV files relative to PATH; all *_ultraface.csv in PATH and right \
                        below",
            },
            SettingSpec {
                key: "margin",
                about: "share by which the square around the box is larger than its longer side, \
                        -0.5 to 2; 0.2",
            },
        ]
    }

    fn open(&self, source: &Source) -> Result<Dataset, DataError> {
        let settings: Settings = source.typed(self)?;
        let root = source.required_path()?;
        if !(-0.5..=2.0).contains(&settings.margin) {
            let problem = format!("found {}; expected -0.5 to 2", settings.margin);
            return Err(source.refuse("margin", problem));
        }
        let tables = match settings.csv.is_empty() {
            true => find_tables(root)?,
            false => settings.csv.iter().map(|csv| root.join(csv)).collect(),
        };
        let mut faces = Vec::new();
        for table in &tables {
            read_table(table, settings.margin, &mut faces)?;
        }
        dataset(faces)
    }
}

struct Face {
    subject: u64,
    name: String,
    path: PathBuf,
    region: Region,
}

fn find_tables(root: &Path) -> Result<Vec<PathBuf>, DataError> {
    let mut tables = Vec::new();
    let below = folders(root)?.into_iter().map(|(_, path)| path);
    for folder in std::iter::once(root.to_owned()).chain(below) {
        for entry in std::fs::read_dir(&folder).map_err(DataError::io(&folder))? {
            let path = entry.map_err(DataError::io(&folder))?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.ends_with("_ultraface.csv") {
                tables.push(path);
            }
        }
    }
    if tables.is_empty() {
        let problem = "no *_ultraface.csv here or in the folders below; name the files with `csv`";
        return Err(DataError::layout(root, problem));
    }
    tables.sort_unstable();
    Ok(tables)
}

fn read_table(path: &Path, margin: f64, faces: &mut Vec<Face>) -> Result<(), DataError> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let bad = |error: csv::Error| match error.into_kind() {
        csv::ErrorKind::Io(source) => DataError::Io { path: path.to_owned(), source },
        kind => DataError::layout(path, format!("{kind:?}; expected the columns of UMDFaces")),
    };
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(path).map_err(bad)?;
    let header = reader.headers().map_err(bad)?.clone();
    for column in ["SUBJECT_ID", "FILE", "FACE_X", "FACE_Y", "FACE_WIDTH", "FACE_HEIGHT"] {
        if !header.iter().any(|name| name == column) {
            let problem = format!(
                "no column {column}; found {}",
                header.iter().collect::<Vec<_>>().join(", ")
            );
            return Err(DataError::layout(path, problem));
        }
    }
    for (number, record) in reader.records().enumerate() {
        let place = || format!("row {}", number + 1);
        let refuse = |problem: String| DataError::record(path, place(), problem);
        let row: Row = record
            .and_then(|record| record.deserialize(Some(&header)))
            .map_err(|error| refuse(error.to_string()))?;
        let sides = [row.x, row.y, row.width, row.height];
        let region = Region::square(sides, margin).ok_or_else(|| {
            refuse(format!("FACE_X, FACE_Y, FACE_WIDTH, FACE_HEIGHT {sides:?} are no box"))
        })?;
        let climbs = Path::new(&row.file)
            .components()
            .any(|part| !matches!(part, std::path::Component::Normal(_)));
        if climbs || row.file.is_empty() {
            return Err(refuse(format!("FILE {:?} is no path below the CSV file", row.file)));
        }
        let path = folder.join(&row.file);
        faces.push(Face { subject: row.subject, name: row.file, path, region });
    }
    Ok(())
}

/// A photograph with several boxes yields several pictures: the second is named `FILE#2`.
fn dataset(faces: Vec<Face>) -> Result<Dataset, DataError> {
    let mut labels: BTreeMap<u64, usize> = faces.iter().map(|face| (face.subject, 0)).collect();
    labels.values_mut().enumerate().for_each(|(place, label)| *label = place);
    let paths = faces.iter().map(|face| face.path.clone()).collect();
    let files: Arc<dyn Storage> = Arc::new(Files { paths });
    let mut times: HashMap<String, usize> = HashMap::new();
    let items = faces.into_iter().enumerate().map(|(key, face)| {
        let time = times.entry(face.name.clone()).or_default();
        *time += 1;
        let name = if *time == 1 { face.name } else { format!("{}#{time}", face.name) };
        Item::new(name, labels[&face.subject], Arc::clone(&files), key).with_region(face.region)
    });
    let items = items.collect();
    Dataset::new(labels.keys().map(u64::to_string).collect(), items)
}
