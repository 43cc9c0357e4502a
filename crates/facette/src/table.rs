//! Tables for people (at most 100 columns) and for Markdown.

use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};

/// Widest line of a table, in columns.
const WIDTH: u16 = 100;

/// Rows under headings.
pub(crate) struct Rows {
    headings: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Rows {
    /// No rows yet.
    pub(crate) fn new<H: Into<String>>(headings: impl IntoIterator<Item = H>) -> Self {
        Self { headings: headings.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    /// Adds a row; it has as many cells as there are headings.
    pub(crate) fn push<C: Into<String>>(&mut self, cells: impl IntoIterator<Item = C>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// As aligned columns; long cells are wrapped, but for those of the first column.
    pub(crate) fn to_text(&self) -> String {
        let mut table = Table::new();
        table
            .load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(WIDTH)
            .set_header(&self.headings)
            .add_rows(&self.rows);
        if let Some(first) = table.column_mut(0) {
            first.set_padding((0, 1)).set_constraint(ColumnConstraint::ContentWidth);
        }
        let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
        lines.join("\n") + "\n"
    }

    /// As a Markdown table; nothing is wrapped.
    pub(crate) fn to_markdown(&self) -> String {
        let line = |cells: &[String]| {
            let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        let rule = vec!["---".to_owned(); self.headings.len()];
        let mut text = line(&self.headings) + &format!("|{}|\n", rule.join("|"));
        self.rows.iter().for_each(|row| text.push_str(&line(row)));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Rows {
        let mut rows = Rows::new(["name", "about"]);
        rows.push(["kd", "a|b"]);
        rows.push(["feature", &"long words ".repeat(30)]);
        rows
    }

    #[test]
    fn text_keeps_to_a_hundred_columns() {
        let text = rows().to_text();
        assert!(text.lines().all(|line| line.len() <= 100), "{text}");
        assert!(text.starts_with("name    "), "{text}");
        assert_eq!(text.matches("long words").count(), 30);
    }

    #[test]
    fn markdown_escapes_bars() {
        assert!(rows().to_markdown().starts_with("| name | about |\n|---|---|\n| kd | a\\|b |\n"));
    }
}
