//! Hugging Face layout: columns, shards, names, features, damage.

use std::fs;
use std::path::Path;

use facette_data::{DataError, Dataset, Source};
use proptest::prelude::*;
use rayon::prelude::*;
use tempfile::tempdir;

use crate::fixture::{Row, parquet, picture, refusal, rows};

fn source(path: &Path) -> Source {
    Source::new("parquet", Some(path.to_owned()))
}

#[test]
fn pictures_names_labels_and_features_come_from_their_columns() {
    let root = tempdir().unwrap();
    let path = root.path().join("x.parquet");
    let all = rows(11, 3);
    parquet(&path, &[all[..4].to_vec(), all[4..].to_vec()], None);
    let dataset = source(&path).open().unwrap();
    assert_eq!((dataset.len(), dataset.classes().len()), (11, 3));
    for i in (0..11).rev() {
        assert_eq!(dataset.name(i), format!("p{i}.png"));
        assert_eq!(dataset.label(i), i % 3);
        assert_eq!(dataset.picture(i).unwrap(), picture(i, 8));
        let i = i as f32;
        assert_eq!(dataset.feature(i as usize).unwrap(), [i, i + 0.25, i + 0.5, i + 0.75]);
    }
    assert!(dataset.place(7).ends_with("x.parquet, row 7"));
    let plain = source(&path).with("feature", "").open().unwrap();
    assert_eq!(plain.feature_width(), None);
}

#[test]
fn class_names_of_the_file_fix_the_labels() {
    let root = tempdir().unwrap();
    let path = root.path().join("x.parquet");
    let mut some = rows(2, 9);
    some[0].label = Some(3);
    some[1].label = Some(1);
    parquet(&path, &[some.clone()], Some(&["ant", "bee", "cat", "dog"]));
    let dataset = source(&path).open().unwrap();
    assert_eq!(dataset.classes(), ["ant", "bee", "cat", "dog"]);
    assert_eq!(dataset.labels().collect::<Vec<_>>(), [3, 1]);
    some[1].label = Some(4);
    parquet(&path, &[some], Some(&["ant", "bee", "cat", "dog"]));
    let message = refusal(source(&path).open());
    assert!(message.contains("row 1") && message.contains("label 4"), "{message}");
}

#[test]
fn labels_without_names_become_classes_in_their_order() {
    let root = tempdir().unwrap();
    let path = root.path().join("x.parquet");
    let mut some = rows(3, 9);
    for (row, label) in some.iter_mut().zip([500, -2, 70]) {
        row.label = Some(label);
    }
    parquet(&path, &[some], None);
    let dataset = source(&path).open().unwrap();
    assert_eq!(dataset.classes(), ["-2", "70", "500"]);
    assert_eq!(dataset.labels().collect::<Vec<_>>(), [2, 0, 1]);
}

#[test]
fn rows_without_paths_are_named_by_their_number() {
    let root = tempdir().unwrap();
    let path = root.path().join("data/train-00000-of-00001.parquet");
    let mut some = rows(3, 2);
    some[1].path = None;
    some[2].feature = None;
    parquet(&path, &[some], None);
    let dataset = source(root.path()).open().unwrap();
    assert_eq!(dataset.name(1), "train-00000-of-00001/000001");
    assert_eq!(dataset.without_features(), [2]);
}

#[test]
fn shards_of_one_split_are_one_set_and_splits_are_not_mixed() {
    let root = tempdir().unwrap();
    let all = rows(9, 3);
    for (name, part) in [
        ("train-00000-of-00002.parquet", &all[..3]),
        ("train-00001-of-00002.parquet", &all[3..7]),
        ("test-00000-of-00001.parquet", &all[7..]),
    ] {
        parquet(&root.path().join(name), &[part.to_vec()], None);
    }
    let message = refusal(source(root.path()).open());
    assert!(message.contains("test, train") && message.contains("`split`"), "{message}");
    let train = source(root.path()).with("split", "train").open().unwrap();
    assert_eq!((train.len(), train.name(6)), (7, "p6.png"));
    assert_eq!(train.picture(5).unwrap(), picture(5, 8));
    assert!(refusal(source(root.path()).with("split", "dev").open()).contains("\"dev\""));
}

