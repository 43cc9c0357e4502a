//! One Parquet file: its columns, and its pictures a row group at a time.

use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ::parquet::basic::Type;
use ::parquet::data_type::{BoolType, ByteArray, Int32Type, Int64Type};
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::ParquetMetaData;
use ::parquet::file::reader::{FileReader, RowGroupReader};
use ::parquet::file::serialized_reader::SerializedFileReader;

use super::columns::{self, Vectors};
use super::schema::{Columns, Wanted, root_of};
use crate::{DataError, Storage};

/// A label as the file holds it. Numbers come before texts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LabelValue {
    Number(i64),
    Text(String),
}

impl fmt::Display for LabelValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

type Group = Arc<Vec<Option<ByteArray>>>;

/// A file whose footer has been read. The encoded pictures of the row groups that were used last
/// stay in memory, up to a limit.
pub(super) struct Table {
    path: PathBuf,
    metadata: ParquetMetaData,
    picture: usize,
    /// First row of every row group, and the number of rows after the last.
    starts: Vec<usize>,
    groups: Vec<Mutex<Option<Group>>>,
    /// Row groups in memory with their bytes, the one used last at the back.
    recent: Mutex<VecDeque<(usize, u64)>>,
    limit: u64,
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Table({}, {} rows)", self.path.display(), self.rows())
    }
}

impl Table {
    /// Opens `path`, whose encoded pictures may take `limit` bytes of memory.
    pub(super) fn open(
        path: &Path,
        wanted: &Wanted<'_>,
        limit: u64,
    ) -> Result<(Self, Columns), DataError> {
        let metadata = reader(path)?.metadata().clone();
        let columns = Columns::find(path, metadata.file_metadata().schema_descr(), wanted)?;
        let mut starts = vec![0_usize];
        for group in metadata.row_groups() {
            let rows = usize::try_from(group.num_rows()).unwrap_or(usize::MAX);
            let end = starts[starts.len() - 1].checked_add(rows).filter(|&end| end < 1 << 40);
            starts.push(end.ok_or_else(|| {
                DataError::layout(path, format!("a row group claims {} rows", group.num_rows()))
            })?);
        }
        let groups = (1..starts.len()).map(|_| Mutex::new(None)).collect();
        let recent = Mutex::default();
        let path = path.to_owned();
        let picture = columns.picture;
        Ok((Self { path, metadata, picture, starts, groups, recent, limit }, columns))
    }

    pub(super) fn rows(&self) -> usize {
        self.starts[self.starts.len() - 1]
    }

    /// Name of the top-level column that a leaf belongs to.
    pub(super) fn column_name(&self, column: usize) -> String {
        root_of(self.metadata.file_metadata().schema_descr(), column).to_owned()
    }

    /// The names of a `ClassLabel` column in the hub's own metadata.
    pub(super) fn class_names(&self, column: &str) -> Option<Vec<String>> {
        let metadata = self.metadata.file_metadata().key_value_metadata()?;
        let entry = metadata.iter().find(|entry| entry.key == "huggingface")?;
        let json: serde_json::Value = serde_json::from_str(entry.value.as_deref()?).ok()?;
        let names = json.pointer("/info/features")?.get(column)?.get("names")?;
        serde_json::from_value(names.clone()).ok()
    }

    /// A text for each row.
    pub(super) fn texts(&self, column: usize) -> Result<Vec<Option<String>>, DataError> {
        self.all(column, |group| {
            let text = |bytes: ByteArray| Ok(bytes.as_utf8()?.to_owned());
            columns::binaries(group, column)?
                .into_iter()
                .map(|value| value.map(text).transpose())
                .collect()
        })
    }

    /// A label for each row.
    pub(super) fn labels(&self, column: usize) -> Result<Vec<Option<LabelValue>>, DataError> {
        let kind = self.metadata.file_metadata().schema_descr().column(column);
        if kind.physical_type() == Type::BYTE_ARRAY {
            let texts = self.texts(column)?;
            return Ok(texts.into_iter().map(|text| text.map(LabelValue::Text)).collect());
        }
        self.all(column, |group| {
            Ok(match kind.physical_type() {
                Type::BOOLEAN => numbers(columns::scalars::<BoolType>(group, column)?),
                Type::INT32 => numbers(columns::scalars::<Int32Type>(group, column)?),
                _ => numbers(columns::scalars::<Int64Type>(group, column)?),
            })
        })
    }

