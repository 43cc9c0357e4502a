//! Which streams exist, which learn, and which terms tie them together.

use facette_nets::Wanted;

use crate::error::DistilError;
use crate::term::{Context, Needs, Term};

/// When the teacher learns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The teacher is finished before the student starts, or there is none.
    Offline,
    /// Peers learn from each other; there is no teacher.
    Online,
    /// Teacher and student learn together.
    Evolving,
}

/// One network in a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// `student`, `teacher`, `peer-1`, ...; the name recipes supply a network under.
    pub name: String,
    /// Whether the stage changes its weights.
    pub learns: bool,
    /// Place of the stream whose embedding, a picture, it reads; else it reads a view.
    pub reads: Option<usize>,
    /// Place of the stream whose knowledge, without gradient to it, is added to its own.
    pub on: Option<usize>,
    /// Place of the finished stream before it whose network it is, too, and which it looks with at what
    /// another stream paints; gradient goes through it to that one.
    pub same: Option<usize>,
}

/// A term between two streams.
pub struct Tie {
    /// Stream that receives the gradient, or lets it through; place in [`Method::streams`].
    pub learner: usize,
    /// Stream that is imitated, if the term has a target.
    pub target: Option<usize>,
    /// Factor of the loss.
    pub weight: f64,
    /// Whether gradient is stopped at the target.
    pub detach_target: bool,
    /// The loss.
    pub term: Box<dyn Term>,
}

/// Streams and the ties between them. Streams step in their order; a learning stream's loss is
/// the weighted sum of the ties it is the learner of. The student that is kept is the last stream that
/// learns, with the streams that it reads and that it is added to: one network.
pub struct Method {
    /// Streams in the order in which they step; the last one that learns is the student.
    pub streams: Vec<Stream>,
    /// The terms.
    pub ties: Vec<Tie>,
}

impl Method {
    /// What forward passes of stream `index` must keep for the ties that read it.
    pub fn wanted(&self, index: usize) -> Wanted {
        let reads = |tie: &&Tie| tie.learner == index || tie.target == Some(index);
        let own = self.ties.iter().filter(reads).map(|tie| tie.term.wanted());
        let sums = (0..self.streams.len()).filter(|&other| self.streams[other].on == Some(index));
        own.chain(sums.map(|other| self.wanted(other))).fold(Wanted::default(), Wanted::or)
    }
}

impl Stream {
    /// The student, which learns.
    pub fn student() -> Self {
        Self::named("student", true)
    }

    /// A finished teacher.
    pub fn teacher() -> Self {
        Self::named("teacher", false)
    }

    /// A stream that reads a view.
    pub fn named(name: impl Into<String>, learns: bool) -> Self {
        Self { name: name.into(), learns, reads: None, on: None, same: None }
    }

    /// The same, reading what stream `front` yields.
    pub fn reading(mut self, front: usize) -> Self {
        self.reads = Some(front);
        self
    }

    /// What the finished stream `other` makes of what stream `painter` paints.
    pub fn looking(name: impl Into<String>, other: usize, painter: usize) -> Self {
        Self { same: Some(other), ..Self::named(name, false).reading(painter) }
    }

    /// The same, its knowledge added to that of stream `base`.
    pub fn added_to(mut self, base: usize) -> Self {
        self.on = Some(base);
        self
    }
}

/// Place of the student: of the last stream that learns.
///
/// # Panics
/// If no stream learns, which is so in no method.
pub fn student_place(streams: &[Stream]) -> usize {
    streams.iter().rposition(|stream| stream.learns).expect("the student of every method learns")
}

/// Places of the streams that the student is made of, in their order: its own, those it reads, and
/// those it is added to.
pub fn student_parts(streams: &[Stream]) -> Vec<usize> {
    let mut needed = vec![false; streams.len()];
    needed[student_place(streams)] = true;
    for place in (0..streams.len()).rev() {
        if needed[place] {
            let Stream { reads, on, .. } = &streams[place];
            reads.iter().chain(on).for_each(|&other| needed[other] = true);
        }
    }
    (0..needed.len()).filter(|&place| needed[place]).collect()
}

/// A method: its name in recipes, its documentation, its settings.
pub trait MethodSpec: Sync {
    /// Name in recipes, e.g. `bridge`.
    fn id(&self) -> &'static str;
    /// One line: what the student learns from.
    fn about(&self) -> &'static str;
    /// Paper, or reference code.
    fn source(&self) -> &'static str;
    /// When the teacher learns.
    fn kind(&self) -> Kind;
    /// What it asks of streams and data.
    fn needs(&self) -> Needs;
    /// Whether the student is shown virtual pictures ([`crate::Mix`]) instead of pictures, and the teacher first the
    /// pictures and then, in as many rows more, the virtual ones.
    fn mixes(&self) -> bool {
        false
    }
    /// Its settings with the published defaults.
    fn defaults(&self) -> toml::Table;
    /// The settings in full: `settings` over the defaults, those of the terms it names included.
    ///
    /// # Errors
    /// If a setting is unknown or impossible.
    fn effective(&self, settings: &toml::Table) -> Result<toml::Table, DistilError>;
    /// Streams of the method under these settings, the student the last that learns.
    ///
    /// # Errors
    /// If a setting is unknown or impossible.
    fn streams(&self, settings: &toml::Table) -> Result<Vec<Stream>, DistilError>;
    /// Builds the ties. `contexts[i]` describes stream `i` as a learner; its `target` is the
    /// stream before it for the student, and `None` for all others.
    ///
    /// # Errors
    /// If a setting is unknown or impossible, or the streams lack what the method needs.
    fn build(
        &self,
        settings: &toml::Table,
        contexts: &[Context<'_>],
    ) -> Result<Method, DistilError>;
}

/// The contexts of a method's streams.
///
/// # Errors
/// If there are not as many as the method has streams.
pub(crate) fn contexts<'a, 'b, const N: usize>(
    owner: &str,
    contexts: &'a [Context<'b>],
) -> Result<&'a [Context<'b>; N], DistilError> {
    contexts.try_into().map_err(|_| missing_streams(owner, N, contexts.len()))
}

/// Not as many streams were described as the method has.
pub(crate) fn missing_streams(owner: &str, needed: usize, described: usize) -> DistilError {
    DistilError::Need {
        owner: owner.to_owned(),
        need: format!("{needed} streams"),
        found: format!("{described} described"),
        remedy: "describe every stream that the method names".into(),
    }
}
