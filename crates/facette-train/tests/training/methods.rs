//! Every method of the registry in the loop: three steps, stopped and gone on with in between.

use std::sync::atomic::{AtomicBool, Ordering};

use facette_distil::METHODS;
use facette_train::{Event, Observer, Options, Recipe, TrainError, Unobserved, train};

use crate::support;

const NET: &str = "{ net = 'facette', embedding = 6, classifier = true, settings = { widths = [4, 8], blocks = [1, 1] } }";

/// A recipe that gives `method` every network it names.
fn recipe(method: &dyn facette_distil::MethodSpec) -> Recipe {
    let streams = method.streams(&method.effective(&toml::Table::new()).unwrap()).unwrap();
    let mut text = format!(
        "name = 'run'\nthreads = 2\ncheckpoint.students = 1\ndata = {{ sources = [{{ kind = 'folder', path = 'pictures' }}] }}\n\
         views = {{ student = {{ size = 16, jitter = {{ flip = 0.5 }} }} }}\nstudent = {NET}\n"
    );
    let mut stage = format!(
        "[[stage]]\nname = 'learn'\nmethod = '{}'\nsteps = 3\nbatch = 10\nlr = 0.01\n",
        method.id()
    );
    for stream in &streams {
        match (stream.name.as_str(), stream.learns) {
            ("student", _) => {}
            ("teacher", true) => {
                text.push_str(&format!("teacher = {{ kind = 'net', net = {NET} }}\n"));
            }
            ("teacher", false) => {
                let kind = if method.needs().route { "route" } else { "run" };
                text.push_str(&format!("teacher = {{ kind = '{kind}', path = 'teacher' }}\n"));
            }
            (other, _) => stage.push_str(&format!("streams.{other} = {NET}\n")),
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
    let teacher = METHODS.iter().find(|method| method.id() == "none").unwrap();
    let teacher = recipe(*teacher);
    support::run(&teacher, root.path(), "teacher", false, &mut Unobserved).unwrap();
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
