//! The page.

use std::path::Path;

use super::{Strip, escape, result_tables};
use crate::atomic::write_atomically;
use crate::figures::Figure;
use crate::{EvalError, Judgement};

/// Everything that a page shows; empty parts are left out.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Title and first heading.
    pub title: String,
    /// Paragraphs under the title.
    pub lead: Vec<String>,
    /// The results, which become one table per protocol.
    pub judgements: Vec<Judgement>,
    /// Figures, in order.
    pub figures: Vec<Figure>,
    /// Rows of pictures, in order.
    pub strips: Vec<Strip>,
    /// The effective recipe.
    pub recipe: String,
    /// The command that made all this.
    pub command: String,
    /// Its seed.
    pub seed: Option<u64>,
    /// What a reader must know: terms, caveats.
    pub notes: Vec<String>,
}

const STYLE: &str = include_str!("page.css");

impl Report {
    /// The page: one HTML document that refers to nothing outside itself.
    ///
    /// # Errors
    /// [`EvalError::Image`] if a picture cannot be encoded.
    pub fn html(&self) -> Result<String, EvalError> {
        let mut body = format!("<header><h1>{}</h1>{}</header>", escape(&self.title), {
            paragraphs(&self.lead)
        });
        body += &self.results();
        if !self.figures.is_empty() {
            body += &format!("<section><h2>Figures</h2>{}</section>", self.figures());
        }
        for strip in &self.strips {
            body += &strip.html()?;
        }
        body += &self.origin();
        if !self.notes.is_empty() {
            let notes = paragraphs(&self.notes);
            body += &format!("<section class=\"notes\"><h2>Notes</h2>{notes}</section>");
        }
        Ok(format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <meta name=\"color-scheme\" content=\"light dark\">\
             <title>{}</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>\n",
            escape(&self.title)
        ))
    }

    /// Writes the page to `path`, whole or not at all.
    ///
    /// # Errors
    /// As [`html`](Self::html), and [`EvalError::Io`].
    pub fn write(&self, path: &Path) -> Result<(), EvalError> {
        write_atomically(path, self.html()?.as_bytes())
    }

    fn results(&self) -> String {
        let section = |(protocol, table): (String, crate::table::Table)| {
            format!(
                "<section><h2>Results: {}</h2><div class=\"wide\">{}</div></section>",
                escape(&protocol),
                table.html()
            )
        };
        result_tables(&self.judgements).into_iter().map(section).collect()
    }

    fn figures(&self) -> String {
        let figure = |figure: &Figure| {
            format!(
                "<figure class=\"plot\" id=\"{}\">{}<figcaption>{}</figcaption></figure>",
                escape(&figure.name),
                figure.svg,
                escape(&figure.caption)
            )
        };
        self.figures.iter().map(figure).collect()
    }

    /// How to make it again.
    fn origin(&self) -> String {
        let mut parts = String::new();
        if !self.command.is_empty() {
            parts += &format!("<pre><code>{}</code></pre>", escape(&self.command));
        }
        if let Some(seed) = self.seed {
            parts += &format!("<p>Seed {seed}.</p>");
        }
        if !self.recipe.is_empty() {
            parts += &format!(
                "<details><summary>Recipe</summary><pre><code>{}</code></pre></details>",
                escape(&self.recipe)
            );
        }
        match parts.is_empty() {
            true => parts,
            false => format!("<section><h2>How to make it again</h2>{parts}</section>"),
        }
    }
}

fn paragraphs(texts: &[String]) -> String {
    texts.iter().map(|text| format!("<p>{}</p>", escape(text))).collect()
}
