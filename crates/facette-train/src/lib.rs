//! From a recipe to a trained student: stages, loop, schedules, checkpoints, run record.

mod artefact;
mod checkpoint;
mod error;
mod fit;
mod losses;
mod observer;
mod optimise;
mod pictures;
mod progress;
mod recipe;
mod record;
mod run;
mod session;
mod stage;
mod streams;
mod student;
mod sweep;
mod teacher;
mod threads;
mod validator;

pub use error::TrainError;
pub use observer::{Event, Observer, Unobserved};
pub use optimise::{Average, AverageSettings, Gradient, Memory, Optimiser, OptimiserSettings};
pub use pictures::Pictures;
pub use recipe::{
    CheckpointSettings, Course, DataSettings, ExtraTerm, Pace, Per, Recipe, Schedule, Stage,
    StudentInput, StudentSettings, TeacherKind, TeacherSettings, ValidationSettings, WarmUp,
};
pub use record::{Machine, Row, RunRecord, StepRow, Timing, ValidationRow};
pub use run::Paths;
pub use session::{Options, Outcome, train};
pub use sweep::{PlannedRun, ResultRecord, Sweep, SweepRun};
pub use teacher::TeacherCache;
pub use threads::fix as fix_threads;
pub use validator::{Judgement, Validator};
