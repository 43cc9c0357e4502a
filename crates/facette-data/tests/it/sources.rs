//! Several sources in one data set, and what a recipe says of them.

use facette_data::{DATASETS, Source, concat, open_sources};
use tempfile::tempdir;

use crate::fixture::{folder, open, parquet, refusal, rows};

#[test]
fn identities_of_different_sources_are_different_classes() {
    let root = tempdir().unwrap();
    let faces = folder(&root.path().join("faces"), 2, 2);
    let table = root.path().join("x.parquet");
    parquet(&table, &[rows(3, 3)], None);
    let mut first = Source::new("folder", Some(faces.clone()));
    first.name = Some("train".to_owned());
    let second = Source::new("parquet", Some(table));
    let dataset = open_sources(&[first.clone(), second]).unwrap();
    assert_eq!(
        dataset.classes(),
        ["train/id0", "train/id1", "parquet-2/0", "parquet-2/1", "parquet-2/2"]
    );
    assert_eq!(dataset.labels().collect::<Vec<_>>(), [0, 0, 1, 1, 2, 3, 4]);
    assert_eq!(dataset.name(0), "train/id0/0.png");
    assert_eq!(dataset.without_features(), [0, 1, 2, 3]);
    assert_eq!(dataset.picture(4).unwrap().width(), 8);
    let alone = open_sources(&[first.clone()]).unwrap();
    assert_eq!(alone.name(0), "id0/0.png");
    assert!(refusal(open_sources(&[first.clone(), first])).contains("`train` stands twice"));
    assert!(refusal(open_sources(&[])).contains("no picture"));
}

#[test]
fn features_of_two_teachers_do_not_mix() {
    let root = tempdir().unwrap();
    let mut a = open("folder", &folder(&root.path().join("a"), 1, 1));
    let mut b = open("folder", &folder(&root.path().join("b"), 1, 1));
    a.set_features("a", &[0], 2, vec![0.0; 2]).unwrap();
    b.set_features("b", &[0], 3, vec![0.0; 3]).unwrap();
    let message = refusal(concat(vec![("a".into(), a), ("b".into(), b)]));
    assert!(message.contains("3 values") && message.contains("one teacher"), "{message}");
}

#[test]
fn recipes_are_read_and_misspelt_keys_refused_by_every_kind() {
    let source: Source = toml::from_str("kind = 'parkuet'\npath = 'x'").unwrap();
    assert!(refusal(source.open()).contains("did you mean `parquet`?"));
    for spec in DATASETS {
        let source = Source::new(spec.id(), Some("x".into())).with("lable_of", 1);
        let message = refusal(source.open());
        assert!(message.contains("`lable_of`: unknown"), "{}: {message}", spec.id());
    }
    let text = "kind = 'cifar100'\npath = 'x'\nsplit = 'test'\n";
    let source: Source = toml::from_str(text).unwrap();
    assert_eq!(toml::from_str::<Source>(&toml::to_string(&source).unwrap()).unwrap(), source);
    let message = refusal(source.with("label", 7).open());
    assert!(message.contains("`label`"), "{message}");
}

#[test]
fn the_digest_follows_what_it_covers() {
    let root = tempdir().unwrap();
    let dataset = open("folder", &folder(root.path(), 2, 2));
    let (outline, contents) =
        (dataset.outline_digest().unwrap(), dataset.contents_digest().unwrap());
    let again = open("folder", root.path());
    assert_eq!(again.outline_digest().unwrap(), outline);
    assert_eq!(again.contents_digest().unwrap(), contents);
    assert_ne!(dataset.subset(&[0, 1, 2]).unwrap().outline_digest().unwrap(), outline);
    assert_ne!(dataset.subset(&[1, 0, 2, 3]).unwrap().contents_digest().unwrap(), contents);

    // One byte of another value, in a file of the same length: only the contents differ.
    let path = root.path().join("id0/0.png");
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let changed = open("folder", root.path());
    assert_eq!(changed.outline_digest().unwrap(), outline);
    assert_ne!(changed.contents_digest().unwrap(), contents);
    assert_eq!(outline.to_string().len(), 64);
}
