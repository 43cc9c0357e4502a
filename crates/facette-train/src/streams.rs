//! The networks of a stage at work: forward passes, gradients and steps.

use burn::tensor::{Gradients, Tensor};
use facette_distil::{Stream, StreamShapes, Tie};
use facette_graph::{Arrays, Graph, Input, Part};
use facette_nets::{Knowledge, Mode, Network, Parameters};

use crate::error::TrainError;
use crate::optimise::{self, Gradient, Optimiser};
use crate::recipe::{Pace, StudentInput};
use crate::teacher::{Model, Outputs, Route};

/// What the streams of a stage are shown in one step.
pub(crate) struct Shown {
    /// Places of the pictures in the training set, `[n]`.
    pub(crate) indices: Vec<usize>,
    /// Epoch of the stage, from 0.
    pub(crate) epoch: usize,
    /// Student's view, `[n, c, h, w]`, where a stream reads it.
    pub(crate) student: Option<Tensor<4>>,
    /// Teacher's view, where a stream reads it.
    pub(crate) teacher: Option<Tensor<4>>,
}

/// What yields a stream's knowledge.
pub(crate) enum Body {
    /// A network that learns.
    Learner {
        /// The network.
        network: Box<Network>,
        /// What it is shown.
        input: StudentInput,
        /// How it steps.
        optimiser: Optimiser,
    },
    /// A finished teacher, run at every step.
    Live(Model),
    /// Finished teachers, run at every step, one after the other.
    Route(Box<Route>),
    /// Outputs of a finished teacher, computed before the first step.
    Known(Outputs),
    /// A finished network of the student's kind, run at every step.
    Still {
        /// The network: without autodiff, or with it where it lets gradient through to what it reads.
        network: Box<Network>,
        /// What it is shown.
        input: StudentInput,
    },
    /// The picture itself in the teacher's view, as vectors of this length.
    Picture(usize),
}

/// One stream.
pub(crate) struct Member {
    pub(crate) stream: Stream,
    pub(crate) body: Body,
}

/// The streams of a stage in the method's order.
pub(crate) struct Streams {
    pub(crate) members: Vec<Member>,
    /// Place of the student.
    pub(crate) student: usize,
    /// Places of the members that the student is made of, in their order.
    pub(crate) parts: Vec<usize>,
    /// The teacher's outputs as vectors, where a learner reads them instead of pictures.
    pub(crate) vectors: Option<Outputs>,
}

/// Gradients of one learning stream and their length.
pub(crate) struct Pull {
    gradients: Vec<Gradient>,
    length: f64,
}

impl Shown {
    /// What a finished teacher reads.
    fn to_teacher(&self) -> Tensor<4> {
        self.teacher.clone().expect("a stage loads every view that its streams read")
    }

    /// What a network with this input reads.
    fn to(&self, input: StudentInput, vectors: Option<&Outputs>, network: &Network) -> Tensor<4> {
        let x = match input {
            StudentInput::Student => self.student.clone(),
            StudentInput::Teacher => self.teacher.clone(),
            StudentInput::Embedding => {
                vectors.map(|known| known.vectors(&self.indices, network.device()))
            }
        };
        x.expect("a stage loads every view that its streams read")
    }
}

impl Body {
    /// What a finished teacher makes of the pictures.
    fn finished(&self, shown: &Shown) -> Result<Knowledge, TrainError> {
        match self {
            Self::Learner { .. } | Self::Still { .. } => {
                unreachable!("networks of the student's kind know what they read themselves")
            }
            Self::Picture(length) => {
                let x = shown.to_teacher();
                let rows = x.dims()[0];
                Ok(Knowledge::from_embedding(x.reshape([rows, *length])))
            }
            Self::Live(model) => model.knowledge(shown.to_teacher()),
            Self::Route(route) => route.model().knowledge(shown.to_teacher()),
            Self::Known(outputs) => Ok(outputs.knowledge(&shown.indices)),
        }
    }

