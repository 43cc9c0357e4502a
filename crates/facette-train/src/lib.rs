//! From a recipe to a trained student: stages, loop, schedules, checkpoints, run record.
//!
//! A [`Recipe`] says everything that decides what a run yields, and [`train`] carries it out:
//!
//! ```
//! let text = r#"
//!     name = "small-faces"
//!     [data]
//!     sources = [{ kind = "folder", path = "faces/train" }]
//!     [views.student]
//!     size = 16
//!     jitter = { scale = [0.9, 1.0], flip = 0.5 }
//!     [views.teacher.view]
//!     size = 112
//!     [teacher]
//!     kind = "onnx"
//!     path = "teacher.onnx"
//!     flip = true
//!     [student]
//!     net = "facette"
//!     [[stage]]
//!     method = "feature"
//!     epochs = 20
//!     lr = 4e-3
//!     optimiser = { kind = "adamw", weight_decay = 0.05 }
//!     schedule = { kind = "one-cycle", pct_start = 0.15 }
//! "#;
//! let recipe = facette_train::Recipe::parse("faces.toml", text, &["seed=7".into()])?;
//! assert_eq!(recipe.seed, 7);
//! println!("{}", recipe.to_toml()); // with every default
//! # Ok::<(), facette_train::TrainError>(())
//! ```
//!
//! The loop itself is one function, `fit`, and knows no method's name: methods and terms come from
//! [`facette_distil`], networks from [`facette_nets`], two-view batches from [`facette_data`].
//! Whatever is random is a function of the recipe's seed and a name; nothing that the clock
//! enters is written beside what must be the same in every run.

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
pub use sweep::{Planned, ResultRecord, Sweep, SweepModel, SweepRun, Training, Work};
pub use teacher::TeacherCache;
pub use threads::fix as fix_threads;
pub use validator::{Judgement, Validator};
