//! Bad recipes and bad files: each gets one message that names it and the way out.

use facette_train::{Recipe, TrainError};

use crate::support::{self, Diary};

fn refused(overrides: &[&str]) -> String {
    support::recipe(overrides).map(|_| ()).unwrap_err().to_string()
}

/// What a run over the small world says.
fn run(overrides: &[&str]) -> String {
    let root = tempfile::tempdir().unwrap();
    support::draw(root.path());
    let recipe = support::recipe(overrides).unwrap();
    support::run(&recipe, root.path(), "run", false, &mut Diary::default()).unwrap_err().to_string()
}

#[test]
fn misspelt_keys_name_file_key_and_the_nearest_known_one() {
    for (change, expected) in [
        ("sede=1", "recipe.toml: sede: unknown key, did you mean `seed`?"),
        (
            "stage.0.optimiser.weight_decai=1",
            "optimiser.weight_decai: unknown key, did you mean `weight_decay`?",
        ),
        (
            "stage.0.schedule.kind='onecycle'",
            "schedule.kind: unknown value \"onecycle\", did you mean `one-cycle`?",
        ),
        (
            "stage.0.method=featrue",
            "stage[0].method: no method is called \"featrue\", did you mean \"feature\"?",
        ),
        ("stage.0.settings.regresion=cosine", "did you mean \"regression\"?"),
        ("student.net=facete", "student.net: network \"facete\""),
        (
            "student.settings.width=[3]",
            "student.settings.width: unknown key, did you mean `widths`?",
        ),
        (
            "views.student.jitter.filp=0.5",
            "views.student.jitter.filp: unknown key, did you mean `flip`?",
        ),
        ("teacher.kind=onxx", "teacher.kind: unknown value \"onxx\", did you mean `onnx`?"),
        ("precision=f16", "precision: unknown value \"f16\", did you mean `bf16`?"),
        ("data.cache.decode=never", "data.cache.decode: unknown value \"never\""),
        ("stage.0.term=[{ kind = 'cosin' }]", "did you mean \"cosine\"?"),
    ] {
        let message = refused(&[change]);
        assert!(message.contains(expected), "{change}: {message}");
    }
}

#[test]
fn impossible_values_are_refused_before_anything_is_read() {
    for (change, expected) in [
        ("name='a/b'", "name: expected letters"),
        ("seed=-1", "seed: "),
        ("threads=0", "threads: expected at least 1"),
        ("views.student.size=0", "size: expected sides within 1..=4096 pixels, found 0x0"),
        ("stage.0.lr=0", "stage[0].lr: expected above 0, found 0"),
        ("stage.0.lr=nan", "stage[0].lr: expected above 0, found NaN"),
        ("stage.0.batch=1", "stage[0].batch: expected at least 2"),
        ("stage.0.epochs=0", "stage[0].epochs: expected at least 1"),
        ("stage.0.steps=5", "stage[0].epochs: give either epochs or steps"),
        ("stage.0.clip=-1", "stage[0].clip: expected above 0"),
        ("stage.0.ema.decay=1", "stage[0].ema.decay: expected 0 to below 1"),
        ("stage.0.optimiser.betas=[0.9, 1.0]", "stage[0].optimiser.betas: expected 0 to below 1"),
        ("stage.0.schedule.pct_start=1.5", "stage[0].schedule.pct_start"),
        ("stage.0.warm_up.epochs=1", "one-cycle warms up by itself"),
        ("stage.0.schedule={kind='multi-step',milestones=[9]}", "epoch 9 is never reached"),
        ("stage.0.optimiser={kind='sgd',momentum=0}", "no momentum to cycle"),
        ("stage.0.settings.regression={term='cosine',weight=-1}", "stage[0].settings: "),
        ("stage=[]", "stage: expected at least one"),
        ("data.sources=[]", "data.sources: expected at least one"),
        (
            "data.sources=[{kind='folder',path='/abs'}]",
            "data.sources[0].path: expected a path below",
        ),
        ("student.init='../x'", "student.init: expected a path below"),
        ("teacher.kind=onnx", "teacher.path: missing"),
        ("teacher.path=features.safetensors", "is named by its source"),
        ("teacher.flip=true", "only teachers that compute"),
        ("teacher.output=embedding", "only ONNX models have named outputs"),
        ("validation.every=0", "validation.every: expected at least 1"),
        ("validation.patience=0", "leave it out for no early stopping"),
        ("checkpoint.minutes=0", "checkpoint.minutes: expected above 0"),
        ("terms=' '", "terms: expected words"),
        ("stage.0.student.init_stage=x", "no earlier stage is called \"x\""),
        ("stage.0.streams.peer.net=facette", "has no stream of that name"),
    ] {
        let message = match change.starts_with("stage.0.student") {
            true => refused(&["stage.0.student.net=facette", change]),
            false => refused(&[change]),
        };
        assert!(message.starts_with("recipe.toml: "), "{change}: {message}");
        assert!(message.contains(expected), "{change}: {message}");
    }
    let text = include_str!("recipe.toml").replace("[teacher]\nkind = \"features\"", "");
    let message = Recipe::parse("r.toml", &text, &[]).unwrap_err().to_string();
    assert!(message.contains("has a stream \"teacher\": add [teacher]"), "{message}");
}

