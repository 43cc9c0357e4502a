//! A run that was killed at any moment leaves, when it is gone on with, the same bytes as one
//! that was not.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use facette_train::{Event, Observer, TrainError};
use rand::RngExt;

use crate::support;

const ROOT: &str = "FACETTE_TEST_ROOT";
const FOLDER: &str = "FACETTE_TEST_FOLDER";

/// What must not depend on kills: everything but what the clock enters.
const ARTEFACTS: [&str; 6] = [
    "last.safetensors",
    "best.safetensors",
    "checkpoint.safetensors",
    "metrics.jsonl",
    "recipe.toml",
    "run.json",
];

/// Tells the parent of every step.
struct Loud;

impl Observer for Loud {
    fn on(&mut self, event: &Event) {
        if let Event::Step { step, .. } = event {
            println!("{STEP}{step}");
        }
    }
}

/// Begins every line the parent counts.
const STEP: &str = "done with step ";

/// The process that is killed: this test binary, told where to work.
#[test]
fn child() {
    let (Ok(root), Ok(folder)) = (std::env::var(ROOT), std::env::var(FOLDER)) else { return };
    let recipe = support::recipe(&[]).unwrap();
    if let Err(error) = support::run(&recipe, Path::new(&root), &folder, true, &mut Loud) {
        panic!("{error}");
    }
}

fn spawn(root: &Path, folder: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "resume::child", "--nocapture"])
        .env(ROOT, root)
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Lets a child work for `steps` steps and `delay` more, and kills it (SIGKILL). Whether it came
/// that far.
fn kill_after(mut child: Child, steps: usize, delay: Duration) -> bool {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let seen = lines.filter(|line| line.contains(STEP)).take(steps).count();
    std::thread::sleep(delay);
    child.kill().unwrap();
    child.wait().unwrap();
    seen == steps
}

#[test]
fn a_killed_run_resumes_to_the_same_bytes() {
    let root = tempfile::tempdir().unwrap();
    support::draw(root.path());
    let runs = root.path().join("runs");
    let finish = |folder: &str| {
        let output = spawn(root.path(), folder).wait_with_output().unwrap();
        assert!(output.status.success());
    };
    finish("whole");
    let bytes = |folder: &str, name: &str| std::fs::read(runs.join(folder).join(name)).unwrap();

    let mut rng = facette_random::stream(11, "test/kill", 0);
    let (mut kills, mut resumed) = (0, 0);
    for trial in 0..4 {
        let folder = format!("killed-{trial}");
        for attempt in 0..3 {
            resumed += usize::from(runs.join(&folder).join("checkpoint.safetensors").exists());
            let delay = Duration::from_micros(rng.random_range(0..4000));
            // A checkpoint is written every 3 steps: the first kill leaves one, others need not.
            let steps = rng.random_range(if attempt == 0 { 4..9 } else { 1..9 });
            kills += usize::from(kill_after(spawn(root.path(), &folder), steps, delay));
        }
        finish(&folder);
        for name in ARTEFACTS {
            assert_eq!(bytes(&folder, name), bytes("whole", name), "trial {trial}: {name}");
        }
    }
    assert!(kills >= 6 && resumed == 8, "{kills} kills, {resumed} times gone on with");
}

/// With files limited to 4 KiB the first checkpoint does not fit, as on a full disk.
#[test]
#[cfg(unix)]
fn a_write_that_fails_names_the_file_and_leaves_nothing_half_written() {
    let root = tempfile::tempdir().unwrap();
    support::draw(root.path());
    let runs = root.path().join("runs");
    assert!(spawn(root.path(), "whole").wait_with_output().unwrap().status.success());
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" --exact resume::child --nocapture"])
        .arg(std::env::current_exe().unwrap())
        .env(ROOT, root.path())
        .env(FOLDER, "full")
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("checkpoint.safetensors") && said.contains("--resume"), "{said}");
    for entry in std::fs::read_dir(runs.join("full")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(!name.ends_with(".safetensors") && !name.starts_with(".facette-"), "{name}");
    }
    assert!(spawn(root.path(), "full").wait_with_output().unwrap().status.success());
    for name in ARTEFACTS {
        let read = |folder: &str| std::fs::read(runs.join(folder).join(name)).unwrap();
        assert_eq!(read("full"), read("whole"), "{name}");
    }
}

#[test]
fn a_run_that_was_stopped_goes_on_where_it_was() {
    struct StopAt<'a>(u64, &'a std::sync::atomic::AtomicBool);
    impl Observer for StopAt<'_> {
        fn on(&mut self, event: &Event) {
            if matches!(event, Event::Step { step, .. } if *step == self.0) {
                self.1.store(true, std::sync::atomic::Ordering::Relaxed);
            }
        }
    }
    let root = tempfile::tempdir().unwrap();
    support::draw(root.path());
    let recipe = support::recipe(&["stage.0.epochs=2"]).unwrap();
    support::run(&recipe, root.path(), "whole", false, &mut facette_train::Unobserved).unwrap();

    let stop = std::sync::atomic::AtomicBool::new(false);
    let paths = support::paths(root.path(), "stopped");
    let options = facette_train::Options::default();
    let error = facette_train::train(
        &recipe,
        &paths,
        &options,
        Some(&mut support::Judge),
        &mut StopAt(7, &stop),
        &stop,
    )
    .unwrap_err();
    assert!(matches!(error, TrainError::Interrupted { step: 7, .. }), "{error}");
    let error =
        support::run(&recipe, root.path(), "stopped", false, &mut support::Diary::default())
            .unwrap_err();
    assert!(matches!(error, TrainError::Occupied { .. }), "{error}");
    let mut diary = support::Diary::default();
    support::run(&recipe, root.path(), "stopped", true, &mut diary).unwrap();
    assert!(diary.0.iter().any(|e| matches!(e, Event::StageStarted { done: 7, .. })));
    let read = |folder: &str, name: &str| {
        std::fs::read(root.path().join("runs").join(folder).join(name)).unwrap()
    };
    for name in ARTEFACTS {
        assert_eq!(read("stopped", name), read("whole", name), "{name}");
    }
    let other = support::recipe(&["stage.0.epochs=2", "seed=4"]).unwrap();
    let error = support::run(&other, root.path(), "stopped", true, &mut support::Diary::default())
        .unwrap_err();
    assert!(error.to_string().contains("another recipe, seed or override"), "{error}");
}
