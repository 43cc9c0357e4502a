//! From a recipe's stage to streams, terms and a loader.

use facette_data::{Loader, Views};
use facette_distil::{
    Context, Domain, Method, Stream, StreamShapes, find_method, find_term, student_place,
};
use facette_graph::{Arrays, Graph};
use facette_image::View;

use super::StageRun;
use super::cast::Cast;
use crate::error::TrainError;
use crate::losses;
use crate::optimise::Average;
use crate::progress::{Clock, Progress};
use crate::recipe::{Course, Stage, StudentInput};
use crate::run::Run;
use crate::streams::Body;

impl StageRun {
    /// Builds stage `index` as it is before its first step.
    ///
    /// # Errors
    /// Whatever does not fit: teacher and student, networks and views, batch and data.
    pub(crate) fn build(run: &mut Run<'_>, index: usize, offset: u64) -> Result<Self, TrainError> {
        let settings = run.recipe.stages[index].clone();
        let method = find_method(&settings.method)?;
        let streams = method.streams(&settings.settings)?;
        let student = settings.student.as_ref().or(run.recipe.student.as_ref()).cloned();
        let student =
            student.ok_or_else(|| refuse(run, index, "student", "missing; add [student]"))?;
        if method.mixes() && !settings.terms.is_empty() {
            let problem = format!(
                "method {:?} shows virtual pictures, which other terms do not know; leave it out",
                settings.method
            );
            return Err(refuse(run, index, "term", &problem));
        }
        let mut needs = method.needs();
        for term in &settings.terms {
            needs.logits |= find_term(&term.kind)?.needs().logits;
        }
        let cast = Cast::new(run, index, &settings, streams.clone(), &student, needs)?;

        // The terms are built for what the teacher could yield; what they then read decides
        // whether its outputs can be computed beforehand.
        let shapes = cast.shapes(run, index, &settings.method)?;
        let built = ties(run, &settings, &streams, &shapes, &cast.graphs(), &cast.left())?;
        let (views, teacher) = (cast.views.clone(), cast.digest.clone());
        let ready = cast.ready(run, &built, method.mixes())?;
        let names = losses::names(&streams, &built.ties);

        let sampler = settings.sampler().build_within(
            run.pictures.dataset(),
            &settings.domains,
            run.recipe.seed,
        )?;
        let live = ready.members.iter().any(|member| match &member.body {
            Body::Live(_) | Body::Route(_) | Body::Picture(_) => true,
            Body::Learner { input, .. } | Body::Still { input, .. } => {
                *input == StudentInput::Teacher
            }
            Body::Known(_) => false,
        });
        let shown = Views {
            student: views.student.clone(),
            teacher: views.teacher.clone().filter(|_| live),
        };
        let loader = Loader::new(
            run.pictures.clone(),
            sampler,
            shown.clone(),
            run.recipe.data.loader.clone(),
            run.recipe.seed,
        )?;
        let per_epoch = loader.steps() as u64;
        let steps = settings
            .steps
            .unwrap_or_else(|| settings.epochs.unwrap_or_default() as u64 * per_epoch);
        let course =
            Course::new(&settings.schedule, settings.lr, settings.warm_up, steps, per_epoch);
        let assembled = ready.assembled()?;
        let average =
            settings.ema.map(|ema| Average::new(ema, ready.student().parameters())).transpose()?;
        let view = match (student.input, &views.teacher) {
            (StudentInput::Teacher, Some(teacher)) => at_test(&teacher.view),
            _ => at_test(&views.student),
        };
        Ok(Self {
            index,
            settings,
            streams: ready,
            assembled,
            ties: built.ties,
            names,
            course,
            average,
            progress: Progress::default(),
            clock: Clock::start(),
            loader,
            views: shown,
            net: student,
            teacher,
            view,
            mixing: method.mixes().then_some(run.recipe.seed),
            steps,
            offset,
        })
    }
}

/// What is wrong with `key` of stage `index`.
pub(super) fn refuse(run: &Run<'_>, index: usize, key: &str, problem: &str) -> TrainError {
    TrainError::Recipe {
        file: run.recipe.name.clone(),
        key: format!("stage[{index}].{key}"),
        problem: problem.to_owned(),
    }
}

/// The view without anything random: how the student is shown pictures ever after.
fn at_test(view: &View) -> View {
    let plain = View::default();
    View {
        jitter: plain.jitter,
        degrade: plain.degrade,
        degrade_after: plain.degrade_after,
        ..view.clone()
    }
}

/// The method's ties, and the recipe's own.
fn ties(
    run: &Run<'_>,
    settings: &Stage,
    streams: &[Stream],
    shapes: &[StreamShapes],
    graphs: &[Option<&Graph>],
    left: &[Option<&Arrays>],
) -> Result<Method, TrainError> {
    let dataset = run.pictures.dataset();
    let domains: Vec<Domain> = dataset
        .domains()
        .iter()
        .zip(dataset.classes_of_domains())
        .map(|(name, classes)| Domain { name: name.clone(), classes })
        .collect();
    let context = |learner: usize, target: Option<usize>| Context {
        student: &shapes[learner],
        target: target.map(|target| &shapes[target]),
        left: left[learner],
        network: graphs[learner],
        classes: Some(dataset.classes().len()),
        domains: &domains,
        pictures: dataset.len(),
        device: &run.device,
        stream: &streams[learner].name,
        seed: run.recipe.seed,
    };
    let student = student_place(streams);
    let before = |place: usize| (place == student).then(|| place.checked_sub(1)).flatten();
    let contexts: Vec<Context<'_>> =
        (0..streams.len()).map(|place| context(place, before(place))).collect();
    let mut method = find_method(&settings.method)?.build(&settings.settings, &contexts)?;
    let place = |name: &str| streams.iter().position(|stream| stream.name == name);
    for extra in &settings.terms {
        let spec = find_term(&extra.kind)?;
        let learner = place(&extra.learner).unwrap_or(student);
        let target = match &extra.target {
            Some(name) => place(name),
            None => before(learner).filter(|_| spec.needs().teacher),
        };
        let term = spec.build(&extra.settings, &context(learner, target))?;
        method.ties.push(facette_distil::Tie {
            learner,
            target,
            weight: extra.weight,
            detach_target: extra.detach_target,
            term,
        });
    }
    Ok(method)
}
