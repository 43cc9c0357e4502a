//! What `inspect` shows.

use facette_data::{TeacherMode, TeacherView, Views, views_sheet};
use facette_image::View;
use tempfile::tempdir;

use crate::fixture::{folder, open, picture, prepared, refusal, write};

#[test]
fn an_overview_counts_and_names_the_unreadable() {
    let root = tempdir().unwrap();
    let faces = folder(root.path(), 4, 2);
    write(faces.join("id3/2.png"), picture(1, 20).to_png().unwrap());
    write(faces.join("id3/3.jpg"), b"\xff\xd8\xff garbage");
    let overview = open("folder", &faces).overview(&mut |_| {}).unwrap();
    assert_eq!((overview.pictures, overview.identities), (10, 4));
    assert_eq!(overview.per_identity.to_string(), "2 / 2 / 4");
    assert_eq!(overview.sizes, [(12, 12, 8), (20, 20, 1)]);
    assert_eq!(overview.bad.len(), 1);
    let text = overview.to_string();
    assert!(text.contains("12x12: 8") && text.contains("3.jpg"), "{text}");
    assert!(serde_json::to_value(&overview).unwrap()["bad"][0][1].is_string());
}

#[test]
fn a_contact_sheet_has_a_row_for_each_identity() {
    let root = tempdir().unwrap();
    let dataset = open("folder", &folder(root.path(), 4, 2));
    let sheet = dataset.contact_sheet(2, 3, 24).unwrap();
    assert_eq!((sheet.width(), sheet.height()), (3 * 28 + 4, 2 * 28 + 4));
    // Identities 0 and 2 of 4, enlarged twofold; a third shot does not exist.
    assert_eq!(sheet.pixel(4, 4), picture(0, 12).pixel(0, 0));
    assert_eq!(sheet.pixel(4 + 28 + 2, 4 + 28), picture(201, 12).pixel(1, 0));
    assert_eq!(sheet.pixel(4 + 56 + 9, 9), [255; 3]);
    assert!(refusal(dataset.contact_sheet(0, 3, 24)).contains("contact sheet"));
    assert!(refusal(dataset.contact_sheet(2, 3, 0)).contains("contact sheet"));
}

#[test]
fn both_views_stand_side_by_side() {
    let root = tempdir().unwrap();
    let prepared = prepared(open("folder", &folder(root.path(), 2, 2)));
    let teacher = TeacherView { view: View::square(12), mode: TeacherMode::Clean };
    let views = Views { student: View::square(6), teacher: Some(teacher) };
    let sheet = views_sheet(&prepared, &views, 3, 2, 24, 1).unwrap();
    assert_eq!((sheet.width(), sheet.height()), (4 * 28 + 4, 3 * 28 + 4));
    assert_eq!(sheet.pixel(4, 4), sheet.pixel(4 + 28, 4), "original and clean teacher's view");
    // A student's pixel covers four by four pixels of its cell.
    let corner = sheet.pixel(4 + 56, 4);
    assert!((0..4).all(|d| sheet.pixel(4 + 56 + d, 4 + d) == corner));
}
