//! Small tables: as text for a terminal, as HTML for a report.

use crate::report::escape;

/// To which side a column is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// Columns with titles, and rows of as many cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

/// Space between two columns.
const GAP: usize = 2;
/// No column is made narrower than this.
const NARROWEST: usize = 6;

impl Table {
    /// A table without rows.
    pub fn new<T: Into<String>>(columns: impl IntoIterator<Item = (T, Align)>) -> Self {
        let columns = columns.into_iter().map(|(title, align)| (title.into(), align)).collect();
        Self { columns, rows: Vec::new() }
    }

    /// Adds a row; missing cells are empty, superfluous ones are dropped.
    pub fn push(&mut self, cells: impl IntoIterator<Item = String>) {
        let mut row: Vec<String> = cells.into_iter().take(self.columns.len()).collect();
        row.resize(self.columns.len(), String::new());
        self.rows.push(row);
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Lines of text of at most `width` characters, the first being the titles, the second a rule.
    /// Where they would be longer, the columns of words are cut, the widest first; numbers never
    /// are, and a table that is too wide by its numbers alone stays so.
    pub fn text(&self, width: usize) -> String {
        let widths = self.fitted(width);
        let line = |cells: &mut dyn Iterator<Item = &String>| -> String {
            let set = cells.zip(&widths).zip(&self.columns).map(|((cell, &width), (_, align))| {
                let cell = cut(cell, width);
                let padding = " ".repeat(width - cell.chars().count());
                match align {
                    Align::Left => cell + &padding,
                    Align::Right => padding + &cell,
                }
            });
            set.collect::<Vec<_>>().join(&" ".repeat(GAP)).trim_end().to_string()
        };
        let mut lines = vec![line(&mut self.columns.iter().map(|column| &column.0))];
        let rule = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
        lines.push("─".repeat(rule));
        lines.extend(self.rows.iter().map(|row| line(&mut row.iter())));
        lines.join("\n") + "\n"
    }

    /// A `<table>` element.
    pub fn html(&self) -> String {
        let cell = |tag: &str, text: &str, align: Align| {
            let class = if align == Align::Right { " class=\"number\"" } else { "" };
            format!("<{tag}{class}>{}</{tag}>", escape(text))
        };
        let row = |tag: &str, cells: &mut dyn Iterator<Item = &String>| -> String {
            let cells = cells.zip(&self.columns).map(|(text, column)| cell(tag, text, column.1));
            format!("<tr>{}</tr>", cells.collect::<String>())
        };
        let head = row("th", &mut self.columns.iter().map(|column| &column.0));
        let body: String = self.rows.iter().map(|cells| row("td", &mut cells.iter())).collect();
        format!("<table><thead>{head}</thead><tbody>{body}</tbody></table>")
    }

    fn fitted(&self, width: usize) -> Vec<usize> {
        let longest = |i: usize| {
            let cells = self.rows.iter().map(|row| row[i].chars().count());
            cells.fold(self.columns[i].0.chars().count(), usize::max)
        };
        let mut widths: Vec<usize> = (0..self.columns.len()).map(longest).collect();
        let gaps = GAP * widths.len().saturating_sub(1);
        while widths.iter().sum::<usize>() + gaps > width {
            let words = (0..widths.len()).filter(|&i| self.columns[i].1 == Align::Left);
            match words.max_by_key(|&i| widths[i]) {
                Some(widest) if widths[widest] > NARROWEST => widths[widest] -= 1,
                _ => break,
            }
        }
        widths
    }
}

fn cut(cell: &str, width: usize) -> String {
    match cell.chars().count() > width {
        true => cell.chars().take(width - 1).chain(['…']).collect(),
        false => cell.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new([("Model", Align::Left), ("Accuracy", Align::Right)]);
        table.push(["student".into(), "90.5".into()]);
        table.push(["a teacher with a very long name".into()]);
        table
    }

    #[test]
    fn text_is_aligned_and_fits() {
        let wide = table().text(100);
        let lines: Vec<&str> = wide.lines().collect();
        assert_eq!(lines[0], "Model                            Accuracy");
        assert_eq!(lines[2], "student                              90.5");
        assert_eq!(lines[3], "a teacher with a very long name");
        let narrow = table().text(24);
        assert!(narrow.lines().all(|line| line.chars().count() <= 24), "{narrow}");
        assert!(narrow.contains("a teacher wit…"), "{narrow}");
        assert!(table().text(3).contains("Accuracy"));
    }

    #[test]
    fn html_escapes_cells() {
        let mut table = Table::new([("<b>", Align::Right)]);
        table.push(["a & b".into()]);
        assert_eq!(
            table.html(),
            "<table><thead><tr><th class=\"number\">&lt;b&gt;</th></tr></thead>\
             <tbody><tr><td class=\"number\">a &amp; b</td></tr></tbody></table>"
        );
    }
}
