//! Every figure and the report, drawn from made-up results. With `FACETTE_FIGURES` set to a folder
//! the drawings are kept there to be looked at.

use std::fs;
use std::path::PathBuf;

use facette_eval::figures::{Exhibit, FIGURES, Figure, Series, TrainingCurves};
use facette_eval::metrics::val_at_far::ValAtFar;
use facette_eval::report::{Report, Shown, Strip, Tile, Verdict, result_tables};
use facette_eval::{
    Evidence, Judged, Judgement, LeftOut, ModelInfo, NamedValues, Outcome, PairEvidence,
    Verification, VerificationScores,
};
use facette_image::{Picture, random::stream};
use rand::RngExt;

/// A model whose same pairs lie `gap` standard deviations from its different ones.
fn judged(name: &str, parameters: u64, size: usize, gap: f64, accuracy: f64) -> Judged {
    let mut random = stream(7, name, size as u64);
    let mut normal = || (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0;
    let same: Vec<bool> = (0..6000).map(|i| (i / 300) % 2 == 0).collect();
    let distance =
        |same: bool, z: f64| (1.5 + 0.22 * (z - if same { gap } else { 0.0 })).clamp(0.0, 4.0);
    let distances: Vec<f64> = same.iter().map(|&s| distance(s, normal())).collect();
    let pairs = PairEvidence { distances, same, names: vec![Default::default(); 6000] };
    let roc = pairs.roc().unwrap();
    let rates = [1e-1, 1e-2, 1e-3];
    let scores = VerificationScores {
        accuracy,
        accuracy_std: 0.011,
        auc: facette_eval::metrics::auc::auc(&roc),
        eer: facette_eval::metrics::eer::eer(&roc).unwrap(),
        tar_at_far: NamedValues::by_rate(&rates, |far| roc.tar_at(far)),
        val_at_far: NamedValues::by_rate(&rates, |far| ValAtFar { val: 0.5, val_std: 0.1, far }),
        threshold: 1.5 - 0.11 * gap,
        accuracy_per_fold: vec![accuracy; 10],
        threshold_per_fold: vec![1.2; 10],
    };
    let verification = Verification {
        pairs: 6000,
        same_pairs: 3000,
        folds: 10,
        size,
        sizes: [size, size],
        flip: true,
        flip_rule: "sum".into(),
        convention: "insightface".into(),
        threshold_unit: "squared L2 distance of unit vectors, same below".into(),
        without_flip: None,
        left_out: LeftOut::default(),
        scores,
    };
    let model = ModelInfo {
        name: name.into(),
        digest: String::new(),
        parameters: Some(parameters),
        ..ModelInfo::default()
    };
    Judged {
        judgement: Judgement {
            protocol: "lfw".into(),
            outcome: Outcome::Verification(verification),
            model,
        },
        evidence: Evidence::Pairs(pairs),
    }
}

fn all_judged() -> Vec<Judged> {
    vec![
        judged("distilled student", 193_824, 16, 2.8, 0.9153),
        judged("the same without a teacher", 193_824, 16, 1.9, 0.8421),
        judged("teacher, up-sampled", 1_017_216, 16, 1.8, 0.8285),
        judged("distilled student", 193_824, 32, 3.6, 0.9512),
        judged("teacher, up-sampled", 1_017_216, 32, 4.2, 0.9760),
    ]
}

fn run() -> TrainingCurves {
    let steps = 3000;
    let noise = |i: usize| 1.0 + 0.08 * ((i * 7919 % 101) as f64 / 50.0 - 1.0);
    let decay = |i: usize, from: f64, to: f64| to + (from - to) * (-(i as f64) / 500.0).exp();
    let series = |name: &str, from, to| Series {
        name: name.into(),
        points: (0..steps).map(|i| (i as f64, decay(i, from, to) * noise(i))).collect(),
    };
    TrainingCurves {
        title: "Training of the student".into(),
        axis: "step".into(),
        losses: vec![
            series("total", 1.6, 0.24),
            series("feature", 1.0, 0.18),
            series("kd", 0.6, 0.06),
        ],
        validation: vec![Series {
            name: "accuracy on validation pairs".into(),
            points: (1..=20).map(|e| (150.0 * f64::from(e), 0.9 - 0.3 / f64::from(e))).collect(),
        }],
        rate: (0..steps)
            .map(|i| (i as f64, 0.002 * (i as f64 / 300.0).min(1.0) * (1.0 - i as f64 / 3000.0)))
            .collect(),
    }
}

fn drawn() -> (Vec<Judged>, Vec<Figure>) {
    let (judged, training) = (all_judged(), [run()]);
    let exhibit = Exhibit { judged: &judged, training: &training };
    let figures = FIGURES.iter().flat_map(|f| f.draw(&exhibit).unwrap()).collect();
    (judged, figures)
}

#[test]
fn every_figure_draws_itself() {
    let (_, figures) = drawn();
    for spec in FIGURES {
        let own: Vec<&Figure> =
            figures.iter().filter(|f| f.name.starts_with(spec.name())).collect();
        assert!(!own.is_empty(), "{} drew nothing", spec.name());
        assert!(spec.draw(&Exhibit::default()).unwrap().is_empty(), "{}", spec.name());
    }
    for figure in &figures {
        assert!(figure.svg.starts_with("<svg ") && figure.svg.trim_end().ends_with("</svg>"));
        assert!(figure.svg.contains("role=\"img\""));
        assert!(figure.svg.len() < 400_000, "{}: {} bytes", figure.name, figure.svg.len());
        assert!(!figure.svg.contains("NaN") && !figure.svg.contains("inf"), "{}", figure.name);
    }
    assert_eq!(drawn().1, figures, "the same data give the same bytes");
    if let Some(folder) = std::env::var_os("FACETTE_FIGURES").map(PathBuf::from) {
        fs::create_dir_all(&folder).unwrap();
        for figure in &figures {
            fs::write(folder.join(format!("{}.svg", figure.name)), &figure.svg).unwrap();
        }
    }
}

#[test]
fn hostile_names_stay_text() {
    let judged = [judged("<script>alert(1)</script> & \"co\"", 5, 16, 2.0, 0.8)];
    let exhibit = Exhibit { judged: &judged, training: &[] };
    for spec in FIGURES {
        for figure in spec.draw(&exhibit).unwrap() {
            assert!(!figure.svg.contains("<script>"), "{}", figure.name);
        }
    }
    let judgements = judged.map(|j| j.judgement).to_vec();
    let page = Report { judgements, title: "a < b".into(), ..Default::default() }.html().unwrap();
    assert!(!page.contains("<script>") && page.contains("a &lt; b"));
}

#[test]
fn the_report_is_one_page_that_needs_nothing_else() {
    let (judged, figures) = drawn();
    let face = |side: usize, shade: u8| {
        let bytes = (0..side * side)
            .flat_map(|i| [(i % side * 255 / side) as u8, (i / side * 255 / side) as u8, shade])
            .collect();
        Picture::from_rgb(side, side, bytes).unwrap()
    };
    let tile = |i: u8, verdict| Tile {
        pictures: vec![
            Shown { picture: face(112, 60 * i), label: "teacher, 112 px".into() },
            Shown { picture: face(16, 60 * i), label: "student, 16 px".into() },
        ],
        text: format!("distance {}", 0.5 + f64::from(i) / 10.0),
        verdict,
    };
    let report = Report {
        title: "A 16 x 16 student".into(),
        lead: vec!["A student distilled from a teacher that sees 112 x 112 pictures.".into()],
        judgements: judged.into_iter().map(|j| j.judgement).collect(),
        figures,
        strips: vec![Strip {
            title: "What both see".into(),
            caption: "The same picture for the teacher and for the student.".into(),
            tiles: vec![
                tile(0, Verdict::None),
                tile(1, Verdict::Right),
                tile(2, Verdict::Wrong),
                tile(3, Verdict::Right),
            ],
        }],
        recipe: "[student]\nnet = \"facette-16\"\n".into(),
        command: "facette demo --seed 1".into(),
        seed: Some(1),
        notes: vec!["Trained on drawn faces.".into()],
    };
    let page = report.html().unwrap();
    for wanted in
        ["<!DOCTYPE html>", "data:image/png;base64,", "0.194 M", "91.53 ± 1.10%", "Seed 1."]
    {
        assert!(page.contains(wanted), "{wanted}");
    }
    // Nothing is fetched: the only addresses are the SVG name space.
    let addresses = page.matches("http").count();
    assert_eq!(addresses, page.matches("http://www.w3.org/2000/svg").count());
    assert!(!page.contains("src=\"h") && !page.contains("@import") && !page.contains("url("));

    let folder = tempfile::tempdir().unwrap();
    let kept = std::env::var_os("FACETTE_FIGURES").map(PathBuf::from);
    let path = kept.unwrap_or(folder.path().to_owned()).join("report.html");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    report.write(&path).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), page);

    let tables = result_tables(&report.judgements);
    assert_eq!((tables.len(), tables[0].0.as_str(), tables[0].1.len()), (1, "lfw", 5));
    let text = tables[0].1.text(100);
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    println!("{text}");
}