#[test]
fn what_only_the_data_shows_is_refused_before_the_first_step() {
    for (change, expected) in [
        ("stage.0.batch=200", "found 200; expected 1 to 45, the number of pictures"),
        ("data.sources=[{kind='folder',path='nowhere'}]", "nowhere"),
        ("data.sources=[{kind='folder',path='pictures',featurs='x'}]", "did you mean `features`?"),
        ("data.sources=[{kind='folder',path='pictures'}]", "45 of 45 pictures have no features"),
        ("stage.0.settings.regression={term='squared',project='never'}", "squared"),
        ("views.student.size=[16, 20]", "networks take squares, found 16x20"),
        ("data.select.only=['nobody']", "nobody"),
    ] {
        let overrides = match change.contains("project") {
            true => vec![change, "student.embedding=5"],
            false => vec![change],
        };
        let message = run(&overrides);
        assert!(message.contains(expected), "{change}: {message}");
    }
}

#[test]
fn a_teacher_that_does_not_fit_is_named() {
    let root = tempfile::tempdir().unwrap();
    let data = support::draw(root.path());
    std::fs::write(data.join("teacher.onnx"), b"no model").unwrap();
    let say = |overrides: &[&str]| {
        let recipe = support::recipe(overrides).unwrap();
        let error = support::run(&recipe, root.path(), "run", false, &mut Diary::default());
        std::fs::remove_dir_all(root.path().join("runs/run")).unwrap();
        error.unwrap_err().to_string()
    };
    let view = "views.teacher.view.size=112";
    let onnx = ["teacher.kind=onnx", "teacher.path=teacher.onnx", view];
    assert!(say(&onnx).contains("teacher.onnx"), "{}", say(&onnx));
    let absent = ["teacher.kind=onnx", "teacher.path=absent.onnx", view];
    assert!(say(&absent).contains("absent.onnx"), "{}", say(&absent));
    std::fs::write(data.join("half.safetensors"), b"\x10\0\0\0\0\0\0\0{").unwrap();
    let foreign = ["teacher.kind=file", "teacher.path=half.safetensors"];
    assert!(say(&foreign).contains("half.safetensors"), "{}", say(&foreign));
    let init = ["student.init=half.safetensors"];
    assert!(say(&init).contains("half.safetensors"), "{}", say(&init));
}

#[test]
fn a_damaged_checkpoint_is_named_and_nothing_is_changed() {
    let root = tempfile::tempdir().unwrap();
    support::draw(root.path());
    let recipe = support::recipe(&["stage.0.epochs=1"]).unwrap();
    support::run(&recipe, root.path(), "run", false, &mut Diary::default()).unwrap();
    let folder = root.path().join("runs/run");
    let path = folder.join("checkpoint.safetensors");
    let whole = std::fs::read(&path).unwrap();
    for bytes in [&whole[..whole.len() / 2], &whole[..5], b"", b"something else entirely"] {
        std::fs::write(&path, bytes).unwrap();
        let error =
            support::run(&recipe, root.path(), "run", true, &mut Diary::default()).unwrap_err();
        assert!(matches!(error, TrainError::Resume { .. }), "{error}");
        assert!(error.to_string().contains("checkpoint.safetensors"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }
    std::fs::write(&path, &whole).unwrap();
    std::fs::write(folder.join("metrics.jsonl"), b"").unwrap();
    let error = support::run(&recipe, root.path(), "run", true, &mut Diary::default()).unwrap_err();
    assert!(error.to_string().contains("metrics.jsonl"), "{error}");
}

#[test]
fn one_folder_is_worked_on_by_one_process() {
    let root = tempfile::tempdir().unwrap();
    support::draw(root.path());
    let recipe = support::recipe(&["stage.0.epochs=1"]).unwrap();
    struct Second<'a>(&'a std::path::Path, &'a Recipe, Option<String>);
    impl facette_train::Observer for Second<'_> {
        fn on(&mut self, event: &facette_train::Event) {
            if matches!(event, facette_train::Event::Step { step: 1, .. }) {
                let result = support::run(self.1, self.0, "run", true, &mut Diary::default());
                self.2 = result.err().map(|e| e.to_string());
            }
        }
    }
    let mut second = Second(root.path(), &recipe, None);
    support::run(&recipe, root.path(), "run", false, &mut second).unwrap();
    let message = second.2.unwrap();
    assert!(message.contains("another process"), "{message}");
}
