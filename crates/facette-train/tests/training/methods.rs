//! Every method of the registry in the loop: three steps, stopped and gone on with in between.

use std::sync::atomic::{AtomicBool, Ordering};

use facette_distil::METHODS;
use facette_train::{Event, Observer, Options, Recipe, TrainError, Unobserved, train};

use crate::support;

const NET: &str = "{ net = 'facette', embedding = 6, classifier = true, settings = { widths = [4, 8], blocks = [1, 1] } }";

const PAINTER: &str = "{ net = 'fhn', settings = { width = 4, blocks = 1 } }";

/// Settings for a world of five identities, too few for three subsets.
const SETTINGS: &[(&str, &str)] = &[("relational-subsets", "domains = ['many', 'few']")];

/// A recipe that gives `method` every network it names, in data with every domain it names.
fn recipe(method: &dyn facette_distil::MethodSpec) -> Recipe {
    let needs = method.needs();
    let own = SETTINGS.iter().find(|(id, _)| *id == method.id()).map_or("", |(_, own)| own);
    let full = method.effective(&own.parse().unwrap()).unwrap();
    let streams = method.streams(&full).unwrap();
    let mut text = format!(
        "name = 'run'\nthreads = 2\ncheckpoint.students = 1\ndata.sources = [{{ kind = 'folder', path = 'pictures' }}]\n\
         student = {}\n",
        if needs.picture { PAINTER } else { NET }
    );
    text.push_str("views = { student = { size = 16, jitter = { flip = 0.5 } }");
    text.push_str(match needs.picture {
        true => ", teacher = { mode = 'paired', view = { size = 16 } } }\n",
        false => " }\n",
    });
    if needs.domains {
        let names = full["domains"].as_array().unwrap();
        let last = names.len() - 1;
        let share = |(place, name): (usize, &toml::Value)| match place == last {
            true => format!("[[data.domain]]\nname = {name}\ncapture = [{{ kind = 'grey' }}]\n"),
            false => format!("[[data.domain]]\nname = {name}\nshare = 0.4\n"),
        };
        text = names.iter().enumerate().map(share).fold(text, |text, domain| text + &domain);
    }
    let mut stage = format!(
        "[[stage]]\nname = 'learn'\nmethod = '{}'\nsteps = 3\nbatch = 10\nlr = 0.01\nsettings = {{ {own} }}\n",
        method.id()
    );
    for stream in &streams {
        match (stream.name.as_str(), stream.learns) {
            ("student", _) => {}
            ("teacher", true) => {
                stage.push_str(&format!("teacher = {{ kind = 'net', net = {NET} }}\n"));
            }
            ("teacher", false) if needs.picture => {
                stage.push_str("teacher = { kind = 'picture' }\n");
            }
            ("teacher", false) => {
                let kind = if needs.route { "route" } else { "run" };
                stage.push_str(&format!("teacher = {{ kind = '{kind}', path = 'teacher' }}\n"));
            }
            (other, true) => stage.push_str(&format!("streams.{other} = {NET}\n")),
            ("base", false) => {
                let finished = NET.replacen('{', "{ init = 'teacher.safetensors',", 1);
                stage.push_str(&format!("streams.base = {finished}\n"));
            }
            ("front", false) => {
                let finished = PAINTER.replacen('{', "{ init = 'front.safetensors',", 1);
                stage.push_str(&format!("streams.front = {finished}\n"));
            }
            (other, false) => {
                stage.push_str(&format!(
                    "teachers.{other} = {{ kind = 'run', path = 'teacher' }}\n"
                ));
            }
        }
    }
    Recipe::parse(method.id(), &format!("{text}{stage}"), &[]).unwrap()
}

struct StopAfterTwo<'a>(&'a AtomicBool);

