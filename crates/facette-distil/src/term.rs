//! One loss.

use burn::tensor::{Device, Tensor};
use facette_graph::{Arrays, Graph, TensorSpec};
use facette_nets::{Init, Knowledge, Parameters, Wanted};

use crate::batch::Batch;
use crate::error::DistilError;
use crate::settings;
use crate::shapes::StreamShapes;

/// One loss between what a learning stream yields and, where the term has a target, what another
/// stream yields. Owns whatever it learns (regressors, heads, memory banks).
pub trait Term: Send {
    /// Name in logs and messages.
    fn name(&self) -> &str;

    /// Taps the term reads from the learner and from the target.
    fn wanted(&self) -> Wanted {
        Wanted::default()
    }

    /// Passes over the training set that the term asks for before the first step, in which
    /// [`Term::observe`] is called with every batch. A term restored from a checkpoint keeps what
    /// it gathered and needs none.
    fn passes(&self) -> usize {
        0
    }

    /// Sees what the target yields for a batch in a pass before the first step.
    ///
    /// # Errors
    /// If the target does not yield what is needed, or the device cannot be read.
    fn observe(&mut self, _target: &Knowledge, _batch: &Batch) -> Result<(), DistilError> {
        Ok(())
    }

    /// Called once after the last of the passes: time to draw conclusions from what was gathered. Yields remarks for
    /// whoever watches the run.
    ///
    /// # Errors
    /// If nothing was gathered, or the device cannot be read.
    fn conclude(&mut self) -> Result<Vec<String>, DistilError> {
        Ok(Vec::new())
    }

    /// The loss over the batch, a scalar `[1]` that carries gradient to `student` (and to the
    /// term's own parameters). `target` comes detached unless the method says otherwise. Asked
    /// twice it answers the same: what moves with the steps (memory banks, centres) moves in
    /// [`Term::after_step`], only batch statistics of the term's own layers are kept here.
    ///
    /// # Errors
    /// If the streams do not yield what [`TermSpec::needs`] asked for.
    fn loss(
        &mut self,
        student: &Knowledge,
        target: Option<&Knowledge>,
        batch: &Batch,
    ) -> Result<Tensor<1>, DistilError>;

    /// Called once after every optimiser step with what [`Term::loss`] was given, e.g. to move a
    /// memory bank.
    ///
    /// # Errors
    /// If the device cannot be read.
    fn after_step(
        &mut self,
        _student: &Knowledge,
        _target: Option<&Knowledge>,
        _batch: &Batch,
    ) -> Result<(), DistilError> {
        Ok(())
    }

    /// Whether what the term learned is kept beside the student when the stage ends, for a later
    /// stage that this student teaches ([`Context::left`]).
    fn is_kept(&self) -> bool {
        false
    }

    /// Everything the term owns that a checkpoint must hold: learned tensors and buffers (of
    /// kind `RunningMean`), under names unique within the term.
    fn parameters_mut(&mut self) -> Vec<&mut Parameters> {
        Vec::new()
    }
}

/// What a term or method asks of the streams and the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs {
    /// Class scores of both streams.
    pub logits: bool,
    /// Stage maps of both streams.
    pub stages: bool,
    /// Embeddings of both streams.
    pub embedding: bool,
    /// Labels.
    pub labels: bool,
    /// A teacher.
    pub teacher: bool,
    /// A memory over the whole training set.
    pub memory: bool,
    /// The way the teacher came: students its run kept.
    pub route: bool,
    /// Domains in the data, by the names in the setting `domains`.
    pub domains: bool,
    /// As the teacher, the picture itself in the teacher's view.
    pub picture: bool,
}

impl Needs {
    /// What either of two askers needs.
    pub fn or(self, other: Self) -> Self {
        Self {
            logits: self.logits || other.logits,
            stages: self.stages || other.stages,
            embedding: self.embedding || other.embedding,
            labels: self.labels || other.labels,
            teacher: self.teacher || other.teacher,
            memory: self.memory || other.memory,
            route: self.route || other.route,
            domains: self.domains || other.domains,
            picture: self.picture || other.picture,
        }
    }
}

/// A part of the identities whose pictures come from a camera of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    /// Its name.
    pub name: String,
    /// Classes that have pictures in it, ascending.
    pub classes: Vec<usize>,
}

