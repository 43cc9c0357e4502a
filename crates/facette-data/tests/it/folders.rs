//! Folder layouts: identities, LFW, CINIC-10, Tiny ImageNet.

use std::fs;

use facette_data::Source;
use tempfile::tempdir;

use crate::fixture::{folder, open, picture, png, refusal, write};

#[test]
fn identities_and_pictures_stand_in_byte_order() {
    let root = tempdir().unwrap();
    for path in ["b/2.PNG", "b/10.png", "B/1.png", "a/x.jpeg.png", "a/.hidden.png", ".git/1.png"] {
        write(root.path().join(path), png(1, 4));
    }
    write(root.path().join("a/notes.txt"), "no picture");
    write(root.path().join("README.md"), "no folder");
    let dataset = open("folder", root.path());
    assert_eq!(dataset.classes(), ["B", "a", "b"]);
    let names: Vec<_> = (0..dataset.len()).map(|i| dataset.name(i)).collect();
    assert_eq!(names, ["B/1.png", "a/x.jpeg.png", "b/10.png", "b/2.PNG"]);
    assert_eq!(dataset.labels().collect::<Vec<_>>(), [0, 1, 2, 2]);
    assert_eq!(dataset.find("b/2.PNG"), Some(3));
    assert_eq!(dataset.find("b/3.png"), None);
    assert_eq!(dataset.picture(3).unwrap(), picture(1, 4));
}

#[test]
fn an_empty_identity_is_named() {
    let root = tempdir().unwrap();
    folder(root.path(), 2, 1);
    fs::create_dir(root.path().join("nobody")).unwrap();
    write(root.path().join("nobody/list.txt"), "none");
    let message = refusal(Source::new("folder", Some(root.path().to_owned())).open());
    assert!(message.contains("nobody") && message.contains("no picture"), "{message}");
}

#[test]
fn what_is_no_folder_of_identities_is_refused() {
    let root = tempdir().unwrap();
    let refused = |kind: &str, path| refusal(Source::new(kind, Some(path)).open());
    assert!(refused("folder", root.path().join("missing")).contains("missing"));
    write(root.path().join("1.png"), png(1, 4));
    assert!(refused("folder", root.path().to_owned()).contains("folder for each identity"));
    assert!(refused("folder", root.path().join("1.png")).contains("1.png"));
    assert!(refusal(Source::new("folder", None).open()).contains("`path`: missing"));
}

#[test]
fn lfw_pictures_are_named_as_pair_lists_mean_them() {
    let root = tempdir().unwrap();
    for path in ["Ann_Lee/Ann_Lee_0001.jpg", "Ann_Lee/Ann_Lee_0002.png", "Bo/Bo_0001.png"] {
        write(root.path().join(path), png(1, 4));
    }
    let dataset = open("lfw", root.path());
    assert_eq!(dataset.find("Ann_Lee_0002"), Some(1));
    assert_eq!(dataset.classes(), ["Ann_Lee", "Bo"]);
    write(root.path().join("Bo/Bo_2.png"), png(1, 4));
    let message = refusal(Source::new("lfw", Some(root.path().to_owned())).open());
    assert!(message.contains("Bo_2.png") && message.contains("Bo_0001.jpg"), "{message}");
}

#[test]
fn cinic_splits_read_as_one_set_share_their_classes() {
    let root = tempdir().unwrap();
    for (number, path) in
        ["train/cat/a.png", "train/dog/b.png", "valid/cat/a.png", "valid/dog/d.png"]
            .iter()
            .enumerate()
    {
        write(root.path().join(path), png(number, 4));
    }
    let source = Source::new("cinic10", Some(root.path().to_owned()));
    assert_eq!(source.open().unwrap().len(), 2);
    let both = source.clone().with("split", vec!["train", "valid"]).open().unwrap();
    assert_eq!(both.classes(), ["cat", "dog"]);
    assert_eq!(both.labels().collect::<Vec<_>>(), [0, 1, 0, 1]);
    assert_eq!(both.name(2), "valid/cat/a.png");
    fs::remove_dir_all(root.path().join("valid/dog")).unwrap();
    let message = refusal(source.clone().with("split", vec!["train", "valid"]).open());
    assert!(message.contains("valid") && message.contains("differ"), "{message}");
    assert!(refusal(source.with("split", vec!["tset"]).open()).contains("train, valid or test"));
}

#[test]
fn tiny_imagenet_validation_labels_come_from_its_list() {
    let root = tempdir().unwrap();
    for path in ["train/n02/images/n02_0.JPEG", "train/n01/images/n01_0.JPEG"] {
        write(root.path().join(path), png(1, 4));
    }
    write(root.path().join("val/images/val_0.JPEG"), png(2, 4));
    write(root.path().join("val/images/val_1.JPEG"), png(3, 4));
    let list = root.path().join("val/val_annotations.txt");
    write(&list, "val_1.JPEG\tn01\t0\t0\t9\t9\nval_0.JPEG\tn02\t0\t0\t9\t9\n");
    let source = Source::new("tiny-imagenet", Some(root.path().to_owned()));
    let train = source.open().unwrap();
    assert_eq!(
        (train.name(0), train.classes()),
        ("n01/n01_0.JPEG", &["n01".into(), "n02".into()][..])
    );
    let val = source.clone().with("split", "val").open().unwrap();
    assert_eq!(val.labels().collect::<Vec<_>>(), [1, 0]);
    write(&list, "val_1.JPEG\tn01\nval_0.JPEG\tn07\n");
    let message = refusal(source.clone().with("split", "val").open());
    assert!(message.contains("line 2") && message.contains("n07"), "{message}");
    write(&list, "val_1.JPEG\tn01\n");
    assert!(refusal(source.clone().with("split", "val").open()).contains("val_0.JPEG"));
    let message = refusal(source.with("split", "test").open());
    assert!(message.contains("`split`") && message.contains("`val`"), "{message}");
}
