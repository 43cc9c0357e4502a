//! Every kind of teacher, and stages that follow each other.

use facette_graph::StudentFile;
use facette_train::{Event, Recipe, Row};

use crate::support::{self, Diary};

const TEACHER: &str = r#"
name = "teacher"
threads = 2
data = { sources = [{ kind = "folder", path = "pictures" }] }
views = { student = { size = 20, mean = 0.4, std = 0.3 } }
student = { net = "facette", embedding = 10, classifier = true, settings = { widths = [6, 8], blocks = [1, 1] } }
[[stage]]
method = "none"
epochs = 4
batch = 9
lr = 0.05
"#;

const PUPIL: &str = r#"
name = "pupil"
threads = 2
data = { sources = [{ kind = "folder", path = "pictures" }] }
views = { student = { size = 8, jitter = { flip = 0.5 } } }
teacher = { kind = "run", path = "teacher", batch = 7 }
student = { net = "facette", embedding = 10, settings = { widths = [4], blocks = [1] } }
[[stage]]
method = "kd"
epochs = 2
batch = 9
lr = 0.05
"#;

fn parse(text: &str, overrides: &[&str]) -> Recipe {
    let overrides: Vec<String> = overrides.iter().map(|o| o.to_string()).collect();
    Recipe::parse("recipe.toml", text, &overrides).unwrap()
}

fn computed(diary: &Diary) -> usize {
    let outputs = |event: &Event| match event {
        Event::Preparing { what: "teacher outputs", total, .. } => Some(*total),
        _ => None,
    };
    diary.0.iter().find_map(outputs).unwrap_or(0)
}

#[test]
fn bare_weights_teach_like_the_student_they_are_of() {
    let root = tempfile::tempdir().unwrap();
    support::draw(root.path());
    let run = |recipe: &Recipe, folder: &str| {
        let outcome = support::run(recipe, root.path(), folder, false, &mut Diary::default());
        outcome.map(|outcome| StudentFile::open(&outcome.student).unwrap())
    };
    let teacher = run(&parse(TEACHER, &[]), "teacher").unwrap();
    let weights = facette_graph::StateDict { arrays: teacher.arrays().clone() };
    weights.save(&root.path().join("data/weights.safetensors")).unwrap();
    let net = "net = 'facette', embedding = 10, classifier = true, settings = { widths = [6, 8], blocks = [1, 1] }";
    let bare = |net: &str, method: &str| {
        let overrides = [
            &format!(
                "teacher={{ kind = 'weights', path = 'weights.safetensors', net = {{ {net} }} }}"
            ),
            "views.teacher={ mode = 'paired', view = { size = 20, mean = 0.4, std = 0.3 } }",
            &format!("stage.0.method='{method}'"),
        ];
        parse(PUPIL, &overrides)
    };
    let paired = "views.teacher={ mode = 'paired', view = { size = 20, mean = 0.4, std = 0.3 } }";
    for method in ["kd", "vid"] {
        let of_run = parse(PUPIL, &[paired, &format!("stage.0.method='{method}'")]);
        let one = run(&of_run, &format!("{method}-run")).unwrap();
        let other = run(&bare(net, method), &format!("{method}-weights")).unwrap();
        assert_eq!(one.arrays(), other.arrays(), "{method}");
    }
    let lacking = net.replace("[6, 8]", "[6, 9]");
    let error = run(&bare(&lacking, "kd"), "lacking").unwrap_err().to_string();
    assert!(error.contains("[9, ") || error.contains("9"), "{error}");
    let without = "teacher={ kind = 'weights', path = 'weights.safetensors' }";
    let error = Recipe::parse("recipe.toml", PUPIL, &[without.to_owned()]).unwrap_err().to_string();
    assert!(error.contains("names its network"), "{error}");
}

#[test]
fn a_run_teaches_from_the_cache_and_live() {
    let root = tempfile::tempdir().unwrap();
    support::draw(root.path());
    let run = |recipe: &Recipe, folder: &str| {
        let mut diary = Diary::default();
        let outcome = support::run(recipe, root.path(), folder, false, &mut diary).unwrap();
        (StudentFile::open(&outcome.student).unwrap(), diary)
    };
    let (teacher, _) = run(&parse(TEACHER, &[]), "teacher");
    assert_eq!(teacher.card().input.mean, [0.4; 3]);

    let (first, diary) = run(&parse(PUPIL, &[]), "first");
    assert_eq!(computed(&diary), 45, "every picture once");
    assert_eq!(first.card().teacher.as_deref(), Some(teacher.digest()));
    let (second, diary) = run(&parse(PUPIL, &[]), "second");
    assert_eq!(computed(&diary), 0, "all from the cache");
    assert_eq!(first.to_bytes().unwrap(), second.to_bytes().unwrap());
    let (live, diary) = run(&parse(PUPIL, &["teacher.cache=false"]), "live");
    assert_eq!(computed(&diary), 0);
    for (name, array) in live.arrays() {
        let cached = &first.arrays()[name].values;
        let near = array.values.iter().zip(cached).all(|(a, b)| (a - b).abs() < 1e-3);
        assert!(near, "{name}: the teacher is the same, run now or before");
    }
    let (mirrored, _) = run(
        &parse(
            PUPIL,
            &[
                "views.teacher={ mode = 'mirrored', view = { size = 20, mean = 0.4, std = 0.3 } }",
                "stage.0.term=[{ kind = 'relation', weight = 0.1 }]",
            ],
        ),
        "mirrored",
    );
    assert_ne!(mirrored.arrays(), first.arrays());
    let mut diary = Diary::default();
    let wrong = parse(PUPIL, &["views.teacher.view={ size = 20 }"]);
    let error = support::run(&wrong, root.path(), "wrong", false, &mut diary).unwrap_err();
    assert!(error.to_string().contains("its card says"), "{error}");
}