    /// The shapes of what the stream yields.
    pub(crate) fn shapes(&self) -> Result<StreamShapes, TrainError> {
        let vectors = |embedding, classes| {
            let shapes = StreamShapes::embedding_only(embedding);
            StreamShapes { classes, ..shapes }
        };
        Ok(match self {
            Self::Learner { network, .. } | Self::Still { network, .. } => {
                StreamShapes::of(network.graph())?
            }
            Self::Picture(length) => StreamShapes::embedding_only(*length),
            Self::Live(Model::Network(network)) => StreamShapes::of(network.graph())?,
            Self::Route(route) => route.model().shapes()?,
            Self::Live(model) => vectors(model.embedding(), model.classes()),
            Self::Known(outputs) => vectors(outputs.embedding(), outputs.classes()),
        })
    }
}

impl Streams {
    /// What every stream makes of the pictures in training, in their order.
    ///
    /// # Errors
    /// If a teacher fails.
    pub(crate) fn forward(&mut self, shown: &Shown) -> Result<Vec<Knowledge>, TrainError> {
        let vectors = self.vectors.as_ref();
        let mut all: Vec<Knowledge> = Vec::with_capacity(self.members.len());
        for member in &mut self.members {
            let painted = member.stream.reads.map(|front| &all[front]);
            let own = match &mut member.body {
                Body::Learner { network, input, .. } => {
                    let x = read_by(network, *input, painted, shown, vectors);
                    network.forward(x, Mode::Train)
                }
                Body::Still { network, input } => {
                    network.infer(read_by(network, *input, painted, shown, vectors))
                }
                Body::Route(route) => {
                    route.go_to(shown.epoch)?;
                    route.model().knowledge(shown.to_teacher())?
                }
                body => body.finished(shown)?,
            };
            all.push(match member.stream.on {
                Some(base) => own.added_to(all[base].clone()),
                None => own,
            });
        }
        Ok(all)
    }

    /// What stream `index` makes of the pictures in evaluation.
    ///
    /// # Errors
    /// If a teacher fails.
    pub(crate) fn at_rest(&self, index: usize, shown: &Shown) -> Result<Knowledge, TrainError> {
        let member = &self.members[index];
        let painted = member.stream.reads.map(|front| self.at_rest(front, shown)).transpose()?;
        let own = match &member.body {
            Body::Learner { network, input, .. } | Body::Still { network, input } => {
                let vectors = self.vectors.as_ref();
                let x = read_by(network, *input, painted.as_ref(), shown, vectors);
                network.infer(x).detach()
            }
            body => body.finished(shown)?,
        };
        Ok(match member.stream.on {
            Some(base) => own.added_to(self.at_rest(base, shown)?),
            None => own,
        })
    }

    /// The network of a member that is part of the student.
    fn part(&self, place: usize) -> &Network {
        match &self.members[place].body {
            Body::Learner { network, .. } | Body::Still { network, .. } => network,
            _ => unreachable!("methods make students of networks of the student's kind"),
        }
    }

    /// The network that the student is, all its parts together; `None` where it has one alone.
    ///
    /// # Errors
    /// If the parts do not fit.
    pub(crate) fn assembled(&self) -> Result<Option<Graph>, TrainError> {
        let parts = &self.parts;
        if parts.len() == 1 {
            return Ok(None);
        }
        let placed = |wanted: Option<usize>| {
            wanted.and_then(|wanted| parts.iter().position(|&place| place == wanted))
        };
        let part = |&place: &usize| {
            let Stream { name, reads, on, .. } = &self.members[place].stream;
            let graph = self.part(place).graph();
            Part { name, graph, reads: placed(*reads), on: placed(*on) }
        };
        Ok(Some(Graph::assembled(&parts.iter().map(part).collect::<Vec<_>>())?))
    }

