//! Parts of HTML reports.

mod curves;
mod pairs;
mod views;

pub(crate) use curves::curves;
pub(crate) use pairs::hardest_pairs;
pub(crate) use views::both_views;