impl Observer for StopAfterTwo<'_> {
    fn on(&mut self, event: &Event) {
        if matches!(event, Event::Step { step: 2, .. }) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

#[test]
fn every_method_trains_stops_and_goes_on() {
    let root = tempfile::tempdir().unwrap();
    support::draw(root.path());
    // A finished network of each kind.
    for (id, name) in [("none", "teacher"), ("rim-fhn", "front")] {
        let method = METHODS.iter().find(|method| method.id() == id).unwrap();
        let finished =
            support::run(&recipe(*method), root.path(), name, false, &mut Unobserved).unwrap();
        let kept = root.path().join(format!("data/{name}.safetensors"));
        std::fs::copy(finished.student, kept).unwrap();
    }
    for method in METHODS {
        let recipe = recipe(*method);
        let run = |folder: &str, resume: bool, stop: &AtomicBool, observer: &mut dyn Observer| {
            let options = Options { resume, source: None };
            let paths = support::paths(root.path(), &format!("{}-{folder}", method.id()));
            train(&recipe, &paths, &options, None, observer, stop).map(|outcome| outcome.student)
        };
        let go = AtomicBool::new(false);
        let whole = run("whole", false, &go, &mut Unobserved)
            .unwrap_or_else(|error| panic!("{}: {error}", method.id()));
        let stop = AtomicBool::new(false);
        let error = run("parts", false, &stop, &mut StopAfterTwo(&stop)).unwrap_err();
        assert!(matches!(error, TrainError::Interrupted { step: 2, .. }), "{}", method.id());
        let parts = run("parts", true, &go, &mut Unobserved).unwrap();
        let read = |path| std::fs::read(path).unwrap();
        assert!(read(whole) == read(parts), "{}: went on to other weights", method.id());
    }
}

#[test]
fn a_student_that_is_a_sum_is_one_network() {
    let root = tempfile::tempdir().unwrap();
    support::draw(root.path());
    for (id, name) in [("none", "teacher"), ("rim-fhn", "front")] {
        let method = METHODS.iter().find(|method| method.id() == id).unwrap();
        let finished =
            support::run(&recipe(*method), root.path(), name, false, &mut Unobserved).unwrap();
        let kept = root.path().join(format!("data/{name}.safetensors"));
        std::fs::copy(finished.student, kept).unwrap();
    }
    let finished = |id: &str, overrides: &[String], folder: &str| {
        let method = METHODS.iter().find(|method| method.id() == id).unwrap();
        let text = recipe(*method).to_toml();
        let recipe = Recipe::parse(id, &text, overrides).unwrap();
        let mut diary = support::Diary::default();
        let outcome = support::run(&recipe, root.path(), folder, false, &mut diary).unwrap();
        (facette_graph::StudentFile::open(&outcome.student).unwrap(), diary)
    };
    let (first, _) = finished("none", &[], "first");
    let (sum, _) = finished("reskd", &[], "sum");
    let graph = &sum.card().graph;
    assert_eq!(graph.architecture, "facette+facette");
    let part = |file: &facette_graph::StudentFile, part: &str| {
        facette_graph::StateDict { arrays: file.arrays().clone() }.part(part).arrays
    };
    assert_eq!(part(&sum, "base"), *first.arrays(), "the finished student is as it was");
    assert_eq!(part(&sum, "student").len(), first.arrays().len());
    // The runtime embeds it like any other student, and as the sum of its parts.
    let device = burn::tensor::Device::flex();
    let x = burn::tensor::Tensor::<4>::ones([2, 3, 16, 16], &device).mul_scalar(0.25);
    let embed = |graph: facette_graph::Graph, arrays: &facette_graph::Arrays| {
        let network = facette_nets::Network::of_arrays(graph, arrays, &device).unwrap();
        facette_nets::read("embedding", &network.infer(x.clone()).embedding).unwrap()
    };
    let whole = embed(graph.clone(), sum.arrays());
    let parts =
        ["base", "student"].map(|name| embed(first.card().graph.clone(), &part(&sum, name)));
    let near = |i: usize| (whole[i] - parts[0][i] - parts[1][i]).abs() < 1e-5;
    assert!((0..whole.len()).all(near), "{whole:?} {parts:?}");

    // Another round: the sum so far is the base of the next network, as it is.
    let round = "stage.0.teachers={ base = { kind = 'run', path = 'sum' } }".to_owned();
    let (second, _) = finished("reskd", &["stage.0.streams={}".to_owned(), round], "second");
    assert_eq!(second.card().graph.architecture, "facette+facette+facette");
    assert_eq!(part(&second, "base"), *sum.arrays());
    let whole = embed(second.card().graph.clone(), second.arrays());
    let last = embed(first.card().graph.clone(), &part(&second, "student"));
    let base = embed(graph.clone(), sum.arrays());
    assert!((0..whole.len()).all(|i| (whole[i] - base[i] - last[i]).abs() < 1e-5));

    // Three networks: the second and third read what the first paints, and the third starts from
    // its part of a student of three.
    let (frozen, _) = finished("rim", &[], "frozen");
    assert_eq!(frozen.card().graph.architecture, "fhn+facette+facette");
    std::fs::write(root.path().join("data/rim.safetensors"), frozen.to_bytes().unwrap()).unwrap();
    let joint: Vec<String> = [
        "stage.0.settings={ front = 'joint', maps = 0.5 }",
        "views.teacher={ mode = 'paired', view = { size = 16 } }",
        "stage.0.teachers={ picture = { kind = 'picture' } }",
        "stage.0.streams.front.init='rim.safetensors'",
        "stage.0.streams.base.init='rim.safetensors'",
        "student.init='rim.safetensors'",
    ]
    .map(str::to_owned)
    .into();
    let (joint, diary) = finished("rim", &joint, "joint");
    let taken = |e: &&Event| matches!(e, Event::Message(text) if text.contains(" 0 fresh"));
    assert_eq!(diary.0.iter().filter(taken).count(), 3, "{:?}", diary.0);
    for name in ["front", "base", "student"] {
        assert_ne!(part(&joint, name), part(&frozen, name), "{name} learned on");
    }
}

#[test]
fn a_painter_learns_from_what_a_recogniser_sees_in_its_pictures() {
    let root = tempfile::tempdir().unwrap();
    support::draw(root.path());
    let run = |id: &str, overrides: &[&str], folder: &str| {
        let method = METHODS.iter().find(|method| method.id() == id).unwrap();
        let overrides: Vec<String> = overrides.iter().map(|o| o.to_string()).collect();
        let recipe = Recipe::parse(id, &recipe(*method).to_toml(), &overrides)?;
        let outcome = support::run(&recipe, root.path(), folder, false, &mut Unobserved);
        outcome.map(|outcome| std::fs::read(outcome.student).unwrap())
    };
    let maps = |folder: &str| -> Vec<f64> {
        let rows =
            std::fs::read_to_string(root.path().join("runs").join(folder).join("metrics.jsonl"));
        let row = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
        rows.unwrap().lines().filter_map(|line| row(line)["terms"]["maps"].as_f64()).collect()
    };
    run("none", &[], "recogniser").unwrap();
    let pixels = run("rim-fhn", &[], "pixels").unwrap();
    let perceptual = "stage.0.settings={ perceptual = 10.0 }";
    let sight = "stage.0.teachers={ sight = { kind = 'run', path = 'recogniser' } }";
    let both = run("rim-fhn", &[perceptual, sight, "log_every=1"], "both").unwrap();
    assert_ne!(pixels, both, "gradient reaches the painter through the recogniser");
    let losses = maps("both");
    assert!(losses.len() == 3 && losses.iter().all(|loss| *loss > 0.0), "{losses:?}");
    // A painter of nothing but what the recogniser sees gets ever nearer to it.
    let own = "stage.0.settings={ perceptual = 10.0, pixels = 1e-9 }";
    run("rim-fhn", &[own, sight, "log_every=1", "stage.0.steps=12"], "own").unwrap();
    let losses = maps("own");
    assert!(losses[11] < 0.8 * losses[0], "{losses:?}");

    let lacking = run("rim-fhn", &[perceptual], "lacking").unwrap_err().to_string();
    assert!(lacking.contains("stage.teachers.sight"), "{lacking}");
    let picture = "stage.0.teachers={ sight = { kind = 'picture' } }";
    let blind = run("rim-fhn", &[perceptual, picture], "blind").unwrap_err().to_string();
    assert!(blind.contains("gradient goes through it"), "{blind}");
    let eye = "stage.0.teachers={ eye = { kind = 'run', path = 'recogniser' } }";
    let named = run("rim-fhn", &[perceptual, eye], "eye").unwrap_err().to_string();
    assert!(named.contains("sight") || named.contains("no other finished stream"), "{named}");
}

#[test]
fn what_streams_lack_is_named_before_the_first_step() {
    let parse = |id: &str, overrides: &[&str]| {
        let method = METHODS.iter().find(|method| method.id() == id).unwrap();
        let overrides: Vec<String> = overrides.iter().map(|o| o.to_string()).collect();
        Recipe::parse(id, &recipe(*method).to_toml(), &overrides).unwrap_err().to_string()
    };
    let fresh = format!("stage.0.streams.base={NET}");
    assert!(parse("reskd", &[&fresh]).contains("init_stage"), "{}", parse("reskd", &[&fresh]));
    assert!(parse("reskd", &["stage.0.streams={}"]).contains("streams.base"));
    assert!(parse("rim-fhn", &["stage.0.teacher.kind='run'"]).contains("kind = \"picture\""));
    assert!(parse("mdd", &["data.domain=[]"]).contains("tells domains apart"));
    let odd = "stage.0.teachers.odd={ kind = 'run', path = 'teacher' }";
    assert!(parse("kd", &[odd]).contains("no other finished stream"));
    let none = parse("relational-subsets", &["stage.0.teachers={}"]);
    assert!(none.contains("stage.teachers.many"), "{none}");
}

#[test]
fn a_stage_may_look_at_some_domains_alone() {
    let root = tempfile::tempdir().unwrap();
    support::draw(root.path());
    let mdd = METHODS.iter().find(|method| method.id() == "mdd").unwrap();
    let run = |overrides: &[&str], folder: &str| {
        let overrides: Vec<String> = overrides.iter().map(|o| o.to_string()).collect();
        let text = recipe(*mdd).to_toml();
        let none = ["stage.0.method='none'", "stage.0.settings={}"].map(str::to_owned);
        let overrides: Vec<String> = none.into_iter().chain(overrides).collect();
        let recipe = Recipe::parse("domains", &text, &overrides).unwrap();
        support::run(&recipe, root.path(), folder, false, &mut Unobserved)
    };
    let all = run(&[], "all").unwrap();
    let some = run(&["stage.0.domains=['public', 'wild']"], "some").unwrap();
    assert_ne!(std::fs::read(all.student).unwrap(), std::fs::read(some.student).unwrap());
    let error = run(&["stage.0.domains=['publik']"], "none").unwrap_err().to_string();
    assert!(error.contains("publik") && error.contains("public, web, wild"), "{error}");
}

#[test]
fn a_finished_teacher_teaches_through_the_modules_it_was_trained_with() {
    let root = tempfile::tempdir().unwrap();
    support::draw(root.path());
    let run = |id: &str, overrides: &[&str], folder: &str| {
        let method = METHODS.iter().find(|method| method.id() == id).unwrap();
        let overrides: Vec<String> = overrides.iter().map(|o| o.to_string()).collect();
        let recipe = Recipe::parse(id, &recipe(*method).to_toml(), &overrides).unwrap();
        support::run(&recipe, root.path(), folder, false, &mut Unobserved)
    };
    let bytes = |outcome: facette_train::Outcome| std::fs::read(outcome.student).unwrap();
    run("none", &[], "plain").unwrap();
    run("self-kd", &["stage.0.settings={ preset = 'paper' }"], "guided").unwrap();
    assert!(root.path().join("runs/guided/terms.safetensors").exists());
    let row = |settings: &str, teacher: &str, folder: &str| {
        let settings = format!("stage.0.settings={{ evolving = false{settings} }}");
        let teacher = format!("stage.0.teacher={{ kind = 'run', path = '{teacher}' }}");
        run("ekd", &[&settings, &teacher], folder)
    };
    let whole = bytes(row("", "guided", "whole").unwrap());
    let without = bytes(row(", teacher_modules = false", "guided", "without").unwrap());
    assert_ne!(whole, without, "the teacher's modules teach");
    let error = row("", "plain", "lacking").unwrap_err().to_string();
    assert!(error.contains("guided modules") && error.contains("self-kd"), "{error}");
    let error = row(", dim = 12", "guided", "unequal").unwrap_err().to_string();
    assert!(error.contains("guided"), "{error}");
}