    /// The lists of a column of vectors.
    pub(super) fn vectors(&self, column: usize) -> Result<Vectors, DataError> {
        let mut all = Vectors::default();
        for (number, start) in self.starts[..self.groups.len()].iter().enumerate() {
            let group = self.group(number, column, |group| columns::vectors(group, column))?;
            if all.width != 0 && group.width != 0 && all.width != group.width {
                let problem = format!("lists of {} and of {} values", all.width, group.width);
                return Err(self.refuse(column, problem));
            }
            all.width = all.width.max(group.width);
            all.values.extend(group.values);
            all.rows.extend(group.rows.iter().map(|row| start + row));
        }
        Ok(all)
    }

    fn all<T>(
        &self,
        column: usize,
        read: impl Fn(&dyn RowGroupReader) -> Result<Vec<T>, ParquetError>,
    ) -> Result<Vec<T>, DataError> {
        let mut rows = Vec::new();
        for number in 0..self.groups.len() {
            rows.extend(self.group(number, column, &read)?);
        }
        Ok(rows)
    }

    fn group<T>(
        &self,
        number: usize,
        column: usize,
        read: impl Fn(&dyn RowGroupReader) -> Result<T, ParquetError>,
    ) -> Result<T, DataError> {
        let reader = reader(&self.path)?;
        caught(|| read(reader.get_row_group(number)?.as_ref()))
            .map_err(|e| self.refuse(column, format!("row group {number}: {e}")))
    }

    fn refuse(&self, column: usize, problem: String) -> DataError {
        DataError::record(&self.path, format!("column {:?}", self.column_name(column)), problem)
    }

    /// Number of the row group that holds `row`, and the row's place in it.
    fn locate(&self, row: usize) -> (usize, usize) {
        let number = self.starts.partition_point(|&start| start <= row) - 1;
        (number, row - self.starts[number])
    }

    /// The encoded pictures of a row group. Threads that want the same group wait for one reader;
    /// no thread holds two locks.
    fn pictures(&self, number: usize) -> Result<Group, DataError> {
        let mut slot = self.groups[number].lock().unwrap_or_else(PoisonError::into_inner);
        let group = match &*slot {
            Some(group) => Arc::clone(group),
            None => {
                let read = |group: &dyn RowGroupReader| columns::binaries(group, self.picture);
                let group = Arc::new(self.group(number, self.picture, read)?);
                *slot = Some(Arc::clone(&group));
                group
            }
        };
        drop(slot);
        for forgotten in self.touch(number, &group) {
            *self.groups[forgotten].lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        Ok(group)
    }

    /// Notes that a row group was used; returns those that are to be forgotten for it.
    fn touch(&self, number: usize, group: &Group) -> Vec<usize> {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.back().is_some_and(|&(last, _)| last == number) {
            return Vec::new();
        }
        let known = recent.iter().position(|&(other, _)| other == number);
        let entry = known.and_then(|place| recent.remove(place)).unwrap_or_else(|| {
            (number, group.iter().flatten().map(|bytes| bytes.len() as u64).sum())
        });
        recent.push_back(entry);
        let mut held: u64 = recent.iter().map(|&(_, bytes)| bytes).sum();
        let mut forgotten = Vec::new();
        while held > self.limit && recent.len() > 1 {
            if let Some((oldest, bytes)) = recent.pop_front() {
                held -= bytes;
                forgotten.push(oldest);
            }
        }
        forgotten
    }
}

/// A reader with a file handle of its own: readers that share one share its position too, and
/// threads would read each other's pages.
fn reader(path: &Path) -> Result<SerializedFileReader<File>, DataError> {
    let file = File::open(path).map_err(DataError::io(path))?;
    caught(|| SerializedFileReader::new(file)).map_err(|e| {
        DataError::layout(path, format!("no readable Parquet file ({e}); was it copied whole?"))
    })
}

/// What `read` yields, its panics as errors: the decoders of the `parquet` crate still meet some
/// damaged pages with a panic. Nothing that `read` changes outlives it.
fn caught<T>(read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(ParquetError::General("damaged data".to_owned())))
}

fn numbers<T: Into<i64>>(values: Vec<Option<T>>) -> Vec<Option<LabelValue>> {
    values.into_iter().map(|value| value.map(|v| LabelValue::Number(v.into()))).collect()
}

impl Storage for Table {
    fn bytes(&self, row: usize) -> Result<Vec<u8>, DataError> {
        let (number, place) = self.locate(row);
        let group = self.pictures(number)?;
        match group.get(place) {
            Some(Some(bytes)) => Ok(bytes.data().to_vec()),
            _ => Ok(Vec::new()),
        }
    }

    fn length(&self, row: usize) -> Result<u64, DataError> {
        let (number, place) = self.locate(row);
        let group = self.pictures(number)?;
        Ok(group.get(place).and_then(Option::as_ref).map_or(0, |bytes| bytes.len() as u64))
    }

    fn place(&self, row: usize) -> String {
        format!("{}, row {row}", self.path.display())
    }
}
