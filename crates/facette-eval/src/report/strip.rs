//! Rows of pictures: both views of a picture side by side, pairs with verdicts.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use facette_image::Picture;

use super::escape;
use crate::EvalError;

/// How a tile is marked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Verdict {
    /// Not at all.
    #[default]
    None,
    /// The model was right.
    Right,
    /// The model was wrong.
    Wrong,
}

/// One picture with a word beneath it.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The picture; small ones are enlarged with hard edges.
    pub picture: Picture,
    /// What it is: `teacher, 112 px`.
    pub label: String,
}

/// Pictures that belong together.
#[derive(Debug, Clone, Default)]
pub struct Tile {
    /// The pictures, side by side.
    pub pictures: Vec<Shown>,
    /// A line beneath them, such as a distance.
    pub text: String,
    /// Right, wrong or neither.
    pub verdict: Verdict,
}

/// Tiles under a heading.
#[derive(Debug, Clone, Default)]
pub struct Strip {
    /// The heading.
    pub title: String,
    /// What is to be seen.
    pub caption: String,
    /// The tiles.
    pub tiles: Vec<Tile>,
}

impl Strip {
    pub(super) fn html(&self) -> Result<String, EvalError> {
        let tiles: Result<String, EvalError> = self.tiles.iter().map(tile).collect();
        Ok(format!(
            "<section><h2>{}</h2><p>{}</p><div class=\"strip\">{}</div></section>",
            escape(&self.title),
            escape(&self.caption),
            tiles?
        ))
    }
}

fn tile(tile: &Tile) -> Result<String, EvalError> {
    let pictures: Result<String, EvalError> = tile.pictures.iter().map(shown).collect();
    // Colour alone would not reach every reader: the word stands beside it.
    let (class, word) = match tile.verdict {
        Verdict::None => ("", ""),
        Verdict::Right => (" right", "✓ right"),
        Verdict::Wrong => (" wrong", "✗ wrong"),
    };
    let verdict = if word.is_empty() { String::new() } else { format!("<strong>{word}</strong> ") };
    Ok(format!(
        "<div class=\"tile{class}\"><div class=\"views\">{}</div><p>{verdict}{}</p></div>",
        pictures?,
        escape(&tile.text)
    ))
}

fn shown(shown: &Shown) -> Result<String, EvalError> {
    let png = BASE64_STANDARD.encode(shown.picture.to_png()?);
    let label = escape(&shown.label);
    Ok(format!(
        "<figure><img src=\"data:image/png;base64,{png}\" alt=\"{label}\">\
         <figcaption>{label}</figcaption></figure>"
    ))
}
