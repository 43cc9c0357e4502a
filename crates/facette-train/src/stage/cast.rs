//! Who takes part in a stage: networks that learn, finished ones beside them, and teachers.

use std::collections::BTreeMap;

use facette_data::{TeacherView, Views};
use facette_distil::{Method, Needs, Stream, StreamShapes, student_parts, student_place};
use facette_graph::{Arrays, Graph};
use facette_nets::{NetOptions, Network, build, find};

use super::build::refuse;
use crate::error::TrainError;
use crate::optimise::Optimiser;
use crate::recipe::{Stage, StudentInput, StudentSettings, TeacherSettings};
use crate::run::Run;
use crate::streams::{Body, Member, Streams};
use crate::teacher::{self, Outputs, Teacher};

/// Name of the stream that is imitated.
const TEACHER: &str = "teacher";
/// Name of the stream that is kept.
const STUDENT: &str = "student";

/// The streams of a stage, before it is known what terms read of them.
pub(super) struct Cast {
    streams: Vec<Stream>,
    /// Networks of the student's kind, by place.
    networks: BTreeMap<usize, Body>,
    /// Finished teachers, by place.
    teachers: BTreeMap<usize, Teacher>,
    /// The teacher's embeddings, where the student reads them.
    vectors: Option<Outputs>,
    /// What streams are shown.
    pub(super) views: Views,
    /// Digest of the teachers.
    pub(super) digest: Option<String>,
}

impl Cast {
    /// The streams of stage `index`, whose method asks `needs` of networks.
    ///
    /// # Errors
    /// Whatever does not fit: teachers, networks and views.
    pub(super) fn new(
        run: &mut Run<'_>,
        index: usize,
        settings: &Stage,
        streams: Vec<Stream>,
        student: &StudentSettings,
        needs: Needs,
    ) -> Result<Self, TrainError> {
        let views = settings.views.as_ref().unwrap_or(&run.recipe.views).clone();
        let chosen = settings.teacher.as_ref().or(run.recipe.teacher.as_ref()).cloned();
        let finished = |stream: &Stream| stream.name == TEACHER && !stream.learns;
        let needed = student.input == StudentInput::Embedding || streams.iter().any(finished);
        let mut teacher = match chosen.as_ref().filter(|_| needed) {
            Some(chosen) => Some(teacher::open(run, chosen, &views)?),
            None => None,
        };
        let digest = teacher.as_ref().and_then(Teacher::digest);
        let (networks, teachers) = (BTreeMap::new(), BTreeMap::new());
        let mut cast = Self { streams, networks, teachers, vectors: None, views, digest };
        if let Some(view) = teacher.as_ref().and_then(Teacher::view) {
            cast.views.teacher = Some(view.clone());
        }
        if student.input == StudentInput::Embedding {
            let chosen = teacher.as_ref().ok_or_else(|| {
                refuse(run, index, "student.input", "needs a teacher whose embeddings it reads")
            })?;
            cast.vectors = Some(chosen.outputs(run)?);
        }
        let parts = student_parts(&cast.streams);
        for (place, stream) in cast.streams.clone().iter().enumerate() {
            let other = settings.teachers.get(&stream.name);
            if finished(stream) {
                cast.teachers.extend(teacher.take().map(|teacher| (place, teacher)));
            } else if let Some(same) = stream.same {
                let network = cast.look(run, index, same)?;
                let input = student.input;
                cast.networks.insert(place, Body::Still { network: Box::new(network), input });
            } else if let Some(other) = other.filter(|_| parts.contains(&place)) {
                let view = stream.reads.is_none().then_some(&cast.views.student);
                let network = Box::new(teacher::part(run, other, view)?);
                let input = StudentInput::Student;
                cast.networks.insert(place, Body::Still { network, input });
            } else if let Some(other) = other {
                let other = teacher::open(run, other, &cast.views)?;
                cast.views.teacher = one_view(run, index, &stream.name, &cast.views, other.view())?;
                cast.teachers.insert(place, other);
            } else {
                let net = net_of(stream, settings, student, chosen.as_ref()).ok_or_else(|| {
                    let problem =
                        format!("method {:?} trains it: name its network", settings.method);
                    refuse(run, index, &stream.name, &problem)
                })?;
                let network = cast.network(run, index, stream, net, needs)?;
                let input = net.input;
                let body = match stream.learns {
                    true => {
                        let decays = settings.decay_norms_and_biases;
                        let optimiser = Optimiser::new(&settings.optimiser, decays);
                        Body::Learner { network: Box::new(network), input, optimiser }
                    }
                    false => Body::Still { network: Box::new(network.frozen()), input },
                };
                cast.networks.insert(place, body);
            }
        }
        let digests: Vec<String> = cast.teachers.values().filter_map(Teacher::digest).collect();
        match digests.as_slice() {
            [] => {}
            [only] => cast.digest = Some(only.clone()),
            all => cast.digest = Some(blake3::hash(all.concat().as_bytes()).to_hex().to_string()),
        }
        Ok(cast)
    }

