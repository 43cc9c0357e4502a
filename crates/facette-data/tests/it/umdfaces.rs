//! Photographs with boxes.

use facette_data::{Region, Source};
use tempfile::tempdir;

use crate::fixture::{picture, refusal, write};

const HEADER: &str = "SUBJECT_ID,FILE,FACE_X,FACE_Y,FACE_WIDTH,FACE_HEIGHT,YAW";

#[test]
fn boxes_become_squares_and_subjects_classes() {
    let root = tempdir().unwrap();
    let photograph = picture(5, 40);
    write(root.path().join("batch1/ann/ann_1.jpg"), photograph.to_png().unwrap());
    let table =
        format!("{HEADER}\n70,ann/ann_1.jpg,10,12,10,8,1.5\n3,ann/ann_1.jpg, 20.4 ,2,6,10,0\n");
    write(root.path().join("batch1/umdfaces_batch1_ultraface.csv"), table);
    let source = Source::new("umdfaces", Some(root.path().to_owned()));
    let dataset = source.clone().with("margin", 0.0).open().unwrap();
    assert_eq!(dataset.classes(), ["3", "70"]);
    assert_eq!(dataset.labels().collect::<Vec<_>>(), [1, 0]);
    assert_eq!((dataset.name(0), dataset.name(1)), ("ann/ann_1.jpg", "ann/ann_1.jpg#2"));
    assert_eq!(dataset.region(0), Some(Region { x: 10, y: 11, width: 10, height: 10 }));
    assert_eq!(dataset.picture(0).unwrap(), photograph.crop(10, 11, 10, 10).unwrap());
    assert_ne!(dataset.content_digest(0).unwrap(), dataset.content_digest(1).unwrap());
    let wide = source.with("margin", 1.0).open().unwrap();
    assert_eq!(wide.picture(0).unwrap().width(), 20);
}

#[test]
fn rows_that_name_no_face_are_refused() {
    let root = tempdir().unwrap();
    let path = root.path().join("x_ultraface.csv");
    let source = Source::new("umdfaces", Some(root.path().to_owned()));
    assert!(refusal(source.open()).contains("_ultraface.csv"));
    for (row, expected) in [
        ("1,a.jpg,0,0,0,9,0", "no box"),
        ("1,a.jpg,0,0,nan,9,0", "no box"),
        ("1,a.jpg,0,1e300,9,9,0", "no box"),
        ("1,a.jpg,0,zero,9,9,0", "row 1"),
        ("one,a.jpg,0,0,9,9,0", "row 1"),
        ("1,../../etc/passwd,0,0,9,9,0", "no path below"),
        ("1,/etc/passwd,0,0,9,9,0", "no path below"),
        ("1,a.jpg,0,0,9", "row 1"),
        ("", "no picture"),
    ] {
        write(&path, format!("{HEADER}\n{row}\n"));
        let message = refusal(source.open());
        assert!(message.contains(expected), "{row}: {message}");
    }
    write(&path, "SUBJECT_ID,FILE\n1,a.jpg\n");
    assert!(refusal(source.open()).contains("no column FACE_X"));
    assert!(refusal(source.with("margin", 9.0).open()).contains("margin"));
}
