//! Reading whole leaf columns of one row group.

use ::parquet::column::reader::ColumnReader;
use ::parquet::data_type::{ByteArrayType, DataType, DoubleType, FixedLenByteArrayType, FloatType};
use ::parquet::errors::{ParquetError, Result};
use ::parquet::file::reader::RowGroupReader;
use half::f16;

/// Rows asked for at a time: row counts in a file are claims, not a size to reserve.
const CHUNK: usize = 4096;

/// A value for each row of a column without repetition; `None` where it is null.
pub(super) fn scalars<T: DataType>(
    group: &dyn RowGroupReader,
    column: usize,
) -> Result<Vec<Option<T::T>>> {
    let most = group.metadata().schema_descr().column(column).max_def_level();
    let (values, definitions, _) = levels::<T>(group, column)?;
    if most == 0 {
        return Ok(values.into_iter().map(Some).collect());
    }
    let mut values = values.into_iter();
    let row = |&definition: &i16| if definition == most { values.next() } else { None };
    Ok(definitions.iter().map(row).collect())
}

/// Vectors of one width, and the rows they belong to; null rows are left out.
#[derive(Default)]
pub(super) struct Vectors {
    pub(super) width: usize,
    pub(super) values: Vec<f32>,
    pub(super) rows: Vec<usize>,
}

/// The lists of numbers in a column, which must all have one length.
pub(super) fn vectors(group: &dyn RowGroupReader, column: usize) -> Result<Vectors> {
    match group.get_column_reader(column)? {
        ColumnReader::FloatColumnReader(_) => lists::<FloatType>(group, column, |v| *v),
        ColumnReader::DoubleColumnReader(_) => lists::<DoubleType>(group, column, |v| *v as f32),
        _ => lists::<FixedLenByteArrayType>(group, column, |bytes| match bytes.as_ref() {
            &[low, high] => f16::from_le_bytes([low, high]).to_f32(),
            _ => f32::NAN,
        }),
    }
}

fn lists<T: DataType>(
    group: &dyn RowGroupReader,
    column: usize,
    number: impl Fn(&T::T) -> f32,
) -> Result<Vectors> {
    let most = group.metadata().schema_descr().column(column).max_def_level();
    let (values, definitions, repetitions) = levels::<T>(group, column)?;
    let mut vectors = Vectors::default();
    let mut values = values.iter();
    let mut row = 0;
    let mut at = 0;
    while at < repetitions.len() {
        let length = 1 + repetitions[at + 1..].iter().take_while(|&&level| level > 0).count();
        let there = definitions[at..at + length].iter().filter(|&&level| level == most).count();
        if there > 0 {
            let width = if vectors.width == 0 { length } else { vectors.width };
            if there != length || length != width {
                return Err(ParquetError::General(format!(
                    "row {row}: {there} of {length} values in a list, expected {width}"
                )));
            }
            vectors.width = width;
            vectors.values.extend(values.by_ref().take(length).map(&number));
            vectors.rows.push(row);
        }
        at += length;
        row += 1;
    }
    Ok(vectors)
}

/// Values, definition levels and repetition levels.
type Levels<T> = (Vec<T>, Vec<i16>, Vec<i16>);

fn levels<T: DataType>(group: &dyn RowGroupReader, column: usize) -> Result<Levels<T::T>> {
    let reader = group.get_column_reader(column)?;
    let mut reader = T::get_column_reader(reader).ok_or_else(|| {
        ParquetError::General(format!("expected values of type {}", T::get_physical_type()))
    })?;
    let (mut values, mut definitions, mut repetitions) = (Vec::new(), Vec::new(), Vec::new());
    let mut rows = 0;
    loop {
        let (read, _, _) = reader.read_records(
            CHUNK,
            Some(&mut definitions),
            Some(&mut repetitions),
            &mut values,
        )?;
        if read == 0 {
            break;
        }
        rows += read;
    }
    match usize::try_from(group.metadata().num_rows()) {
        Ok(expected) if expected == rows => Ok((values, definitions, repetitions)),
        _ => Err(ParquetError::General(format!(
            "{rows} rows where the file claims {}",
            group.metadata().num_rows()
        ))),
    }
}

/// The byte strings of a column.
pub(super) fn binaries(
    group: &dyn RowGroupReader,
    column: usize,
) -> Result<Vec<Option<::parquet::data_type::ByteArray>>> {
    scalars::<ByteArrayType>(group, column)
}
