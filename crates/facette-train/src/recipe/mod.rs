//! What a run is: data, views, networks and stages, as a TOML file says it.

mod check;
mod parse;
pub(crate) mod reader;
mod schedule;
mod stage;

use std::path::PathBuf;

use facette_data::{Domain, LoaderSettings, Preparation, Selection, Source, Split, Views};
use facette_nets::Precision;
use serde::{Deserialize, Serialize};

pub(crate) use parse::{refused, table};
pub use schedule::{Course, Pace, Per, Schedule, WarmUp};
pub use stage::{ExtraTerm, Stage};

/// A recipe: everything that decides what a run yields, save the pictures themselves.
///
/// Paths are relative to the data root (pictures, teachers, pair lists); an absolute path is
/// refused, so that a recipe means the same on every machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Name of the experiment; of the run folder where none is given.
    pub name: String,
    /// One line: what it shows.
    #[serde(default)]
    pub about: String,
    /// Seed of every random stream, at most 2^63 - 1.
    #[serde(default = "one")]
    pub seed: u64,
    /// Threads of the computation; all cores where not given. The same seed and threads give the
    /// same bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<usize>,
    /// What the networks that learn compute their products in: `f32`, or `bf16` for operands of
    /// convolutions and linear layers rounded to bfloat16. Weights, sums and judging are `f32`, and so
    /// are the modules that a method adds. Written out where it is not `f32`, so that older recipes
    /// keep their digest.
    #[serde(default, skip_serializing_if = "Precision::is_f32")]
    pub precision: Precision,
    /// Steps between two rows of the metrics.
    #[serde(default = "fifty")]
    pub log_every: u64,
    /// When checkpoints are written, besides at the end of every epoch.
    #[serde(default)]
    pub checkpoint: CheckpointSettings,
    /// Terms under which the student may be used, for its card.
    #[serde(default = "terms")]
    pub terms: String,
    /// What the faces in the pictures are aligned to, for the student's card: `arcface-112`, or
    /// `none` for pictures that are taken whole.
    #[serde(default = "none")]
    pub template: String,
    /// Training pictures.
    pub data: DataSettings,
    /// What teacher and student see of them.
    pub views: Views,
    /// The network that is imitated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub teacher: Option<TeacherSettings>,
    /// The network that is trained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub student: Option<StudentSettings>,
    /// How the student is judged while it learns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<ValidationSettings>,
    /// Stages in order.
    #[serde(rename = "stage")]
    pub stages: Vec<Stage>,
}

fn one() -> u64 {
    1
}
fn fifty() -> u64 {
    50
}
fn terms() -> String {
    "not stated; those of the training pictures and of the teacher apply".to_owned()
}
fn none() -> String {
    "none".to_owned()
}

/// When checkpoints are written, besides at the end of every epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CheckpointSettings {
    /// Minutes between two.
    pub minutes: f64,
    /// Steps between two, where given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// Epochs between two students that are kept for good, as `epochs/<epoch>.safetensors`; none where not given. A teacher
    /// of kind `route` is made of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub students: Option<usize>,
}

impl Default for CheckpointSettings {
    fn default() -> Self {
        Self { minutes: 2.0, steps: None, students: None }
    }
}

/// Where training pictures come from, and how they are made ready.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSettings {
    /// Sources; their identities are kept apart and their pictures joined. Paths are relative to
    /// the data root.
    pub sources: Vec<Source>,
    /// Which part of them is used.
    #[serde(default)]
    pub select: Selection,
    /// Which identities are held out for validation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<Split>,
    /// Parts of the remaining identities whose pictures come from cameras of their own.
    #[serde(default, rename = "domain", skip_serializing_if = "Vec::is_empty")]
    pub domains: Vec<Domain>,
    /// When pictures are decoded and how many bad ones are tolerated. A `folder` is relative to
    /// the cache folder.
    #[serde(default)]
    pub cache: Preparation,
    /// Threads that prepare batches ahead of the step.
    #[serde(default)]
    pub loader: LoaderSettings,
}

/// What a teacher is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TeacherKind {
    /// An ONNX model, at `path` under the data root.
    Onnx,
    /// A run folder of facette (its best student), at `path` under the runs root.
    Run,
    /// The students that a run of facette kept (`checkpoint.students`), one after the other; its folder is at `path` under
    /// the runs root.
    Route,
    /// A student file of facette, at `path` under the data root.
    File,
    /// Bare weights (safetensors, named as in PyTorch), at `path` under the data root, of the network that `net`
    /// names. Unlike an ONNX model it yields stage maps, and lets gradient through.
    Weights,
    /// Features computed elsewhere, which stand beside the pictures: a column of the source, or
    /// the features file that it names.
    Features,
    /// The student of an earlier stage, named by `path`.
    Stage,
    /// A network that learns in the stage; `net` names it.
    Net,
    /// No network: the picture itself in the teacher's view, as a vector.
    Picture,
}

/// The network that is imitated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TeacherSettings {
    /// What it is.
    pub kind: TeacherKind,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// Output of an ONNX model that holds the embedding; where not given, the only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// Architecture and settings of a teacher that learns, or of which only weights are there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub net: Option<StudentSettings>,
    /// Whether the embedding is the normalised sum of the normalised embeddings of the picture
    /// and of its mirror image.
    #[serde(default)]
    pub flip: bool,
    /// Whether outputs are computed once and kept on disk. Where not given: yes if the teacher's
    /// view is clean and nothing but embeddings and logits is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<bool>,
    /// Of a route, every how many of the kept students teach, counted back from the last; 1 where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<usize>,
    /// Of a route, for how many epochs of the stage each of them teaches, the last for all that remain; 1 where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<usize>,
    /// Pictures the teacher sees at once when the cache is filled.
    #[serde(default = "sixty_four")]
    pub batch: usize,
}

fn sixty_four() -> usize {
    64
}

/// A network that is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudentSettings {
    /// Name in the registry of networks.
    pub net: String,
    /// Length of the embedding, where it is not the network's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedding: Option<usize>,
    /// Whether it scores the classes of the data. Where not given: if the method needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classifier: Option<bool>,
    /// What it is shown.
    #[serde(default)]
    pub input: StudentInput,
    /// A student file under the data root whose weights it starts from; tensors of the same name
    /// and shape are taken over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init: Option<PathBuf>,
    /// Name of an earlier stage whose student it starts from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init_stage: Option<String>,
    /// Settings of that network.
    #[serde(default)]
    pub settings: toml::Table,
}

/// What a student is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StudentInput {
    /// The student's view of the picture.
    #[default]
    Student,
    /// The teacher's view of the picture.
    Teacher,
    /// The teacher's embedding, as a vector.
    Embedding,
}

/// How the student is judged while it learns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ValidationSettings {
    /// Name of the protocol.
    pub protocol: String,
    /// Epochs between two judgements; the last epoch is always judged.
    #[serde(default = "one_epoch")]
    pub every: usize,
    /// Judgements without a new best score after which the stage ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patience: Option<usize>,
    /// Settings of the protocol.
    #[serde(flatten)]
    pub settings: toml::Table,
}

fn one_epoch() -> usize {
    1
}
