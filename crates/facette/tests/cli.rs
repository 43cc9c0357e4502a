//! The command line as a user meets it: help, lists, answers, complaints.

mod playground;

use std::fs;

use playground::{Playground, facette};

#[test]
fn help_pages() {
    let pages = [
        "",
        "demo",
        "data",
        "data inspect",
        "data synthesize",
        "recipe",
        "recipe list",
        "recipe show",
        "train",
        "distil",
        "eval",
        "verify",
        "inspect",
        "quantise",
        "bench",
        "list",
        "report",
        "sweep",
    ];
    for page in pages {
        let mut arguments: Vec<&str> = page.split_whitespace().collect();
        arguments.push("--help");
        let output = facette(&arguments).output().unwrap();
        assert!(output.status.success(), "{page}");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("Examples:") || ["data", "recipe"].contains(&page), "{page}");
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{page}:\n{text}");
        let name = format!("help {page}").trim().replace(' ', "-");
        insta::assert_snapshot!(name, text);
    }
}

#[test]
fn lists_fit_a_terminal_and_are_json_for_machines() {
    for what in ["nets", "methods", "terms", "datasets", "degradations", "protocols"] {
        let output = facette(&["list", what]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        let output = facette(&["list", what, "--json"]).output().unwrap();
        let list: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
        assert!(list.iter().all(|entry| entry["name"].is_string() && entry["about"].is_string()));
        for entry in &list {
            assert!(text.contains(entry["name"].as_str().unwrap()), "{text}");
        }
    }
    let output = facette(&["list", "protocols"]).output().unwrap();
    insta::assert_snapshot!("list-protocols", String::from_utf8(output.stdout).unwrap());
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    use std::process::{Command, Stdio};
    let mut child = Command::new(env!("CARGO_BIN_EXE_facette"))
        .args(["list", "nets", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty());
}

#[test]
fn recipes_that_come_along_are_shown_in_full_and_read_back() {
    let output = facette(&["recipe", "list", "--json"]).output().unwrap();
    let list: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert!(list.len() >= 2);
    let play = Playground::new();
    for recipe in list {
        let name = recipe["name"].as_str().unwrap();
        let shown = facette(&["recipe", "show", name]).output().unwrap();
        assert!(shown.status.success(), "{}", String::from_utf8_lossy(&shown.stderr));
        let file = play.write("again.toml", &shown.stdout);
        let again = facette(&["recipe", "show", &file]).output().unwrap();
        assert_eq!(shown.stdout, again.stdout, "{name}");
    }
}

#[test]
fn drawn_faces_are_the_same_every_time_and_are_counted() {
    let play = Playground::new();
    let draw = |name: &str| {
        let flags = ["--identities", "3", "--shots", "4", "--size", "32", "--pairs", "1:3"];
        let out = play.path(name);
        let mut command = facette(&["data", "synthesize", &out]);
        command.args(flags).assert().success();
        let path = play.path(&format!("{name}/s00001/s00001_0002.png"));
        (fs::read(path).unwrap(), fs::read(play.path(&format!("{name}/pairs.txt"))).unwrap())
    };
    assert_eq!(draw("a"), draw("b"));
    let refused = facette(&["data", "synthesize", &play.path("a")]).assert().code(2);
    playground::says(refused, &["holds something already"]);

    let out = play.path("sheets");
    let output =
        facette(&["data", "inspect", &play.path("a"), "--json", "--out", &out]).output().unwrap();
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["overview"]["pictures"], 12);
    assert_eq!(found["overview"]["identities"], 3);
    assert!(fs::read(play.path("sheets/views.png")).unwrap().starts_with(b"\x89PNG"));
}

#[test]
fn a_student_is_trained_judged_inspected_and_used() {
    let play = Playground::with_faces();
    let run = play.path("run");
    let recipe = play.recipe();
    facette(&["distil", &recipe, "--data", &play.path(""), "--out", &run, "--quiet"])
        .current_dir(play.path(""))
        .assert()
        .success();

    let facts = facette(&["inspect", &run, "--json"]).output().unwrap();
    let facts: serde_json::Value = serde_json::from_slice(&facts.stdout).unwrap();
    assert_eq!(facts["architecture"], "few-shot");
    assert_eq!(facts["input"]["width"], 16);
    assert_eq!(facts["input"]["channels"], "rgb");
    assert_eq!(facts["embedding"], 16);
    assert!(facts["terms"].as_str().unwrap().contains("drawn"));
    for key in ["parameters", "macs", "bytes"] {
        assert!(facts[key].as_u64().unwrap() > 1000, "{key}");
    }

    let (faces, pairs) = (play.path("faces"), play.path("faces/pairs.txt"));
    let student = play.path("run/best.safetensors");
    let trial = ["--protocol", "lfw", "--images", &faces, "--pairs", &pairs, "--size", "16"];
    let judged = facette(&["eval", &student, "--json", "--no-flip", "--into-card", "thresholds"])
        .args(trial)
        .output()
        .unwrap();
    let judged: serde_json::Value = serde_json::from_slice(&judged.stdout).unwrap();
    assert_eq!((&judged["protocol"], &judged["folds"]), (&"lfw".into(), &2.into()));
    assert_eq!((&judged["size"], &judged["flip"]), (&16.into(), &false.into()));
    let accuracy = judged["accuracy"].as_f64().unwrap();
    assert!((0.4..=1.0).contains(&accuracy), "{judged}");
    for key in ["pairs", "accuracy_std", "auc", "eer", "threshold"] {
        assert!(judged[key].is_number(), "{key}");
    }
    assert!(judged["tar_at_far"]["1e-3"].is_number());

    let a = play.path("faces/s00000/s00000_0001.png");
    let same = facette(&["verify", &a, &a, "--model", &student, "--json"]).assert().code(0);
    let answer: serde_json::Value = serde_json::from_slice(&same.get_output().stdout).unwrap();
    assert_eq!(answer["same"], true);
    assert!((answer["cosine"].as_f64().unwrap() - 1.0).abs() < 1e-5);
    let b = play.path("faces/s00001/s00001_0001.png");
    facette(&["verify", &a, &b, "--model", &student, "--threshold", "1"]).assert().code(1);

    let page = play.path("page.html");
    facette(&["report", &run, "--out", &page]).args(trial).assert().success();
    let html = fs::read_to_string(page).unwrap();
    assert!(html.contains("<svg") && html.contains("data:image/png;base64,"));
}

#[test]
fn a_student_is_quantised_judged_and_measured() {
    let play = Playground::with_faces();
    let (run, recipe) = (play.path("run"), play.recipe());
    facette(&["distil", &recipe, "--data", &play.path(""), "--out", &run, "--quiet"])
        .current_dir(play.path(""))
        .assert()
        .success();
    let json = |arguments: &[&str]| -> serde_json::Value {
        let output = facette(arguments).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {text}"))
    };
    let (faces, pairs) = (play.path("faces"), play.path("faces/pairs.txt"));
    let small = play.path("small.safetensors");
    let gate = ["--gate", &faces, "--pairs", &pairs, "--allowed", "100"];
    let quantise = ["quantise", &run, "--data", &faces, "-o", &small, "--faces", "24", "--json"];
    let found = json(&[&quantise[..], &gate[..]].concat());
    assert_eq!(found["passed"], true, "{found}");
    assert_eq!(found["tried"].as_array().unwrap().len(), 16);
    assert!(found["drift"].as_array().unwrap().iter().all(|l| l["cosine"].as_f64() > Some(0.9)));
    assert!(2 * found["bytes"].as_u64().unwrap() < found["bytes_before"].as_u64().unwrap());
    let first = fs::read(&small).unwrap();
    json(&[&quantise[..], &gate[..]].concat());
    assert_eq!(fs::read(&small).unwrap(), first, "the same faces, the same bytes");

    let facts = json(&["inspect", &small, "--json"]);
    assert_eq!((&facts["precision"], &facts["gate"]), (&"int8".into(), &found["gate"]));
    let trial = ["--protocol", "lfw", "--images", &faces, "--pairs", &pairs, "--json"];
    let precision = |more: &[&str]| {
        let judged = json(&[&["eval", &small][..], &trial, more].concat());
        (judged["model"]["precision"].clone(), judged["accuracy"].clone())
    };
    assert_eq!(precision(&[]), ("int8".into(), found["gate"]["int8"].clone()));
    assert_eq!(precision(&["--precision", "f32"]).0, "f32");
    let refused = facette(&["quantise", &small, "--data", &faces, "-o", &small]).assert().code(2);
    playground::says(refused, &["int8 already"]);
    let refused = [&["eval", &run, "--precision", "int8"][..], &trial].concat();
    playground::says(facette(&refused).assert().code(2), &["student of floats", "quantise"]);

    // Without a gate nothing says that it may be run in bytes.
    let ungated = play.path("ungated.safetensors");
    let quantise = ["quantise", &run, "--data", &faces, "-o", &ungated, "--range", "min-max"];
    facette(&quantise).assert().success();
    assert_eq!(json(&["inspect", &ungated, "--json"])["precision"], "f32");

    let bench = ["bench", &small, "--batch", "1,8", "--threads", "1,2", "--seconds", "0"];
    let output = facette(&bench).arg("--json").output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let rows: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(rows.len() >= 4 && rows.len().is_multiple_of(4), "{lines}");
    for row in &rows {
        assert_eq!((&row["model"], &row["precision"]), (&"small".into(), &"int8".into()));
        assert!(row["kernels"].is_string() && row["file_bytes"] == found["bytes"], "{row}");
        for key in ["threads", "batch", "faces_per_s", "p50_us", "p99_us", "peak_fraction"] {
            assert!(row[key].as_f64().unwrap() > 0.0, "{key}: {row}");
        }
    }
    let table = String::from_utf8(facette(&bench).output().unwrap().stdout).unwrap();
    assert!(table.lines().all(|line| line.chars().count() <= 100), "{table}");
    assert!(table.contains("faces/s") && table.contains("scalar"), "{table}");
    playground::says(
        facette(&["bench", &small, "--kernels", "abacus"]).assert().code(2),
        &["abacus", "scalar"],
    );
}

#[test]
fn the_students_that_ship_are_ready_for_use() {
    let play = Playground::with_faces();
    let face = |person: usize, shot: usize| {
        play.path(&format!("faces/s{person:05}/s{person:05}_{shot:04}.png"))
    };
    for (name, side) in [("facette-16", 16), ("facette-32", 32)] {
        let output = facette(&["inspect", name, "--json"]).output().unwrap();
        let facts: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(facts["input"]["width"], side);
        assert_eq!(facts["precision"], "int8");
        assert!(facts["terms"].as_str().unwrap().contains("research"));
        let accuracy = facts["accuracy"].as_array().unwrap();
        assert!(accuracy.iter().any(|measured| measured["size"] == side), "{facts}");
        let model = ["--model", name, "--json"];
        let output = facette(&["verify", &face(0, 1), &face(0, 1)]).args(model).output().unwrap();
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&answer["same"], &answer["model"]), (&true.into(), &name.into()));
    }
    // Crops of 24 pixels lie between the two; without a name the nearest is taken.
    let output = facette(&["verify", &face(0, 1), &face(1, 1), "--json"]).output().unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(answer["model"].as_str().unwrap().starts_with("facette-"), "{answer}");

    let (faces, pairs) = (play.path("faces"), play.path("faces/pairs.txt"));
    let flags = ["eval", "--protocol", "lfw", "--images", &faces, "--pairs", &pairs, "--json"];
    for side in ["16", "32"] {
        let output = facette(&flags).args(["--size", side]).output().unwrap();
        let judged: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(judged["model"]["name"], format!("facette-{side}"));
    }
}

