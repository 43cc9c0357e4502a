//! The original CIFAR files.

use facette_data::Source;
use tempfile::tempdir;

use crate::fixture::{refusal, write};

/// A record of which red, green and blue are planes of their own value, but for the second pixel.
fn record(labels: &[u8], [r, g, b]: [u8; 3]) -> Vec<u8> {
    let mut record = labels.to_vec();
    for value in [r, g, b] {
        record.extend([value; 1024]);
    }
    record[labels.len() + 1] = 255;
    record
}

#[test]
fn cifar100_has_two_labels_and_planes() {
    let root = tempdir().unwrap();
    let records = [record(&[3, 90], [1, 2, 3]), record(&[19, 4], [7, 8, 9])].concat();
    write(root.path().join("train.bin"), records);
    let source = Source::new("cifar100", Some(root.path().to_owned()));
    let fine = source.open().unwrap();
    assert_eq!(fine.labels().collect::<Vec<_>>(), [90, 4]);
    assert_eq!((fine.classes().len(), fine.name(1)), (100, "train/00001"));
    let picture = fine.picture(0).unwrap();
    assert_eq!((picture.width(), picture.height()), (32, 32));
    assert_eq!((picture.pixel(0, 0), picture.pixel(1, 0)), ([1, 2, 3], [255, 2, 3]));
    assert_ne!(fine.content_digest(0).unwrap(), fine.content_digest(1).unwrap());
    let coarse = source.clone().with("label", "coarse").open().unwrap();
    assert_eq!(coarse.labels().collect::<Vec<_>>(), [3, 19]);
    assert!(refusal(source.with("split", "test").open()).contains("test.bin"));
}

#[test]
fn cifar10_has_five_batches_and_class_names() {
    let root = tempdir().unwrap();
    for batch in 1..=5 {
        let path = root.path().join(format!("data_batch_{batch}.bin"));
        write(path, record(&[batch], [batch; 3]));
    }
    write(root.path().join("batches.meta.txt"), "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n");
    let source = Source::new("cifar10", Some(root.path().to_owned()));
    let dataset = source.open().unwrap();
    assert_eq!(dataset.labels().collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(dataset.classes()[5], "f");
    assert_eq!(dataset.name(4), "data_batch_5/00000");
    write(root.path().join("batches.meta.txt"), "a\nb\n");
    assert!(refusal(source.open()).contains("expected 10 class names, found 2"));
}

#[test]
fn files_of_another_size_or_with_other_labels_are_refused() {
    let root = tempdir().unwrap();
    let open = || Source::new("cifar100", Some(root.path().to_owned())).open();
    for length in [0, 1, 3073, 3074 * 2 - 1] {
        write(root.path().join("train.bin"), vec![0; length]);
        let message = refusal(open());
        assert!(message.contains("train.bin") && message.contains("3074"), "{message}");
    }
    write(root.path().join("train.bin"), record(&[0, 100], [0; 3]));
    let message = refusal(open());
    assert!(message.contains("record 0") && message.contains("label 100"), "{message}");
}