    /// The network of the finished stream at `place`, which lets gradient through.
    fn look(&self, run: &Run<'_>, index: usize, place: usize) -> Result<Network, TrainError> {
        let own = match self.networks.get(&place) {
            Some(Body::Still { network, .. }) => Some(&**network),
            _ => None,
        };
        let teacher = self.teachers.get(&place).and_then(Teacher::network);
        let network = own.or(teacher).ok_or_else(|| {
            let key = format!("teachers.{}", self.streams[place].name);
            refuse(
                run,
                index,
                &key,
                "gradient goes through it, which no ONNX model and no vectors let: name a student \
                 file, a run or a stage",
            )
        })?;
        Ok(network.passing(&run.device))
    }

    /// A network of the student's kind, with its first weights.
    fn network(
        &self,
        run: &mut Run<'_>,
        index: usize,
        stream: &Stream,
        net: &StudentSettings,
        needs: Needs,
    ) -> Result<Network, TrainError> {
        let view = match (net.input, &self.views.teacher) {
            (StudentInput::Teacher, Some(teacher)) => &teacher.view,
            (StudentInput::Teacher, None) => {
                return Err(refuse(run, index, "views.teacher", "missing; the student reads it"));
            }
            _ => &self.views.student,
        };
        let (size, channels) = match (net.input, &self.vectors) {
            (StudentInput::Embedding, Some(vectors)) => (1, vectors.embedding()),
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

    /// What every stream yields, of a teacher what it could.
    ///
    /// # Errors
    /// If there is no teacher where one is imitated, a sum does not fit, or a network looks at
    /// pictures of another size than are painted.
    pub(super) fn shapes(
        &self,
        run: &Run<'_>,
        index: usize,
        method: &str,
    ) -> Result<Vec<StreamShapes>, TrainError> {
        let mut shapes: Vec<StreamShapes> = Vec::with_capacity(self.streams.len());
        for (place, stream) in self.streams.iter().enumerate() {
            let own = match (self.networks.get(&place), self.teachers.get(&place)) {
                (Some(body), _) => body.shapes()?,
                (None, Some(teacher)) => teacher.shapes(run)?,
                (None, None) => {
                    let problem = format!("method {method:?} imitates one: add [teacher]");
                    return Err(refuse(run, index, "teacher", &problem));
                }
            };
            if let (Some(painter), Some(Body::Still { network, .. })) =
                (stream.reads, self.networks.get(&place))
            {
                let (input, painted) = (network.graph().input, shapes[painter].embedding);
                if input.channels * input.height * input.width != painted {
                    let problem = format!(
                        "reads {}x{}x{} values, {:?} yields {painted}: give both one size",
                        input.channels, input.height, input.width, self.streams[painter].name
                    );
                    return Err(refuse(run, index, &stream.name, &problem));
                }
            }
            shapes.push(match stream.on {
                Some(base) => own.added_to(&stream.name, &shapes[base])?,
                None => own,
            });
        }
        Ok(shapes)
    }

    /// The networks that learn, by place.
    pub(super) fn graphs(&self) -> Vec<Option<&Graph>> {
        let graph = |place: usize| match self.networks.get(&place) {
            Some(Body::Learner { network, .. }) => Some(network.graph()),
            _ => None,
        };
        (0..self.streams.len()).map(graph).collect()
    }

    /// What terms left beside finished teachers, by place.
    pub(super) fn left(&self) -> Vec<Option<&Arrays>> {
        (0..self.streams.len()).map(|place| self.teachers.get(&place)?.left()).collect()
    }

    /// The streams as `method` reads them. `mixes`: whether teachers are shown virtual pictures.
    ///
    /// # Errors
    /// As [`Teacher::body`].
    pub(super) fn ready(
        self,
        run: &mut Run<'_>,
        method: &Method,
        mixes: bool,
    ) -> Result<Streams, TrainError> {
        let mut bodies = self.networks;
        for (place, teacher) in self.teachers {
            bodies.insert(place, teacher.body(run, method.wanted(place), mixes)?);
        }
        for (place, body) in &mut bodies {
            if let Body::Learner { network, .. } | Body::Still { network, .. } = body {
                network.want(method.wanted(*place));
            }
        }
        let (student, parts) = (student_place(&self.streams), student_parts(&self.streams));
        let members = self.streams.into_iter().zip(bodies.into_values());
        let members = members.map(|(stream, body)| Member { stream, body }).collect();
        Ok(Streams { members, student, parts, vectors: self.vectors })
    }
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