#[test]
fn stages_follow_each_other_and_resume() {
    let root = tempfile::tempdir().unwrap();
    support::draw(root.path());
    let text = include_str!("recipe.toml");
    let start = text.find("[[stage]]").unwrap();
    let stages = r#"
[[stage]]
name = "adapt"
method = "bridge-adapt"
student = { net = "adapter", embedding = 4, input = "embedding" }
validate = false
epochs = 3
batch = 9
lr = 0.05

[[stage]]
name = "bridge"
method = "bridge"
teacher = { kind = "stage", path = "adapt" }
student = { net = "facette", embedding = 4, settings = { widths = [4], blocks = [1] } }
epochs = 3
batch = 9
lr = 0.05

[[stage]]
name = "again"
method = "none"
student = { net = "facette", embedding = 4, settings = { widths = [4], blocks = [1] }, init_stage = "bridge" }
epochs = 1
batch = 9
lr = 0.001
"#;
    let recipe = parse(&format!("{}{stages}", &text[..start]), &[]);
    let mut diary = Diary::default();
    let outcome = support::run(&recipe, root.path(), "whole", false, &mut diary).unwrap();
    assert_eq!(outcome.steps, 35);
    let folder = root.path().join("runs/whole");
    assert!(folder.join("stages/adapt/last.safetensors").exists());
    assert!(folder.join("stages/bridge/best.safetensors").exists());
    let taken = |e: &Event| matches!(e, Event::Message(text) if text.contains("starts from"));
    assert!(diary.0.iter().any(taken));
    let record = facette_train::RunRecord::read(&folder).unwrap();
    assert!(record.teachers.contains_key("bridge"));
    let text = std::fs::read_to_string(folder.join("metrics.jsonl")).unwrap();
    let names: Vec<String> = text
        .lines()
        .filter_map(|line| match serde_json::from_str(line).unwrap() {
            Row::Step(row) => Some(row.stage),
            Row::Validation(_) => None,
        })
        .collect();
    let mut stages = names.clone();
    stages.dedup();
    assert_eq!(stages, ["adapt", "bridge", "again"]);

    // Stopped in the second stage, the run goes on there.
    struct StopAt<'a>(&'a std::sync::atomic::AtomicBool, bool);
    impl facette_train::Observer for StopAt<'_> {
        fn on(&mut self, event: &Event) {
            self.1 |= matches!(event, Event::StageStarted { name, .. } if name == "bridge");
            if self.1 && matches!(event, Event::Step { step: 7, .. }) {
                self.0.store(true, std::sync::atomic::Ordering::Relaxed);
            }
        }
    }
    let stop = std::sync::atomic::AtomicBool::new(false);
    let paths = support::paths(root.path(), "parts");
    let options = facette_train::Options::default();
    let mut stopper = StopAt(&stop, false);
    facette_train::train(&recipe, &paths, &options, Some(&mut support::Judge), &mut stopper, &stop)
        .unwrap_err();
    support::run(&recipe, root.path(), "parts", true, &mut Diary::default()).unwrap();
    for name in ["last.safetensors", "best.safetensors", "metrics.jsonl", "run.json"] {
        let read =
            |folder: &str| std::fs::read(root.path().join("runs").join(folder).join(name)).unwrap();
        assert_eq!(read("parts"), read("whole"), "{name}");
    }
}

#[test]
fn a_route_teaches_one_student_after_the_other() {
    let root = tempfile::tempdir().unwrap();
    support::draw(root.path());
    let run = |recipe: &Recipe, folder: &str| {
        let mut diary = Diary::default();
        support::run(recipe, root.path(), folder, false, &mut diary)
            .map(|outcome| StudentFile::open(&outcome.student).unwrap())
    };
    let pupil = |extra: &str| {
        let teacher = format!("teacher={{ kind = 'route', path = 'teacher'{extra} }}");
        parse(PUPIL, &["stage.0.method='rco'", "stage.0.epochs=3", &teacher])
    };
    run(&parse(TEACHER, &[]), "teacher").unwrap();
    let error = run(&pupil(""), "early").unwrap_err().to_string();
    assert!(error.contains("kept no students") && error.contains("checkpoint.students"), "{error}");

    std::fs::remove_dir_all(root.path().join("runs/teacher")).unwrap();
    run(&parse(TEACHER, &["checkpoint.students=1"]), "teacher").unwrap();
    let kept = std::fs::read_dir(root.path().join("runs/teacher/epochs")).unwrap().count();
    assert_eq!(kept, 4, "one an epoch");
    let every = run(&pupil(""), "every").unwrap();
    assert_eq!(every.arrays(), run(&pupil(", hold = 1"), "same").unwrap().arrays());
    let slow = run(&pupil(", hold = 2"), "slow").unwrap();
    assert_ne!(every.arrays(), slow.arrays());
    // Every fourth, counted back, is the last alone: a finished teacher.
    let last = run(&pupil(", every = 4"), "last").unwrap();
    let finished = parse(PUPIL, &["stage.0.epochs=3", "teacher.cache=false"]);
    assert_eq!(last.arrays(), run(&finished, "finished").unwrap().arrays());

    let finished: [String; 1] = ["stage.0.method='rco'".into()];
    let error = Recipe::parse("recipe.toml", PUPIL, &finished).unwrap_err().to_string();
    assert!(error.contains("kind = \"route\""), "{error}");
}