#[test]
fn columns_are_asked_for_by_name() {
    let root = tempdir().unwrap();
    let path = root.path().join("x.parquet");
    parquet(&path, &[rows(3, 2)], None);
    let refused = |key: &str, value: &str| refusal(source(&path).with(key, value).open());
    assert!(refused("label", "lable").contains("did you mean \"label\"?"));
    assert!(refused("label", "img").contains("cannot hold a label"));
    assert!(refused("picture", "label").contains("cannot hold a picture"));
    assert!(refused("feature", "label").contains("cannot hold a feature"));
    assert!(refused("colour", "red").contains("unknown"));
    assert!(refused("fetaure", "red").contains("did you mean `feature`?"));
}

#[test]
fn nulls_and_uneven_lists_are_refused() {
    let root = tempdir().unwrap();
    let path = root.path().join("x.parquet");
    let write = |change: fn(&mut Row)| {
        let mut some = rows(5, 2);
        change(&mut some[3]);
        parquet(&path, &[some], None);
        source(&path).open()
    };
    assert!(refusal(write(|row| row.label = None)).contains("row 3"));
    let message = refusal(write(|row| row.feature.as_mut().unwrap().truncate(3)));
    assert!(message.contains("\"feature\"") && message.contains("row 3"), "{message}");
    let message = refusal(write(|row| row.feature.as_mut().unwrap()[1] = half::f16::NAN));
    assert!(message.contains("finite"), "{message}");
    let dataset = write(|row| row.bytes = None).unwrap();
    let bad = dataset.verify(&mut |_| {}).unwrap();
    assert_eq!(bad.pictures.len(), 1);
    assert!(bad.to_string().contains("x.parquet, row 3: not a picture: 0 bytes"), "{bad}");
}

#[test]
fn little_memory_reads_the_same_pictures() {
    let root = tempdir().unwrap();
    let path = root.path().join("x.parquet");
    let all = rows(40, 4);
    let groups: Vec<_> = all.chunks(7).map(<[Row]>::to_vec).collect();
    parquet(&path, &groups, None);
    let dataset = source(&path).with("keep_mb", 0).open().unwrap();
    let order: Vec<_> = (0..400).map(|i| i * 17 % 40).collect();
    order.par_iter().for_each(|&i| assert_eq!(dataset.picture(i).unwrap(), picture(i, 8)));
}

#[test]
fn foreign_files_are_refused() {
    let root = tempdir().unwrap();
    let path = root.path().join("x.parquet");
    for bytes in [&b""[..], b"PAR1", b"PAR1PAR1", b"{\"json\": true}", &[0xff; 4096]] {
        fs::write(&path, bytes).unwrap();
        let message = refusal(source(&path).open());
        assert!(message.contains("x.parquet"), "{message}");
    }
    assert!(refusal(source(root.path().join("none").as_path()).open()).contains("none"));
    assert!(refusal(source(tempdir().unwrap().path()).open()).contains("no *.parquet file"));
}

/// Opens the file and reads every picture.
fn read_all(path: &Path) -> Result<usize, DataError> {
    let dataset: Dataset = source(path).open()?;
    Ok(dataset.verify(&mut |_| {})?.pictures.len())
}

#[test]
fn every_truncation_is_refused() {
    let root = tempdir().unwrap();
    let path = root.path().join("x.parquet");
    parquet(&path, &[rows(3, 2)], None);
    let whole = fs::read(&path).unwrap();
    assert_eq!(read_all(&path).unwrap(), 0);
    for length in (0..whole.len()).step_by(7) {
        fs::write(&path, &whole[..length]).unwrap();
        assert!(refusal(read_all(&path)).contains("x.parquet"), "cut to {length}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// A damaged file may be read or refused, but never ends the program.
    #[test]
    fn damage_is_survived(at in 0.0..1.0_f64, value in any::<u8>(), tail in any::<bool>()) {
        let root = tempdir().unwrap();
        let path = root.path().join("x.parquet");
        parquet(&path, &[rows(3, 2), rows(2, 2)], Some(&["a", "b"]));
        let mut bytes = fs::read(&path).unwrap();
        // Half of the cases hit the footer, where lengths and types stand.
        let footer = 8 + u32::from_le_bytes(bytes[bytes.len() - 8..][..4].try_into().unwrap()) as usize;
        let span = if tail { footer } else { bytes.len() };
        let place = bytes.len() - 1 - ((span - 1) as f64 * at) as usize;
        bytes[place] = value;
        fs::write(&path, &bytes).unwrap();
        let _ = read_all(&path);
    }
}
