//! Teacher vectors beside the pictures.

use std::collections::HashMap;
use std::path::Path;

use facette_data::{DataError, Dataset, Source, read_features_file};
use safetensors::tensor::{Dtype, TensorView};
use tempfile::tempdir;

use crate::fixture::{folder, open, refusal};

fn write(path: &Path, dtype: Dtype, width: usize, values: &[u8], names: &str) {
    let rows = values.len() * 8 / dtype.bitsize() / width;
    let view = TensorView::new(dtype, vec![rows, width], values).unwrap();
    let metadata = HashMap::from([("names".to_owned(), names.to_owned())]);
    safetensors::serialize_to_file([("features", view)], Some(metadata), path).unwrap();
}

fn read(dataset: &mut Dataset, path: &Path) -> Result<(), DataError> {
    read_features_file(dataset, path)
}

#[test]
fn rows_are_matched_by_name_whatever_their_order() {
    let root = tempdir().unwrap();
    let path = root.path().join("teacher.safetensors");
    let pictures = folder(&root.path().join("faces"), 2, 1);
    let values: Vec<u8> =
        [1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    write(&path, Dtype::F32, 2, &values, r#"["id1/0.png", "other", "id0/0.png"]"#);
    let mut source = Source::new("folder", Some(pictures));
    source.features = Some(path);
    let dataset = source.open().unwrap();
    assert_eq!(dataset.feature(0).unwrap(), [5.0, 6.0]);
    assert_eq!(dataset.feature(1).unwrap(), [1.0, 2.0]);
    let second = dataset.subset(&[1]).unwrap();
    assert_eq!(second.feature(0).unwrap(), [1.0, 2.0]);
}

#[test]
fn names_may_stand_in_a_tensor_and_values_be_halves() {
    let root = tempdir().unwrap();
    let path = root.path().join("teacher.safetensors");
    let names = br#"["id0/0.png"]"#;
    let values: Vec<u8> =
        [0.5_f32, -2.0].iter().flat_map(|v| half::f16::from_f32(*v).to_le_bytes()).collect();
    let tensors = [
        ("features", TensorView::new(Dtype::F16, vec![1, 2], &values).unwrap()),
        ("names", TensorView::new(Dtype::U8, vec![names.len()], names).unwrap()),
    ];
    safetensors::serialize_to_file(tensors, None, &path).unwrap();
    let mut dataset = open("folder", &folder(&root.path().join("faces"), 1, 1));
    read(&mut dataset, &path).unwrap();
    assert_eq!(dataset.feature(0).unwrap(), [0.5, -2.0]);
}

#[test]
fn a_file_that_does_not_fit_is_refused() {
    let root = tempdir().unwrap();
    let path = root.path().join("teacher.safetensors");
    let mut dataset = open("folder", &folder(&root.path().join("faces"), 3, 1));
    let floats = |values: &[f32]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    write(&path, Dtype::F32, 1, &floats(&[1.0]), r#"["id1/0.png"]"#);
    let message = refusal(read(&mut dataset, &path));
    assert!(message.contains("`id0/0.png` and 1 other pictures"), "{message}");
    let names = r#"["id0/0.png", "id1/0.png", "id2/0.png"]"#;
    for (values, names, expected) in [
        (&[1.0, 2.0][..], names, "3 names for 2 rows"),
        (&[1.0, f32::NAN, 2.0], names, "finite"),
        (&[1.0, 1.0], r#"["id0/0.png", "id0/0.png"]"#, "stands twice"),
        (&[1.0], "id0", "not a JSON list"),
    ] {
        write(&path, Dtype::F32, 1, &floats(values), names);
        let message = refusal(read(&mut dataset, &path));
        assert!(message.contains(expected), "{message}");
    }
    write(&path, Dtype::I32, 1, &floats(&[1.0]), names);
    assert!(refusal(read(&mut dataset, &path)).contains("expected F32"));
    let whole = std::fs::read(&path).unwrap();
    for length in 0..whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        assert!(refusal(read(&mut dataset, &path)).contains("teacher.safetensors"));
    }
    assert_eq!(dataset.feature_width(), None, "a refused file leaves nothing behind");
}

#[test]
fn vectors_computed_for_some_pictures_join_those_there_are() {
    let root = tempdir().unwrap();
    let mut dataset = open("folder", &folder(root.path(), 2, 2));
    dataset.set_features("a", &[3, 1], 2, vec![1.0, 2.0, 3.0, 4.0]).unwrap();
    assert_eq!(dataset.without_features(), [0, 2]);
    assert_eq!(dataset.feature(1).unwrap(), [3.0, 4.0]);
    let message = refusal(dataset.set_features("b", &[0], 3, vec![0.0; 3]));
    assert!(message.contains("`id0/1.png` has 2 values, `id0/0.png` has 3"), "{message}");
    assert_eq!(dataset.without_features(), [0, 2], "a refusal changes nothing");
    dataset.set_features("d", &[0, 1, 2, 3], 3, vec![0.5; 12]).unwrap();
    assert_eq!(dataset.feature_width(), Some(3), "all may be replaced");
    let message = refusal(dataset.set_features("c", &[0, 2], 3, vec![0.0; 3]));
    assert!(message.contains("1 rows for 2 pictures"), "{message}");
}
