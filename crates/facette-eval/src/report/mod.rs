//! One HTML page that shows what was judged: tables, figures, pictures, recipe, command, seed.

mod page;
mod results;
mod strip;

pub use page::Report;
pub use results::result_tables;
pub use strip::{Shown, Strip, Tile, Verdict};

/// `text` with the characters that HTML gives a meaning to replaced.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}
