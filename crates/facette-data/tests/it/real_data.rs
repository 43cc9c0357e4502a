//! Real data, where it lies beside the workspace: `FACETTE_DATA`, or `../shared/data`.

use std::path::PathBuf;
use std::time::Instant;

use facette_data::{
    Cursor, Loader, LoaderSettings, Preparation, SamplerSettings, Source, Views, open_sources,
};

/// The folder of real data. Skips, with a printed line, where it is absent and not asked for.
fn data() -> Option<PathBuf> {
    let set = std::env::var_os("FACETTE_DATA").map(PathBuf::from);
    let folder = set
        .clone()
        .unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"));
    assert!(set.is_none() || folder.is_dir(), "FACETTE_DATA is no folder: {}", folder.display());
    if !folder.is_dir() {
        println!("skipped: no real data at {}", folder.display());
        return None;
    }
    Some(folder)
}

#[test]
fn cifar100_from_the_hub_has_its_classes_in_order() {
    let Some(data) = data() else { return };
    for (split, count) in [("train", 25_000), ("test", 10_000)] {
        let path = data.join(format!("cifar100/{split}.parquet"));
        let source = Source::new("parquet", Some(path)).with("label", "fine_label");
        let dataset = source.open().unwrap();
        assert_eq!((dataset.len(), dataset.classes().len()), (count, 100));
        assert_eq!(
            (dataset.classes()[0].as_str(), dataset.classes()[99].as_str()),
            ("apple", "worm")
        );
        let picture = dataset.picture(count - 1).unwrap();
        assert_eq!((picture.width(), picture.height()), (32, 32));
    }
}

#[test]
fn a_folder_and_a_table_of_faces_become_one_set() {
    let Some(data) = data() else { return };
    let mut train = Source::new("folder", Some(data.join("faces/train")));
    train.name = Some("train".to_owned());
    let extra = Source::new("parquet", Some(data.join("extra/faces48.parquet")));
    let start = Instant::now();
    let dataset = open_sources(&[train, extra]).unwrap();
    println!("opened in {:.2} s", start.elapsed().as_secs_f64());
    assert_eq!((dataset.len(), dataset.classes().len()), (18_886 + 36_539, 1031 + 7580));
    assert_eq!(dataset.feature_width(), Some(128));
    assert_eq!(dataset.without_features(), (0..18_886).collect::<Vec<_>>());
    let feature = dataset.feature(20_000).unwrap();
    let norm: f32 = feature.iter().map(|value| value * value).sum();
    assert!((norm - 1.0).abs() < 0.01, "the teacher's vectors are normalised: {norm}");

    let some = [0, 18_885, 18_886, 55_424].map(|i| dataset.picture(i).unwrap().width());
    assert_eq!(some, [112, 112, 48, 48]);
    if std::env::var_os("FACETTE_DATA_FULL").is_none() {
        println!("FACETTE_DATA_FULL is not set: 4 of {} pictures decoded", dataset.len());
        return;
    }
    let start = Instant::now();
    let settings = Preparation { size: Some(48), ..Preparation::default() };
    let prepared = dataset.prepare(&settings, &mut |_| {}).unwrap();
    let seconds = start.elapsed().as_secs_f64();
    println!("decoded in {seconds:.1} s, {} MB", prepared.bytes_in_memory() / 1_000_000);
    assert_eq!(prepared.bytes_in_memory(), prepared.dataset().len() * 48 * 48 * 3);

    let text = "size = 16\njitter = { scale = [0.9375, 1.0833], margin = 0.0625, flip = 0.5 }";
    let views = Views { student: toml::from_str(text).unwrap(), teacher: None };
    let sampler = SamplerSettings::default().build(prepared.dataset(), 1).unwrap();
    let loader = Loader::new(prepared, sampler, views, LoaderSettings::default(), 1).unwrap();
    let start = Instant::now();
    let shown: usize =
        loader.batches(Cursor::default(), 1).map(|batch| batch.unwrap().pictures()).sum();
    println!("{:.0} training views a second", shown as f64 / start.elapsed().as_secs_f64());
}

#[test]
fn lfw_pictures_are_found_by_their_names() {
    let Some(data) = data() else { return };
    let dataset = Source::new("lfw", Some(data.join("faces/lfw"))).open().unwrap();
    assert_eq!(dataset.len(), 7701);
    let place = dataset.find("Abel_Pacheco_0001").unwrap();
    assert_eq!(dataset.classes()[dataset.label(place)], "Abel_Pacheco");
}