#[test]
fn a_finished_or_foreign_run_folder_is_not_written_over() {
    let play = Playground::with_faces();
    let run = play.path("run");
    let recipe = play.recipe();
    let distil = |more: &[&str]| {
        let mut command = facette(&["distil", &recipe, "--data", &play.path(""), "--out", &run]);
        command.current_dir(play.path("")).args(more);
        command
    };
    distil(&["--quiet"]).assert().success();
    let student = fs::read(play.path("run/last.safetensors")).unwrap();
    playground::says(distil(&[]).assert().code(2), &["run", "--resume"]);
    distil(&["--resume", "--quiet"]).assert().success();
    playground::says(distil(&["--resume", "--seed", "9"]).assert().code(2), &["another recipe"]);
    assert_eq!(fs::read(play.path("run/last.safetensors")).unwrap(), student);
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_with_everything_saved_and_resume_goes_on() {
    use std::process::{Command, Stdio};
    let play = Playground::with_faces();
    let (recipe, data) = (play.recipe(), play.path(""));
    let distil = |out: &str, more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_facette"));
        command.args(["distil", &recipe, "--data", &data, "--out", &play.path(out)]);
        command.args(["--set", "stage.1.steps=300", "--set", "checkpoint.steps=1"]);
        command.args(["--threads", "1", "--quiet"]).args(more).current_dir(&data);
        command
    };
    assert!(distil("whole", &[]).status().unwrap().success());

    let mut child = distil("broken", &[]).stderr(Stdio::piped()).spawn().unwrap();
    let checkpoint = play.path("broken/checkpoint.safetensors");
    while !std::path::Path::new(&checkpoint).exists() {
        assert!(child.try_wait().unwrap().is_none(), "ended before its first checkpoint");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("--resume"), "{said}");

    assert!(distil("broken", &["--resume"]).status().unwrap().success());
    let student = |run: &str| fs::read(play.path(&format!("{run}/last.safetensors"))).unwrap();
    assert_eq!(student("broken"), student("whole"));
}

