//! Recipes from end to end.

mod methods;
mod refusals;
mod resume;
mod support;
mod sweep;
mod teachers;
mod train;
