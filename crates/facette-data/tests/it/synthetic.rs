//! Faces drawn here.

use facette_data::Source;

use crate::fixture::refusal;

#[test]
fn faces_are_named_counted_and_the_same_every_time() {
    let source = Source::new("synthetic", None).with("identities", 3).with("shots", 2);
    let source = source.with("size", 24).with("first", 7);
    let dataset = source.open().unwrap();
    assert_eq!((dataset.len(), dataset.classes().len()), (6, 3));
    assert_eq!((dataset.name(0), dataset.name(5)), ("s00007_0001", "s00009_0002"));
    let (a, b) = (dataset.picture(0).unwrap(), dataset.picture(1).unwrap());
    assert_eq!((a.width(), a.height()), (24, 24));
    assert_ne!(a, b);
    let shifted = source.clone().with("first", 8).open().unwrap();
    assert_eq!(shifted.picture(0).unwrap(), dataset.picture(2).unwrap());
    assert_ne!(dataset.content_digest(0).unwrap(), dataset.content_digest(1).unwrap());
    let other = source.clone().with("seed", 2).open().unwrap();
    assert_ne!(other.picture(0).unwrap(), a);
    assert_ne!(other.content_digest(0).unwrap(), dataset.content_digest(0).unwrap());
}

#[test]
fn impossible_numbers_are_refused() {
    let source = |key: &str, value: i64| Source::new("synthetic", None).with(key, value);
    for (key, value) in [("identities", 0), ("shots", -1), ("size", 0), ("size", 100_000)] {
        let message = refusal(source(key, value).open());
        assert!(message.contains(&format!("`{key}`")), "{message}");
    }
    let many = source("identities", 10_000_000).with("shots", 10_000);
    assert!(refusal(many.open()).contains("100 million"));
    assert!(refusal(Source::new("synthetic", Some("x".into())).open()).contains("`path`"));
}