#[test]
fn the_student_alone_learns_without_its_teacher() {
    let play = Playground::with_faces();
    let out = play.path("alone");
    let output = facette(&["train", &play.recipe(), "--data", &play.path(""), "--out", &out])
        .args(["--json", "--quiet"])
        .current_dir(play.path(""))
        .output()
        .unwrap();
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["recipe"], "tiny-alone");
    let recipe = fs::read_to_string(play.path("alone/recipe.toml")).unwrap();
    assert!(!recipe.contains("[teacher]"), "{recipe}");
}

#[test]
fn a_sweep_skips_what_is_finished() {
    let play = Playground::with_faces();
    let recipe = play.recipe();
    let list = format!(
        "name = 'list'\n[[protocol]]\nprotocol = 'lfw'\nimages = 'faces'\npairs = \
         'faces/pairs.txt'\nsize = 16\n[[run]]\nname = 'row'\nrecipe = '{recipe}'\nseeds = [1, 2]\n"
    );
    let list = play.write("list.toml", list.as_bytes());
    let (data, results, runs) = (play.path(""), play.path("results"), play.path("runs"));
    let sweep = || {
        let mut command = facette(&["sweep", &list, "--data", &data, "--results", &results]);
        command.args(["--runs", &runs]).current_dir(play.path(""));
        command
    };
    sweep().arg("--list").assert().code(1).stdout("row-1: to do\nrow-2: to do\n");
    sweep().arg("--quiet").assert().code(0);
    let record = fs::read(play.path("results/row-2.json")).unwrap();
    playground::says_on_stderr(sweep().assert().code(0), &["row-1: finished", "row-2: finished"]);
    assert_eq!(fs::read(play.path("results/row-2.json")).unwrap(), record);
    let table = sweep().arg("--table").assert().code(0);
    let table = String::from_utf8(table.get_output().stdout.clone()).unwrap();
    assert!(table.starts_with("| run | parameters | seeds | lfw at 16, 40 pairs (%) |"), "{table}");
    assert!(table.contains("| row |") && table.contains("| 1, 2 |"), "{table}");
}
