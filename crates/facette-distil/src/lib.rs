//! Knowledge, the terms that compare it, the heads, and the methods that tie them together.
//!
//! A [`Term`] is one loss; a [`Method`] says which streams exist, which of them learn, and which
//! terms tie them together. Nothing here knows files, pictures or the command line.
//!
//! A new term is its own file in [`terms`] or [`heads`] and a line in [`TERMS`]; a new method its
//! own file in [`methods`] and a line in [`METHODS`].

mod batch;
pub mod branches;
pub mod divergence;
mod domain_term;
mod eigen;
mod error;
mod guided;
pub mod heads;
pub mod huber;
mod knowledge;
mod map_network;
mod method;
pub mod methods;
mod mix;
pub mod normalise;
mod pairing;
pub mod pairs;
pub mod pooling;
mod projection;
mod registry;
pub mod selection;
mod settings;
mod shapes;
mod term;
pub mod terms;
#[cfg(test)]
mod testing;
mod weighted;

pub use batch::Batch;
pub use error::DistilError;
pub use method::{Kind, Method, MethodSpec, Stream, Tie, student_parts, student_place};
pub use methods::METHODS;
pub use mix::Mix;
pub use registry::{find_head, find_method, find_term};
pub use shapes::StreamShapes;
pub use term::{Context, Domain, Needs, Term, TermSpec};
pub use terms::TERMS;
