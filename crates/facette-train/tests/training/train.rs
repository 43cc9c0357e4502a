//! A recipe from end to end.

use facette_graph::StudentFile;
use facette_train::{Event, Row, TrainError};

use crate::support::{self, Diary};

#[test]
fn a_student_learns_and_everything_is_left_behind() {
    let root = tempfile::tempdir().unwrap();
    support::draw(root.path());
    let recipe = support::recipe(&["log_every=3"]).unwrap();
    let mut diary = Diary::default();
    let outcome = support::run(&recipe, root.path(), "run", false, &mut diary).unwrap();
    let folder = root.path().join("runs/run");

    let student = StudentFile::open(&outcome.student).unwrap();
    assert_eq!(outcome.student, folder.join("best.safetensors"));
    assert_eq!(student.card().embedding.dim, support::WIDTH);
    assert_eq!(student.card().recipe, Some(recipe.digest()));
    assert_eq!(student.card().input.width, 16);
    assert_eq!(student.card().graph.counts().unwrap().parameters, outcome.parameters);
    assert!(folder.join("last.safetensors").exists());

    let text = std::fs::read_to_string(folder.join("metrics.jsonl")).unwrap();
    let rows: Vec<Row> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let losses: Vec<f64> = rows
        .iter()
        .filter_map(|row| match row {
            Row::Step(row) => {
                assert_eq!(row.terms.keys().collect::<Vec<_>>(), ["arcface", "cosine"]);
                Some(row.terms["cosine"])
            }
            Row::Validation(_) => None,
        })
        .collect();
    assert!(losses[losses.len() - 1] < 0.6 * losses[0], "{losses:?}");
    let judged = rows.iter().filter(|row| matches!(row, Row::Validation(_))).count();
    assert_eq!(judged, 6, "one judgement an epoch");

    let effective = std::fs::read_to_string(folder.join("recipe.toml")).unwrap();
    assert_eq!(facette_train::Recipe::parse("recipe.toml", &effective, &[]).unwrap(), recipe);
    let record = facette_train::RunRecord::read(&folder).unwrap();
    assert_eq!((record.seed, record.pictures, record.classes), (3, 45, 5));
    let step = |event: &&Event| matches!(event, Event::Step { .. });
    assert_eq!(diary.0.iter().filter(step).count() as u64, outcome.steps);
}

#[test]
fn bf16_teaches_nearly_the_same_and_stands_in_the_recipe() {
    let root = tempfile::tempdir().unwrap();
    support::draw(root.path());
    let last_loss = |precision: &str| {
        let recipe = support::recipe(&[&format!("precision={precision}"), "log_every=3"]).unwrap();
        support::run(&recipe, root.path(), precision, false, &mut Diary::default()).unwrap();
        let folder = root.path().join("runs").join(precision);
        let effective = std::fs::read_to_string(folder.join("recipe.toml")).unwrap();
        assert_eq!(effective.contains("precision = \"bf16\""), precision == "bf16");
        let text = std::fs::read_to_string(folder.join("metrics.jsonl")).unwrap();
        let mut losses =
            text.lines().filter_map(|line| match serde_json::from_str(line).unwrap() {
                Row::Step(row) => Some(row.terms["cosine"]),
                Row::Validation(_) => None,
            });
        losses.next_back().unwrap()
    };
    let (exact, rounded) = (last_loss("f32"), last_loss("bf16"));
    assert!(exact != rounded, "both {exact}");
    assert!((exact - rounded).abs() < 0.2 * exact, "{exact} and {rounded}");
}

#[test]
fn divergence_names_term_epoch_and_step_and_keeps_a_checkpoint() {
    let root = tempfile::tempdir().unwrap();
    support::draw(root.path());
    let recipe = support::recipe(&[
        "stage.0.lr=1e30",
        "stage.0.optimiser={ kind = 'sgd' }",
        "stage.0.schedule={ kind = 'multi-step', milestones = [1], gamma = 1e-30 }",
        "stage.0.warm_up={ epochs = 0.6, from = 1e-35 }",
        "stage.0.ema.decay=0.0",
        "checkpoint.steps=1",
    ]);
    let recipe = match recipe {
        Ok(recipe) => recipe,
        Err(error) => panic!("{error}"),
    };
    let error =
        support::run(&recipe, root.path(), "run", false, &mut Diary::default()).unwrap_err();
    let TrainError::Diverged { epoch: 0, step, .. } = &error else { panic!("{error}") };
    assert!(*step > 0);
    let message = error.to_string();
    assert!(message.contains("stage \"follow\"") && message.contains("is kept in"), "{message}");
    let kept = std::fs::read(root.path().join("runs/run/checkpoint.safetensors")).unwrap();
    safetensors::SafeTensors::deserialize(&kept).unwrap();
}

#[test]
fn early_stopping_ends_the_stage() {
    struct Worse(f64);
    impl facette_train::Validator for Worse {
        fn judge(
            &mut self,
            _student: &facette_nets::Network,
            _view: &facette_image::View,
        ) -> Result<facette_train::Judgement, Box<dyn std::error::Error + Send + Sync>> {
            self.0 -= 1.0;
            Ok(facette_train::Judgement { score: self.0, figures: Default::default() })
        }
    }
    let root = tempfile::tempdir().unwrap();
    support::draw(root.path());
    let recipe = support::recipe(&["validation.patience=2"]).unwrap();
    let mut diary = Diary::default();
    let outcome = facette_train::train(
        &recipe,
        &support::paths(root.path(), "run"),
        &facette_train::Options::default(),
        Some(&mut Worse(0.0)),
        &mut diary,
        &std::sync::atomic::AtomicBool::new(false),
    )
    .unwrap();
    assert_eq!((outcome.steps, outcome.best), (3 * 5, Some(-1.0)));
    assert!(diary.0.iter().any(|e| matches!(e, Event::StageFinished { early: true, .. })));
}
