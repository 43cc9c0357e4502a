//! Protocols from pictures on disk to JSON, with models simple enough to know the answer.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use facette_eval::protocols::{Images, PROTOCOLS, ProtocolOptions, Request, Subject, protocol};
use facette_eval::{Embedder, EvalError, Evidence, Flip, Judged, ModelInfo, Outcome, Sizes};
use facette_image::{Picture, View};
use serde_json::Value;

/// A model that computes a row from each picture's planes.
struct Toy {
    view: View,
    dim: usize,
    row: fn(&[f32]) -> Vec<f32>,
}

impl Embedder for Toy {
    fn input(&self) -> &View {
        &self.view
    }

    fn dim(&self) -> usize {
        self.dim
    }

    fn embed(
        &mut self,
        planes: &[f32],
        count: usize,
    ) -> Result<Vec<f32>, Box<dyn Error + Send + Sync>> {
        let of_one = planes.len() / count;
        Ok(planes.chunks_exact(of_one).flat_map(|planes| (self.row)(planes)).collect())
    }
}

/// Brightness, -1..1, as an angle.
fn angle(planes: &[f32]) -> Vec<f32> {
    let mean = planes.iter().sum::<f32>() / planes.len() as f32;
    vec![mean.cos(), mean.sin()]
}

fn toy(side: usize) -> Toy {
    Toy { view: View::square(side), dim: 2, row: angle }
}

fn save(root: &Path, name: &str, number: usize, grey: u8) {
    let folder = root.join(name);
    fs::create_dir_all(&folder).unwrap();
    let picture = Picture::filled(24, 24, [grey; 3]).unwrap();
    fs::write(folder.join(format!("{name}_{number:04}.png")), picture.to_png().unwrap()).unwrap();
}

/// Four people of different brightness with three pictures each, and a list of two folds in which
/// brightness tells everything.
fn faces() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (person, name) in ["Ann", "Bob", "Cy", "Dee"].iter().enumerate() {
        for number in 1..=3 {
            save(folder.path(), name, number, (70 * person + 2 * number) as u8);
        }
    }
    let list = "2\t2\nAnn\t1\t2\nBob\t1\t3\nAnn\t1\tBob\t1\nBob\t2\tCy\t3\n\
                Cy\t1\t2\nDee\t2\t3\nCy\t2\tDee\t1\nAnn\t3\tDee\t3\n";
    fs::write(folder.path().join("pairs.txt"), list).unwrap();
    folder
}

fn judge(
    name: &str,
    model: &mut dyn Embedder,
    root: &Path,
    options: ProtocolOptions,
) -> Result<Judged, EvalError> {
    let request = Request {
        images: Images::Folder(root.to_owned()),
        pairs: Some(root.join("pairs.txt")),
        options,
    };
    let info = ModelInfo {
        name: "toy".into(),
        digest: "abc".into(),
        parameters: Some(0),
        ..ModelInfo::default()
    };
    protocol(name)?.judge(Subject { embedder: model, info }, &request, &mut |_| ())
}

fn options(text: &str) -> ProtocolOptions {
    serde_json::from_str(text).unwrap()
}

