//! Sweeps: what is planned, what counts as finished.

use facette_train::{Machine, Planned, ResultRecord, Sweep, Training, Work};

fn write(folder: &std::path::Path) -> Sweep {
    std::fs::write(folder.join("recipe.toml"), include_str!("recipe.toml")).unwrap();
    let text = r#"
        name = "table"
        [[protocol]]
        protocol = "lfw"
        size = 16
        [[run]]
        recipe = "recipe.toml"
        seeds = [1, 2]
        [[run]]
        recipe = "recipe.toml"
        name = "short"
        overrides = ["stage.0.epochs=1"]
        [[model]]
        name = "teacher"
        file = "teacher.onnx"
        view = { mean = 0.5 }
    "#;
    Sweep::parse("table.toml", text, &[]).unwrap()
}

#[test]
fn rows_times_seeds_are_planned_and_finished_ones_are_known() {
    let folder = tempfile::tempdir().unwrap();
    let sweep = write(folder.path());
    let plan = sweep.plan(folder.path()).unwrap();
    let stems: Vec<String> = plan.iter().map(Planned::file_stem).collect();
    assert_eq!(stems, ["small-1", "small-2", "short-3", "teacher"]);
    let Work::Train { recipe, .. } = &plan[2].work else { panic!("the third row is a recipe") };
    assert_eq!(recipe.stages[0].epochs, Some(1));
    let Work::Train { recipe, file, overrides } = plan[0].work.clone() else {
        panic!("the first row is a recipe")
    };
    assert_eq!(recipe.seed, 1);
    assert_eq!(plan[0].protocols[0]["protocol"].as_str(), Some("lfw"));

    let results = folder.path().join("docs/results");
    assert_eq!(plan[0].finished(&results).unwrap(), None);
    let training = Training { recipe: file, overrides, seed: 1, threads: 2, seconds: 1.5 };
    let record = |row: &Planned, training: Option<Training>| ResultRecord {
        name: row.name.clone(),
        training,
        digest: row.digest.clone(),
        version: "0.1.0".into(),
        date: "2026-01-01".into(),
        machine: Machine::here(),
        parameters: 1000,
        headings: row.headings.clone(),
        judgements: serde_json::json!([{ "accuracy": 0.9 }]),
    };
    let (trained, judged) = (record(&plan[0], Some(training)), record(&plan[3], None));
    let path = trained.write(&results, &plan[0].file_stem()).unwrap();
    assert_eq!(path, results.join("small-1.json"));
    assert_eq!(plan[0].finished(&results).unwrap(), Some(trained));
    judged.write(&results, &plan[3].file_stem()).unwrap();
    assert_eq!(plan[3].finished(&results).unwrap(), Some(judged));
    assert_eq!(plan[1].finished(&results).unwrap(), None);

    // Another protocol or override makes the record out of date.
    let mut changed = sweep.clone();
    changed.protocols[0].insert("size".into(), 32.into());
    assert_eq!(changed.plan(folder.path()).unwrap()[0].finished(&results).unwrap(), None);
    let mut changed = sweep.clone();
    changed.models[0].view.insert("mean".into(), 0.4.into());
    assert_eq!(changed.plan(folder.path()).unwrap()[3].finished(&results).unwrap(), None);
    let mut changed = sweep;
    changed.runs[0].overrides.push("stage.0.lr=0.5".into());
    assert_eq!(changed.plan(folder.path()).unwrap()[0].finished(&results).unwrap(), None);
    std::fs::write(&path, b"{").unwrap();
    let message = plan[0].finished(&results).unwrap_err().to_string();
    assert!(message.contains("small-1.json"), "{message}");
}

#[test]
fn sweeps_that_cannot_be_meant_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut sweep = write(folder.path());
    sweep.runs[1].name = None;
    sweep.runs[1].seeds = vec![2];
    let message = sweep.plan(folder.path()).unwrap_err().to_string();
    assert!(message.contains("run[1].name") && message.contains("small-2"), "{message}");
    for (text, expected) in [
        ("name = 'x'\nrun = []", "expected at least one [[run]]"),
        (
            "name = 'x'\n[[run]]\nrecipes = 'y'",
            "run[0].recipes: unknown key, did you mean `recipe`?",
        ),
        ("name = 'x'\n[[run]]\nrecipe = 'absent.toml'", ""),
    ] {
        let planned = Sweep::parse("s.toml", text, &[]).and_then(|s| s.plan(folder.path()));
        let message = planned.unwrap_err().to_string();
        assert!(message.contains(expected) && message.contains(".toml"), "{message}");
    }
}
