//! Frozen teachers: where their outputs come from, and how they are kept.

mod cache;
mod compute;
mod model;
mod open;
mod outputs;
mod route;

pub use cache::TeacherCache;
pub(crate) use model::Model;
pub(crate) use open::{Teacher, initialise, open};
pub(crate) use outputs::Outputs;
pub(crate) use route::Route;
