//! Decoding once or at every step, bad pictures, memory, the file on disk.

use std::fs;

use facette_data::{DataError, Decode, Preparation, Source};
use facette_image::{Kernel, resize};
use tempfile::tempdir;

use crate::fixture::{folder, open, picture, refusal, write};

#[test]
fn bad_pictures_are_named_and_refused_unless_allowed() {
    let root = tempdir().unwrap();
    let faces = folder(root.path(), 3, 3);
    let whole = picture(5, 12).to_jpeg(90).unwrap();
    write(faces.join("id0/cut.jpg"), &whole[..whole.len() / 3]);
    write(faces.join("id1/empty.jpg"), b"");
    #[cfg(unix)]
    std::os::unix::fs::symlink("nowhere.png", faces.join("id2/gone.png")).unwrap();
    let count = if cfg!(unix) { 3 } else { 2 };
    for decode in [Decode::Once, Decode::Step] {
        let settings = Preparation { decode, allow_bad: count - 1, ..Preparation::default() };
        let dataset = open("folder", &faces);
        let message = refusal(dataset.clone().prepare(&settings, &mut |_| {}));
        assert!(message.starts_with(&format!("{count} of {} pictures", 9 + count)), "{message}");
        assert!(message.contains("cut.jpg") && message.contains("empty.jpg"), "{message}");
        assert!(message.contains(&format!("allow_bad = {count}")), "{message}");
        let settings = Preparation { allow_bad: count, ..settings };
        let prepared = dataset.prepare(&settings, &mut |_| {}).unwrap();
        assert_eq!(prepared.dataset().len(), 9);
        assert_eq!(prepared.bad().pictures.len(), count);
        for i in 0..9 {
            let name = prepared.dataset().name(i);
            assert_eq!(prepared.picture(i).unwrap(), picture(i / 3 * 100 + i % 3, 12), "{name}");
        }
    }
}

#[test]
fn pictures_are_reduced_by_area_and_never_enlarged() {
    let root = tempdir().unwrap();
    write(root.path().join("a/large.png"), picture(1, 24).to_png().unwrap());
    write(root.path().join("a/small.png"), picture(2, 5).to_png().unwrap());
    let tall = picture(3, 24).crop(0, 0, 12, 24).unwrap();
    write(root.path().join("a/tall.png"), tall.to_png().unwrap());
    let settings = Preparation { size: Some(8), ..Preparation::default() };
    let prepared = open("folder", root.path()).prepare(&settings, &mut |_| {}).unwrap();
    assert_eq!(prepared.picture(0).unwrap(), resize(&picture(1, 24), 8, 8, Kernel::Area).unwrap());
    assert_eq!(prepared.picture(1).unwrap(), picture(2, 5));
    assert_eq!(prepared.picture(2).unwrap(), resize(&tall, 8, 16, Kernel::Area).unwrap());
    assert_eq!(prepared.bytes_in_memory(), 3 * (64 + 25 + 128));
    let none = Preparation { size: Some(0), ..Preparation::default() };
    assert!(refusal(open("folder", root.path()).prepare(&none, &mut |_| {})).contains("`size`"));
}

#[test]
fn too_little_memory_is_refused_with_a_forecast() {
    let root = tempdir().unwrap();
    for number in 0..4 {
        write(root.path().join(format!("a/{number}.png")), picture(number, 600).to_png().unwrap());
    }
    let settings = Preparation { limit_mb: 2, ..Preparation::default() };
    let error = open("folder", root.path()).prepare(&settings, &mut |_| {}).unwrap_err();
    assert!(
        matches!(error, DataError::CacheLimit { pictures: 4, needed_mb: 5, limit_mb: 2 }),
        "{error}"
    );
}

#[test]
fn the_file_on_disk_serves_the_same_data_and_no_other() {
    let root = tempdir().unwrap();
    let faces = folder(&root.path().join("faces"), 2, 3);
    write(faces.join("id0/bad.png"), b"bad");
    let cache = root.path().join("cache/deep");
    let settings = Preparation {
        size: Some(6),
        folder: Some(cache.clone()),
        allow_bad: 1,
        ..Preparation::default()
    };
    let prepare = |settings: &Preparation| {
        let mut decoded = 0;
        let prepared = open("folder", &faces)
            .prepare(settings, &mut |progress| decoded = progress.done)
            .unwrap();
        (prepared, decoded)
    };
    let (first, decoded) = prepare(&settings);
    assert_eq!(decoded, 7);
    let (second, decoded) = prepare(&settings);
    assert_eq!(decoded, 0, "read from the file");
    assert_eq!((second.dataset().len(), second.bad()), (6, first.bad()));
    (0..6).for_each(|i| assert_eq!(second.picture(i).unwrap(), first.picture(i).unwrap()));
    assert_eq!(prepare(&Preparation { size: Some(5), ..settings.clone() }).1, 7);
    assert_eq!(fs::read_dir(&cache).unwrap().count(), 2);
    write(faces.join("id1/0.png"), picture(9, 12).to_png().unwrap());
    let (changed, decoded) = prepare(&settings);
    assert_eq!(decoded, 7, "other data");
    assert_ne!(changed.picture(3).unwrap(), first.picture(3).unwrap());
    let refused = Preparation { allow_bad: 0, ..settings };
    assert!(refusal(open("folder", &faces).prepare(&refused, &mut |_| {})).contains("bad.png"));
}

#[test]
fn progress_counts_up_to_the_end() {
    let root = tempdir().unwrap();
    let dataset = open("folder", &folder(root.path(), 2, 2));
    let mut seen = Vec::new();
    dataset.verify(&mut |progress| seen.push((progress.done, progress.total))).unwrap();
    assert_eq!(seen, [(0, 4), (4, 4)]);
}

#[test]
fn an_unwritable_cache_folder_is_named() {
    let root = tempdir().unwrap();
    let faces = folder(&root.path().join("faces"), 1, 1);
    write(root.path().join("file"), b"in the way");
    let folder = Some(root.path().join("file"));
    let settings = Preparation { folder, ..Preparation::default() };
    let source = Source::new("folder", Some(faces));
    assert!(refusal(source.open().unwrap().prepare(&settings, &mut |_| {})).contains("file"));
}
