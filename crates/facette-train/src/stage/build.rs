//! From a recipe's stage to streams, terms and a loader.

use facette_data::{Loader, TeacherView, Views};
use facette_distil::{
    Context, Domain, Method, Needs, Stream, StreamShapes, find_method, find_term,
};
use facette_graph::{Arrays, Graph};
use facette_image::View;
use facette_nets::{NetOptions, Network, build, find};

use super::StageRun;
use crate::error::TrainError;
use crate::losses;
use crate::optimise::{Average, Optimiser};
use crate::progress::{Clock, Progress};
use crate::recipe::{Course, Stage, StudentInput, StudentSettings, TeacherSettings};
use crate::run::Run;
use crate::streams::{Body, Member, Streams};
use crate::teacher::{self, Teacher};

impl StageRun {
    /// Builds stage `index` as it is before its first step.
    ///
    /// # Errors
    /// Whatever does not fit: teacher and student, networks and views, batch and data.
    pub(crate) fn build(run: &mut Run<'_>, index: usize, offset: u64) -> Result<Self, TrainError> {
        let settings = run.recipe.stages[index].clone();
        let views = settings.views.as_ref().unwrap_or(&run.recipe.views).clone();
        let method = find_method(&settings.method)?;
        let stream_list = method.streams(&settings.settings)?;
        let teacher_settings = settings.teacher.as_ref().or(run.recipe.teacher.as_ref()).cloned();
        let student_settings =
            settings
                .student
                .as_ref()
                .or(run.recipe.student.as_ref())
                .cloned()
                .ok_or_else(|| refuse(run, index, "student", "missing; add [student]"))?;
        let input = student_settings.input;
        let needed = input == StudentInput::Embedding
            || stream_list.iter().any(|stream| stream.name == TEACHER && !stream.learns);
        let teacher = match teacher_settings.as_ref().filter(|_| needed) {
            Some(chosen) => Some(teacher::open(run, chosen, &views)?),
            None => None,
        };
        let teacher_digest = teacher.as_ref().and_then(Teacher::digest);
        let mut views = views;
        if let Some(view) = teacher.as_ref().and_then(Teacher::view) {
            views.teacher = Some(view.clone());
        }

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
        let mut members = Vec::with_capacity(stream_list.len());
        let mut vectors = None;
        if input == StudentInput::Embedding {
            let chosen = teacher.as_ref().ok_or_else(|| {
                refuse(run, index, "student.input", "needs a teacher whose embeddings it reads")
            })?;
            vectors = Some(chosen.outputs(run)?);
        }
        let mut frozen: Vec<(usize, Teacher)> = Vec::new();
        let mut teacher = teacher;
        for (place, stream) in stream_list.iter().enumerate() {
            if !stream.learns && stream.name == TEACHER {
                frozen.extend(teacher.take().map(|teacher| (place, teacher)));
                continue;
            }
            if let Some(chosen) = settings.teachers.get(&stream.name) {
                let other = teacher::open(run, chosen, &views)?;
                views.teacher = one_view(run, index, &stream.name, &views, other.view())?;
                frozen.push((place, other));
                continue;
            }
            let net = net_of(stream, &settings, &student_settings, teacher_settings.as_ref());
            let net = net.ok_or_else(|| {
                let problem = format!("method {:?} trains it: name its network", settings.method);
                refuse(run, index, &stream.name, &problem)
            })?;
            let vector = vectors.as_ref().map(|known| known.embedding());
            let network = learner(run, index, stream, net, needs, &views, vector)?;
            let input = net.input;
            let body = match stream.learns {
                true => {
                    let decays = settings.decay_norms_and_biases;
                    let optimiser = Optimiser::new(&settings.optimiser, decays);
                    Body::Learner { network: Box::new(network), input, optimiser }
                }
                false => Body::Still { network: Box::new(network.frozen()), input },
            };
            members.push((place, member(stream, body)));
        }
        let teacher_digest = digest_of(&frozen, teacher_digest);

        // The terms are built for what the teacher could yield; what they then read decides
        // whether its outputs can be computed beforehand.
        let mut shapes = Vec::with_capacity(stream_list.len());
        for (place, _) in stream_list.iter().enumerate() {
            let member = members.iter().find(|(at, _)| *at == place);
            let teacher = frozen.iter().find(|(at, _)| *at == place);
            let own = match (member, teacher) {
                (Some((_, member)), _) => member.body.shapes()?,
                (None, Some((_, teacher))) => teacher.shapes(run)?,
                (None, None) => {
                    let problem =
                        format!("method {:?} imitates one: add [teacher]", settings.method);
                    return Err(refuse(run, index, "teacher", &problem));
                }
            };
            let stream = &stream_list[place];
            shapes.push(match stream.on {
                Some(base) => own.added_to(&stream.name, &shapes[base])?,
                None => own,
            });
        }
        let graph = |place: usize| match members.iter().find(|(at, _)| *at == place) {
            Some((_, Member { body: Body::Learner { network, .. }, .. })) => Some(network.graph()),
            _ => None,
        };
        let graphs: Vec<Option<&Graph>> = (0..stream_list.len()).map(graph).collect();
        let left: Vec<Option<&Arrays>> = (0..stream_list.len())
            .map(|place| frozen.iter().find(|(at, _)| *at == place)?.1.left())
            .collect();
        let mut built = ties(run, &settings, &stream_list, &shapes, &graphs, &left)?;
        for (place, chosen) in frozen {
            let wanted = built.wanted(place);
            let body = chosen.body(run, wanted, method.mixes())?;
            members.push((place, member(&stream_list[place], body)));
        }
        members.sort_by_key(|(place, _)| *place);
        let mut members: Vec<Member> = members.into_iter().map(|(_, member)| member).collect();
        for (place, member) in members.iter_mut().enumerate() {
            if let Body::Learner { network, .. } | Body::Still { network, .. } = &mut member.body {
                network.want(built.wanted(place));
            }
        }
        let names = losses::names(&stream_list, &built.ties);

        let sampler = settings.sampler().build_within(
            run.pictures.dataset(),
            &settings.domains,
            run.recipe.seed,
        )?;
        let live = members.iter().any(|member| match &member.body {
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
        let streams = Streams { members, vectors };
        let assembled = streams.assembled()?;
        let average = settings
            .ema
            .map(|ema| Average::new(ema, streams.student().parameters()))
            .transpose()?;
        let view = match (input, &views.teacher) {
            (StudentInput::Teacher, Some(teacher)) => at_test(&teacher.view),
            _ => at_test(&views.student),
        };
        Ok(Self {
            index,
            settings,
            streams,
            assembled,
            ties: std::mem::take(&mut built.ties),
            names,
            course,
            average,
            progress: Progress::default(),
            clock: Clock::start(),
            loader,
            views: shown,
            net: student_settings,
            teacher: teacher_digest,
            view,
            mixing: method.mixes().then_some(run.recipe.seed),
            steps,
            offset,
        })
    }
}

fn member(stream: &Stream, body: Body) -> Member {
    Member { name: stream.name.clone(), body, reads: stream.reads, on: stream.on }
}

/// The view of all teachers of a stage, that of one more included.
fn one_view(
    run: &Run<'_>,
    index: usize,
    name: &str,
    views: &Views,
    own: Option<&TeacherView>,
) -> Result<Option<TeacherView>, TrainError> {
    match (&views.teacher, own) {
        (Some(view), Some(own)) if view != own => {
            let problem = "sees pictures otherwise than the other teachers of the stage; a stage shows \
                           all of them one view";
            Err(refuse(run, index, &format!("teachers.{name}"), problem))
        }
        (None, own) => Ok(own.cloned()),
        (known, _) => Ok(known.clone()),
    }
}

/// The digest of the teachers of a stage: that of the only one, or of all in their order.
fn digest_of(frozen: &[(usize, Teacher)], only: Option<String>) -> Option<String> {
    let digests: Vec<String> = frozen.iter().filter_map(|(_, teacher)| teacher.digest()).collect();
    match digests.as_slice() {
        [] => only,
        [digest] => Some(digest.clone()),
        all => Some(blake3::hash(all.concat().as_bytes()).to_hex().to_string()),
    }
}

/// Name of the stream that is imitated.
const TEACHER: &str = "teacher";
/// Name of the stream that is kept.
const STUDENT: &str = "student";

fn refuse(run: &Run<'_>, index: usize, key: &str, problem: &str) -> TrainError {
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

fn net_of<'a>(
    stream: &Stream,
    settings: &'a Stage,
    student: &'a StudentSettings,
    teacher: Option<&'a TeacherSettings>,
) -> Option<&'a StudentSettings> {
    match stream.name.as_str() {
        STUDENT => Some(student),
        TEACHER => teacher.and_then(|teacher| teacher.net.as_ref()),
        other => settings.streams.get(other),
    }
}

/// A network that learns, with its first weights.
fn learner(
    run: &mut Run<'_>,
    index: usize,
    stream: &Stream,
    net: &StudentSettings,
    needs: Needs,
    views: &Views,
    vector: Option<usize>,
) -> Result<Network, TrainError> {
    let view = match (net.input, &views.teacher) {
        (StudentInput::Teacher, Some(teacher)) => &teacher.view,
        (StudentInput::Teacher, None) => {
            return Err(refuse(run, index, "views.teacher", "missing; the student reads it"));
        }
        _ => &views.student,
    };
    let (size, channels) = match (net.input, vector) {
        (StudentInput::Embedding, Some(length)) => (1, length),
        _ => (view.size.width, view.planes()),
    };
    if net.input != StudentInput::Embedding && view.size.width != view.size.height {
        let problem =
            format!("networks take squares, found {}x{}", view.size.width, view.size.height);
        return Err(refuse(run, index, "views", &problem));
    }
    let classes = run.pictures.dataset().classes().len();
    let options = NetOptions {
        size,
        channels,
        embedding: net.embedding,
        classes: net.classifier.unwrap_or(needs.logits).then_some(classes),
        settings: net.settings.clone(),
    };
    let graph = build(&net.net, &options)?;
    let name = format!("net/{}", stream.name);
    let mut network =
        Network::new(graph, find(&net.net)?.init(), run.recipe.seed, &name, &run.device)?;
    network.compute_in(run.recipe.precision)?;
    teacher::initialise(run, &stream.name, net, &mut network)?;
    Ok(network)
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
    let before =
        |place: usize| (place + 1 == streams.len()).then(|| place.checked_sub(1)).flatten();
    let contexts: Vec<Context<'_>> =
        (0..streams.len()).map(|place| context(place, before(place))).collect();
    let mut method = find_method(&settings.method)?.build(&settings.settings, &contexts)?;
    let place = |name: &str| streams.iter().position(|stream| stream.name == name);
    for extra in &settings.terms {
        let spec = find_term(&extra.kind)?;
        let learner = place(&extra.learner).unwrap_or(streams.len() - 1);
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
