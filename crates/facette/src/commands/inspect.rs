//! `facette inspect`: what a file is, and how it wants to be used.

use clap::Args;
use serde_json::Value;

use crate::exit::Outcome;
use crate::model::{self, Precision, Preprocessing};
use crate::output::print;
use crate::table::Rows;

/// Says what a student file, run folder or ONNX file is, and how it wants to be used
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  facette inspect facette-16
  facette inspect runs/mine --json
  facette inspect teacher.onnx")]
pub(crate) struct Inspect {
    /// A student file, a run folder, an ONNX file, or a model that facette brings along
    file: String,
    #[command(flatten)]
    preprocessing: Preprocessing,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl Inspect {
    /// Prints what the file says.
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        let facts =
            model::open(Some(&self.file), None, &self.preprocessing, Precision::Auto)?.facts()?;
        let text = match self.json {
            true => serde_json::to_string_pretty(&facts)? + "\n",
            false => {
                let mut rows = Rows::new(["field", "value"]);
                flat("", &facts, &mut rows);
                rows.to_text()
            }
        };
        print(&text)?;
        Ok(Outcome::Yes)
    }
}

/// One row for each value, named by its path; lists of numbers stay together.
fn flat(path: &str, value: &Value, rows: &mut Rows) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| flat(&below(key), value, rows)),
        Value::Array(values) if values.iter().any(Value::is_object) => {
            values
                .iter()
                .enumerate()
                .for_each(|(i, value)| flat(&below(&i.to_string()), value, rows));
        }
        Value::Array(values) => {
            let words: Vec<String> = values.iter().map(Value::to_string).collect();
            rows.push([path.to_owned(), words.join(" ")]);
        }
        Value::String(text) if !text.is_empty() => rows.push([path, text]),
        Value::String(_) | Value::Null => rows.push([path, "-"]),
        other => rows.push([path.to_owned(), other.to_string()]),
    }
}
