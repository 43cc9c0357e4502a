//! Knowledge, the terms that compare it, the heads, and the methods that tie them together.
//!
//! A [`Term`] is one loss; a [`Method`] says which streams exist, which of them learn, and which
//! terms tie them together. Nothing here knows files, pictures or the command line.

mod batch;
mod error;
mod method;
mod shapes;
mod term;

pub use batch::Batch;
pub use error::DistilError;
pub use method::{Kind, Method, MethodSpec, Stream, Tie};
pub use shapes::StreamShapes;
pub use term::{Context, Needs, Term, TermSpec};
