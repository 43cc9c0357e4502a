//! What a data set holds, in numbers and in pictures for people to look at.

mod overview;
mod sheets;

pub use overview::{Overview, Spread};
pub use sheets::views_sheet;