#[test]
fn lfw_gives_one_json_object_with_keys_in_order() {
    let folder = faces();
    let judged = judge("lfw", &mut toy(4), folder.path(), options(r#"{"size": 4}"#)).unwrap();
    let text = serde_json::to_string(&judged.judgement).unwrap();
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["protocol"], "lfw");
    assert_eq!(json["pairs"], 8);
    assert_eq!(json["folds"], 2);
    assert_eq!(json["size"], 4);
    assert_eq!(json["sizes"], serde_json::json!([4, 4]));
    assert_eq!(json["flip"], true);
    assert_eq!(json["accuracy"], 1.0);
    assert_eq!(json["accuracy_std"], 0.0);
    assert_eq!(json["auc"], 1.0);
    assert_eq!(json["eer"], 0.0);
    assert_eq!(json["tar_at_far"]["1e-3"], 1.0);
    assert_eq!(json["accuracy_per_fold"], serde_json::json!([1.0, 1.0]));
    assert!(json["threshold"].as_f64().unwrap() > 0.0);
    assert_eq!(json["convention"], "insightface");
    assert_eq!(json["model"]["digest"], "abc");
    assert_eq!(json["without_flip"]["accuracy"], 1.0);
    let place = |key: &str| text.find(&format!("\"{key}\":")).unwrap();
    let keys = ["protocol", "pairs", "folds", "size", "flip", "accuracy", "auc", "tar_at_far"];
    assert!(keys.windows(2).all(|pair| place(pair[0]) < place(pair[1])), "{text}");

    let back: facette_eval::Judgement = serde_json::from_str(&text).unwrap();
    assert_eq!(back, judged.judgement);
    let Evidence::Pairs(pairs) = judged.evidence else { panic!("pairs") };
    assert_eq!(pairs.names[3], ("Bob_0002".into(), "Cy_0003".into()));
    assert!(pairs.worst(0.2, 9).is_empty());
}

#[test]
fn lfw_at_a_pair_of_sizes() {
    let folder = faces();
    let at = |size: &str| {
        let options = options(&format!(r#"{{"size": {size}, "flip": "none"}}"#));
        judge("lfw", &mut toy(8), folder.path(), options).unwrap().judgement
    };
    let across = at("\"12-4\"");
    let numbers = across.verification().unwrap();
    assert_eq!((numbers.size, numbers.sizes), (4, [12, 4]));
    assert_eq!((numbers.flip, numbers.flip_rule.as_str()), (false, "none"));
    assert!(numbers.without_flip.is_none());
    assert_eq!(numbers.scores.accuracy, 1.0);
    // Grey pictures look the same at every size.
    assert_eq!(numbers.scores, at("8").verification().unwrap().scores);
}

#[test]
fn sizes_reach_the_model() {
    /// Contrast between neighbours, which a reduction destroys.
    fn contrast(planes: &[f32]) -> Vec<f32> {
        vec![1.0, planes.windows(2).map(|p| (p[1] - p[0]).abs()).sum::<f32>() / planes.len() as f32]
    }
    let folder = tempfile::tempdir().unwrap();
    for (name, flat) in [("Ann", true), ("Bob", false)] {
        fs::create_dir(folder.path().join(name)).unwrap();
        for number in 1..=2 {
            let bytes: Vec<u8> = (0..16 * 16)
                .flat_map(|i| [if flat { 128 } else { 255 * ((i % 16) % 2) as u8 }; 3])
                .collect();
            let png = Picture::from_rgb(16, 16, bytes).unwrap().to_png().unwrap();
            fs::write(folder.path().join(format!("{name}/{name}_{number:04}.png")), png).unwrap();
        }
    }
    let list = "2 1\nAnn 1 2\nAnn 1 Bob 1\nBob 1 2\nAnn 2 Bob 2\n";
    fs::write(folder.path().join("pairs.txt"), list).unwrap();
    let at = |size: &str| {
        let mut model = Toy { view: View::square(16), dim: 2, row: contrast };
        let options = options(&format!(r#"{{"size": {size}}}"#));
        let judged = judge("lfw", &mut model, folder.path(), options).unwrap();
        judged.judgement.verification().unwrap().scores.accuracy
    };
    assert_eq!(at("16"), 1.0);
    assert!(at("8") < 1.0);
    assert!(at("\"16-8\"") < 1.0);
}

#[test]
fn mirror_images_are_summed_or_put_side_by_side() {
    /// Left and right half: a mirror image exchanges them.
    fn halves(planes: &[f32]) -> Vec<f32> {
        let mean = |half: usize| {
            let row = |row: &[f32]| row[2 * half..2 * half + 2].iter().sum::<f32>();
            planes.chunks_exact(4).map(row).sum::<f32>()
        };
        vec![mean(0), mean(1)]
    }
    // Bob is Ann's mirror image.
    let folder = tempfile::tempdir().unwrap();
    for (name, left) in [("Ann", 250), ("Bob", 10)] {
        fs::create_dir(folder.path().join(name)).unwrap();
        for number in 1..=2u8 {
            let half = |x: usize| if x < 4 { left } else { 260 - left };
            let bytes = (0..64).flat_map(|i| [half(i % 8) as u8 - number; 3]).collect();
            let png = Picture::from_rgb(8, 8, bytes).unwrap().to_png().unwrap();
            fs::write(folder.path().join(format!("{name}/{name}_{number:04}.png")), png).unwrap();
        }
    }
    let list = "2 1\nAnn 1 2\nAnn 1 Bob 1\nBob 1 2\nAnn 2 Bob 2\n";
    fs::write(folder.path().join("pairs.txt"), list).unwrap();
    let judged = |flip: &str| {
        let view = View { mean: facette_image::PerChannel([0.0; 3]), ..View::square(4) };
        let mut model = Toy { view, dim: 2, row: halves };
        let options = options(&format!(r#"{{"flip": "{flip}"}}"#));
        judge("lfw", &mut model, folder.path(), options).unwrap()
    };
    let accuracy = |flip| judged(flip).judgement.verification().unwrap().scores.accuracy;
    assert_eq!(accuracy("none"), 1.0);
    assert!(accuracy("sum") <= 0.5);
    // [a, b, b, a] against [b, a, a, b].
    assert_eq!(accuracy("concat"), 1.0);
    let without = judged("sum").judgement.verification().unwrap().without_flip.clone();
    assert_eq!(without.unwrap().accuracy, 1.0);
}

#[test]
fn missing_and_broken_pictures_are_named_and_counted() {
    let folder = faces();
    fs::remove_file(folder.path().join("Bob/Bob_0003.png")).unwrap();
    let refused = judge("lfw", &mut toy(4), folder.path(), options("{}")).unwrap_err().to_string();
    assert!(refused.contains("1 of 12") && refused.contains("Bob_0003"), "{refused}");

    fs::write(folder.path().join("Dee/Dee_0003.png"), b"no picture").unwrap();
    let refused = judge("lfw", &mut toy(4), folder.path(), options(r#"{"allow_bad": 1}"#));
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("2 of 12") && refused.contains("Dee_0003"), "{refused}");

    let judged = judge("lfw", &mut toy(4), folder.path(), options(r#"{"allow_bad": 2}"#)).unwrap();
    let numbers = judged.judgement.verification().unwrap();
    assert_eq!((numbers.pairs, numbers.folds), (5, 2));
    assert_eq!((numbers.left_out.pictures, numbers.left_out.samples), (2, 3));
    assert_eq!(numbers.scores.accuracy, 1.0);
}

#[test]
fn broken_models_and_lists_are_refused() {
    let folder = faces();
    let run = |row: fn(&[f32]) -> Vec<f32>| {
        let mut model = Toy { view: View::square(4), dim: 2, row };
        judge("lfw", &mut model, folder.path(), options("{}")).unwrap_err().to_string()
    };
    assert!(run(|_| vec![f32::NAN, 1.0]).contains("finite"));
    assert!(run(|_| vec![1.0]).contains("expected 24 values for 12 pictures"));
    let mut bad_view = toy(4);
    bad_view.view.std = facette_image::PerChannel([0.0; 3]);
    assert!(judge("lfw", &mut bad_view, folder.path(), options("{}")).is_err());
    fs::write(folder.path().join("pairs.txt"), "2 2\nAnn 1\n").unwrap();
    let message = judge("lfw", &mut toy(4), folder.path(), options("{}")).unwrap_err().to_string();
    assert!(message.contains("pairs.txt"), "{message}");
}

#[test]
fn identification_finds_everybody_and_strangers_are_let_in_by_their_share() {
    let folder = faces();
    fs::remove_file(folder.path().join("pairs.txt")).unwrap();
    let run =
        |text: &str| judge("identification", &mut toy(4), folder.path(), options(text)).unwrap();
    let judged = run("{}");
    let Outcome::Identification(closed) = &judged.judgement.outcome else { panic!("kind") };
    assert_eq!((closed.gallery, closed.identities, closed.probes, closed.strangers), (4, 4, 8, 0));
    assert_eq!(closed.rank.0[0], ("1".into(), 1.0));
    assert!(closed.tpir_at_fpir.is_none());

    let judged = run(r#"{"strangers": 0.5, "fpir": [0.0, 1.0], "ranks": [1], "size": "12-4"}"#);
    let Outcome::Identification(open) = &judged.judgement.outcome else { panic!("kind") };
    assert_eq!((open.gallery, open.probes, open.strangers), (2, 4, 6));
    assert_eq!(open.sizes, [12, 4]);
    let rates = open.tpir_at_fpir.as_ref().unwrap();
    assert_eq!(rates.0[0].1.fpir, 0.0);
    assert_eq!(rates.0[1].1.fpir, 1.0);
    assert_eq!(rates.0[1].1.rank.0[0].1, 1.0);
    let json = serde_json::to_string(&judged.judgement).unwrap();
    assert_eq!(serde_json::from_str::<facette_eval::Judgement>(&json).unwrap(), judged.judgement);
}

#[test]
fn a_closed_set_knows_everybody_by_their_mean() {
    let folder = faces();
    fs::remove_file(folder.path().join("pairs.txt")).unwrap();
    let run = |text: &str| judge("closed-set", &mut toy(4), folder.path(), options(text));
    let small = r#""closed_set": {"identities": 3, "least": 3, "pictures": 9, "probes": 3}"#;
    let judged = run(&format!("{{{small}}}")).unwrap();
    let Outcome::Identification(found) = &judged.judgement.outcome else { panic!("kind") };
    assert_eq!((found.gallery, found.identities, found.probes, found.strangers), (3, 3, 3, 0));
    assert_eq!(found.rank.0[0], ("1".into(), 1.0));
    let again = run(&format!("{{{small}}}")).unwrap();
    assert_eq!(again.judgement, judged.judgement);
    let json = serde_json::to_string(&judged.judgement).unwrap();
    assert_eq!(serde_json::from_str::<facette_eval::Judgement>(&json).unwrap(), judged.judgement);
    let message = run("{}").unwrap_err().to_string();
    assert!(message.contains("180 identities"), "{message}");
    let all = r#"{"closed_set": {"identities": 3, "least": 3, "pictures": 9, "probes": 9}}"#;
    assert!(run(all).unwrap_err().to_string().contains("asked about"));
}

#[test]
fn classification_by_folder_order() {
    let folder = faces();
    fs::remove_file(folder.path().join("pairs.txt")).unwrap();
    /// The nearest of the four brightnesses; Dee (the brightest) is taken for Cy.
    fn logits(planes: &[f32]) -> Vec<f32> {
        let grey = 127.5 * (planes[0] + 1.0);
        (0..4)
            .map(|class| -((grey - 70.0 * class.min(2) as f32) / 10.0).abs() - class as f32)
            .collect()
    }
    let mut model = Toy { view: View::square(4), dim: 4, row: logits };
    let judged = judge("classification", &mut model, folder.path(), options("{}")).unwrap();
    let Outcome::Classification(numbers) = &judged.judgement.outcome else { panic!("kind") };
    assert_eq!((numbers.pictures, numbers.classes, numbers.size), (12, 4, 4));
    assert_eq!((numbers.top1, numbers.top5, numbers.mean_class_accuracy), (0.75, 1.0, 0.75));
    assert!(numbers.nll > 0.0 && numbers.ece >= 0.0 && numbers.brier > 0.0);
    let json = serde_json::to_string(&judged.judgement).unwrap();
    assert_eq!(serde_json::from_str::<facette_eval::Judgement>(&json).unwrap(), judged.judgement);

    let side_by_side = options(r#"{"flip": "concat"}"#);
    assert!(judge("classification", &mut model, folder.path(), side_by_side).is_err());
    let mut narrow = Toy { view: View::square(4), dim: 2, row: angle };
    let message = judge("classification", &mut narrow, folder.path(), options("{}")).unwrap_err();
    assert!(message.to_string().contains("below the model's 2 classes"), "{message}");
}

#[test]
fn every_protocol_runs_on_a_data_set_in_memory_twice_alike() {
    let folder = faces();
    let source = facette_data::Source::new("lfw", Some(folder.path().to_owned()));
    let pairs = folder.path().join("pairs.txt");
    let moved = tempfile::tempdir().unwrap();
    fs::rename(&pairs, moved.path().join("pairs.txt")).unwrap();
    let small =
        r#"{"batch": 5, "closed_set": {"identities": 3, "least": 3, "pictures": 9, "probes": 3}}"#;
    let request = Request {
        images: Images::Set(Arc::new(source.open().unwrap())),
        pairs: Some(moved.path().join("pairs.txt")),
        options: ProtocolOptions { flip: Flip::Sum, ..options(small) },
    };
    for spec in PROTOCOLS {
        let row = if spec.needs_logits() { |p: &[f32]| vec![p[0], 0.0, 1.0, 0.5] } else { angle };
        let dim = if spec.needs_logits() { 4 } else { 2 };
        let mut seen = 0;
        let mut run = || {
            let mut model = Toy { view: View::square(4), dim, row };
            let subject = Subject { embedder: &mut model, info: ModelInfo::default() };
            let judged = spec.judge(subject, &request, &mut |p| seen = p.done.max(seen)).unwrap();
            serde_json::to_string(&judged.judgement).unwrap()
        };
        assert_eq!(run(), run(), "{}", spec.name());
        assert!(seen > 0);
    }
}

#[test]
fn impossible_requests_are_refused() {
    let folder = faces();
    let request =
        Request { images: Images::Folder(folder.path().to_owned()), ..Default::default() };
    let subject = Subject { embedder: &mut toy(4), info: ModelInfo::default() };
    let message = protocol("lfw").unwrap().judge(subject, &request, &mut |_| ()).unwrap_err();
    assert!(message.to_string().contains("pairs"), "{message}");
    assert!(Sizes::new(0, 4).is_err());
    let options = ProtocolOptions { convention: "exakt".into(), ..Default::default() };
    let message = judge("lfw", &mut toy(4), folder.path(), options).unwrap_err().to_string();
    assert!(message.contains("did you mean 'exact'?"), "{message}");
}