/// What a term is built for.
#[derive(Debug, Clone)]
pub struct Context<'a> {
    /// The learner.
    pub student: &'a StreamShapes,
    /// The target, where there is one.
    pub target: Option<&'a StreamShapes>,
    /// What terms left beside the stream's network when it was trained ([`Term::is_kept`]), by
    /// `<term>.<tensor>`; only of finished teachers that were trained here.
    pub left: Option<&'a Arrays>,
    /// The learner's network, for terms that train copies of its last stages.
    pub network: Option<&'a Graph>,
    /// Classes in the training data; `None` without labels.
    pub classes: Option<usize>,
    /// Domains of the training data; empty where it has none.
    pub domains: &'a [Domain],
    /// Pictures in the training set.
    pub pictures: usize,
    /// Where the streams live (autodiff enabled).
    pub device: &'a Device,
    /// Name of the learner, as in [`crate::Stream::name`].
    pub stream: &'a str,
    /// Seed of the run; a term draws from the random streams `term/<stream>/<term>/...`.
    pub seed: u64,
}

impl Context<'_> {
    /// The target's shapes.
    ///
    /// # Errors
    /// If the learner has no target.
    pub fn target(&self, owner: &str) -> Result<&StreamShapes, DistilError> {
        self.target.ok_or_else(|| DistilError::Need {
            owner: owner.to_owned(),
            need: "a teacher".into(),
            found: format!("stream {:?} has none", self.stream),
            remedy: "name a teacher in the recipe, or choose a method without one".into(),
        })
    }

    /// Classes in the training data.
    ///
    /// # Errors
    /// If the data has no labels.
    pub fn classes(&self, owner: &str) -> Result<usize, DistilError> {
        self.classes.filter(|&classes| classes > 0).ok_or_else(|| DistilError::Need {
            owner: owner.to_owned(),
            need: "labels".into(),
            found: "training data without labels".into(),
            remedy: "use labelled data, or set the weight of this term to 0".into(),
        })
    }

    /// Places of the domains called `names`.
    ///
    /// # Errors
    /// If the data has none of one of these names.
    pub fn domains(&self, owner: &str, names: &[String]) -> Result<Vec<usize>, DistilError> {
        let place = |name: &String| {
            let found = self.domains.iter().position(|domain| domain.name == *name);
            found.ok_or_else(|| DistilError::Need {
                owner: owner.to_owned(),
                need: format!("a domain {name:?} in the training data"),
                found: match self.domains {
                    [] => "no domains".into(),
                    all => all.iter().map(|d| d.name.as_str()).collect::<Vec<_>>().join(", "),
                },
                remedy: "add [[data.domain]] with that name, or name others in the setting \
                         `domains`"
                    .into(),
            })
        };
        names.iter().map(place).collect()
    }

    /// Refuses streams that do not score the same classes.
    ///
    /// # Errors
    /// If either scores none, or they score different numbers.
    pub fn equal_classes(&self, owner: &str) -> Result<usize, DistilError> {
        let target = self.target(owner)?.classes;
        let found = match (self.student.classes, target) {
            (Some(s), Some(t)) if s == t => return Ok(s),
            (Some(s), Some(t)) => format!("{:?} scores {s} classes, its teacher {t}", self.stream),
            (None, _) => format!("the network of {:?} has no classifier", self.stream),
            (_, None) => "the teacher yields only embeddings".to_owned(),
        };
        Err(DistilError::Need {
            owner: owner.to_owned(),
            need: "scores of the same classes from student and teacher".into(),
            found,
            remedy: "give both networks a classifier of the same classes, or choose a method that \
                     compares embeddings"
                .into(),
        })
    }

    /// Fresh parameters of the term `owner`, drawn from the random streams
    /// `term/<stream>/<owner>/<tensor>`.
    pub fn parameters(&self, owner: &str, specs: Vec<TensorSpec>, init: Init) -> Parameters {
        let name = format!("term/{}/{owner}", self.stream);
        Parameters::fresh(specs, init, self.seed, &name, self.device)
    }
}

/// A kind of term: its name in recipes, its documentation, its settings.
pub trait TermSpec: Sync {
    /// Name in recipes, e.g. `kd`.
    fn id(&self) -> &'static str;
    /// One line: what it compares.
    fn about(&self) -> &'static str;
    /// Paper and equation, or reference code.
    fn source(&self) -> &'static str;
    /// What it asks of streams and data.
    fn needs(&self) -> Needs;
    /// Its settings with the published defaults.
    fn defaults(&self) -> toml::Table;
    /// The settings in full: `given` over the defaults.
    ///
    /// # Errors
    /// If a setting is unknown; terms that can tell without knowing the streams also refuse
    /// impossible ones.
    fn effective(&self, given: &toml::Table) -> Result<toml::Table, DistilError> {
        settings::over(self.id(), &self.defaults(), given)
    }
    /// Whether it scores classes from the embedding, so that recipes may name it as a head.
    fn is_head(&self) -> bool {
        false
    }
    /// Builds the term. `settings` may leave out keys; unknown keys are refused.
    ///
    /// # Errors
    /// If a setting is unknown or impossible, or the streams lack what the term needs.
    fn build(
        &self,
        settings: &toml::Table,
        context: &Context<'_>,
    ) -> Result<Box<dyn Term>, DistilError>;
}
