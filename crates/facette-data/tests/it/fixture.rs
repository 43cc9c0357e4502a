//! Small pictures, folders and Parquet files.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use facette_data::{Dataset, Preparation, Prepared, Source};
use facette_image::Picture;
use parquet::data_type::{
    ByteArray, ByteArrayType, FixedLenByteArray, FixedLenByteArrayType, Int64Type,
};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

/// A picture of `side` pixels whose colours depend on `number` and on the place.
pub(crate) fn picture(number: usize, side: usize) -> Picture {
    let value = |i: usize| (number * 37 + i * (3 + number % 5)) as u8;
    Picture::from_rgb(side, side, (0..side * side * 3).map(value).collect()).unwrap()
}

pub(crate) fn png(number: usize, side: usize) -> Vec<u8> {
    picture(number, side).to_png().unwrap()
}

pub(crate) fn write(path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) {
    let path = path.as_ref();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Identities `id0`, `id1`, ... with `shots` PNGs of 12 pixels each.
pub(crate) fn folder(root: &Path, identities: usize, shots: usize) -> PathBuf {
    for identity in 0..identities {
        for shot in 0..shots {
            let path = root.join(format!("id{identity}/{shot}.png"));
            write(path, png(identity * 100 + shot, 12));
        }
    }
    root.to_owned()
}

pub(crate) fn open(kind: &str, path: &Path) -> Dataset {
    Source::new(kind, Some(path.to_owned())).open().unwrap()
}

pub(crate) fn prepared(dataset: Dataset) -> Prepared {
    dataset.prepare(&Preparation::default(), &mut |_| {}).unwrap()
}

/// The message of an error that must be one.
pub(crate) fn refusal<T>(result: Result<T, facette_data::DataError>) -> String {
    match result {
        Ok(_) => panic!("expected a refusal"),
        Err(error) => error.to_string(),
    }
}

/// One row of a Parquet file in the hub's layout.
#[derive(Clone, Default)]
pub(crate) struct Row {
    pub(crate) bytes: Option<Vec<u8>>,
    pub(crate) path: Option<String>,
    pub(crate) label: Option<i64>,
    /// Half-precision values; `None` for a null list.
    pub(crate) feature: Option<Vec<half::f16>>,
}

pub(crate) fn rows(count: usize, classes: i64) -> Vec<Row> {
    (0..count)
        .map(|i| Row {
            bytes: Some(png(i, 8)),
            path: Some(format!("p{i}.png")),
            label: Some(i as i64 % classes),
            feature: Some((0..4).map(|k| half::f16::from_f32(i as f32 + k as f32 / 4.0)).collect()),
        })
        .collect()
}

/// Writes row groups of `img` struct{bytes, path}, `label` int64, `feature` list of float16.
/// `names` become the hub's `ClassLabel` names of `label`.
pub(crate) fn parquet(path: &Path, groups: &[Vec<Row>], names: Option<&[&str]>) {
    let schema = "message schema {
        optional group img { optional binary bytes; optional binary path (STRING); }
        optional int64 label;
        optional group feature (LIST) {
            repeated group list { optional fixed_len_byte_array(2) element (FLOAT16); }
        }
    }";
    let metadata = names.map(|names| {
        let features = serde_json::json!({"label": {"names": names, "_type": "ClassLabel"}});
        let json = serde_json::json!({"info": {"features": features}}).to_string();
        vec![KeyValue::new("huggingface".to_owned(), json)]
    });
    let properties = WriterProperties::builder().set_key_value_metadata(metadata).build();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut writer = SerializedFileWriter::new(
        File::create(path).unwrap(),
        Arc::new(parse_message_type(schema).unwrap()),
        Arc::new(properties),
    )
    .unwrap();
    for rows in groups {
        let mut group = writer.next_row_group().unwrap();
        let texts = |of: &dyn Fn(&Row) -> Option<Vec<u8>>| {
            let values: Vec<_> = rows.iter().filter_map(of).map(ByteArray::from).collect();
            let levels: Vec<i16> =
                rows.iter().map(|r| if of(r).is_some() { 2 } else { 1 }).collect();
            (values, levels)
        };
        let bytes: &dyn Fn(&Row) -> Option<Vec<u8>> = &|row| row.bytes.clone();
        let path: &dyn Fn(&Row) -> Option<Vec<u8>> =
            &|row| row.path.clone().map(String::into_bytes);
        for of in [bytes, path] {
            let (values, levels) = texts(of);
            let mut column = group.next_column().unwrap().unwrap();
            column.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None).unwrap();
            column.close().unwrap();
        }
        let labels: Vec<_> = rows.iter().filter_map(|row| row.label).collect();
        let levels: Vec<_> = rows.iter().map(|row| i16::from(row.label.is_some())).collect();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int64Type>().write_batch(&labels, Some(&levels), None).unwrap();
        column.close().unwrap();

        let (mut values, mut definitions, mut repetitions) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows {
            match &row.feature {
                None => {
                    definitions.push(0);
                    repetitions.push(0);
                }
                Some(feature) => {
                    for (k, value) in feature.iter().enumerate() {
                        definitions.push(3);
                        repetitions.push(i16::from(k > 0));
                        values.push(FixedLenByteArray::from(value.to_le_bytes().to_vec()));
                    }
                }
            }
        }
        let mut column = group.next_column().unwrap().unwrap();
        let typed = column.typed::<FixedLenByteArrayType>();
        typed.write_batch(&values, Some(&definitions), Some(&repetitions)).unwrap();
        column.close().unwrap();
        group.close().unwrap();
    }
    writer.close().unwrap();
}
