//! Frozen teachers: where their outputs come from, and how they are kept.

mod cache;
mod compute;
mod model;
mod open;
mod outputs;
mod route;
mod start;

pub use cache::TeacherCache;
pub(crate) use model::Model;
pub(crate) use open::{Teacher, open};
pub(crate) use outputs::Outputs;
pub(crate) use route::Route;
pub(crate) use start::{initialise, part};