    /// The student as `graph` with the weights of all its parts, its own taken from `student`.
    ///
    /// # Errors
    /// If the device cannot be read.
    pub(crate) fn together(&self, graph: &Graph, student: &Network) -> Result<Network, TrainError> {
        let mut arrays = Arrays::new();
        for &place in &self.parts {
            let network = if place == self.student { student } else { self.part(place) };
            let name = &self.members[place].stream.name;
            let own = network.arrays()?.into_iter();
            arrays.extend(own.map(|(path, array)| (format!("{name}.{path}"), array)));
        }
        Ok(Network::of_arrays(graph.clone(), &arrays, &student.device().clone().inner())?)
    }

    /// The gradients of every stream; empty for those that do not learn.
    ///
    /// # Errors
    /// If the device cannot be read.
    pub(crate) fn pulls(
        &mut self,
        ties: &mut [Tie],
        mut gradients: Gradients,
    ) -> Result<Vec<Pull>, TrainError> {
        let mut pulls = Vec::with_capacity(self.members.len());
        for (index, member) in self.members.iter_mut().enumerate() {
            let mut groups = groups(index, member, ties);
            let gradients = optimise::collect(&mut groups, &mut gradients)?;
            let length = optimise::norm(&gradients);
            pulls.push(Pull { gradients, length });
        }
        Ok(pulls)
    }

    /// Steps every learning stream, in their order.
    ///
    /// # Errors
    /// If the device cannot be read.
    pub(crate) fn step(
        &mut self,
        ties: &mut [Tie],
        pulls: &[Pull],
        pace: Pace,
        clip: Option<f64>,
    ) -> Result<(), TrainError> {
        for (index, (member, pull)) in self.members.iter_mut().zip(pulls).enumerate() {
            let Body::Learner { network, optimiser, .. } = &mut member.body else { continue };
            let mut groups = vec![network.parameters_mut()];
            groups.extend(of_terms(index, ties));
            let scale = optimise::clip(pull.length, clip);
            optimiser.step(&mut groups, &pull.gradients, pace, scale)?;
        }
        Ok(())
    }

    /// The student.
    pub(crate) fn student(&self) -> &Network {
        match &self.members[self.student].body {
            Body::Learner { network, .. } => network,
            _ => unreachable!("the student is a stream that learns"),
        }
    }
}

/// What a network of the student's kind reads, on the network's side of autodiff: what another member
/// painted, or what it is shown.
fn read_by(
    network: &Network,
    input: StudentInput,
    painted: Option<&Knowledge>,
    shown: &Shown,
    vectors: Option<&Outputs>,
) -> Tensor<4> {
    let x = match painted {
        None => shown.to(input, vectors, network),
        Some(knowledge) => {
            let Input { channels, height, width } = network.graph().input;
            let picture = knowledge.embedding.clone();
            let rows = picture.dims()[0];
            picture.reshape([rows, channels, height, width])
        }
    };
    match (network.device().is_autodiff(), x.is_autodiff()) {
        (true, false) => Tensor::from_inner(x),
        (false, true) => x.inner(),
        _ => x,
    }
}

/// Length of all gradients together.
pub(crate) fn length(pulls: &[Pull]) -> f64 {
    pulls.iter().map(|pull| pull.length.powi(2)).sum::<f64>().sqrt()
}

/// Everything that stream `index` learns: its network, and what its terms own.
fn groups<'a>(
    index: usize,
    member: &'a mut Member,
    ties: &'a mut [Tie],
) -> Vec<&'a mut Parameters> {
    let Body::Learner { network, .. } = &mut member.body else { return Vec::new() };
    let mut groups = vec![network.parameters_mut()];
    groups.extend(of_terms(index, ties));
    groups
}

fn of_terms(index: usize, ties: &mut [Tie]) -> impl Iterator<Item = &mut Parameters> {
    ties.iter_mut()
        .filter(move |tie| tie.learner == index)
        .flat_map(|tie| tie.term.parameters_mut())
}
