//! `facette list`: what there is to choose from.

use clap::{Args, ValueEnum};
use facette_distil::{Kind, METHODS, Needs, TERMS};
use facette_nets::{NETS, NetOptions};
use serde_json::{Map, Value, json};

use crate::exit::Outcome;
use crate::output::print;
use crate::table::Rows;

/// Lists networks, methods, terms, data sets, degradations or protocols
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  facette list nets
  facette list methods
  facette list terms --json        settings with their defaults and sources, too")]
pub(crate) struct List {
    /// What to list
    what: What,
    /// As a JSON list
    #[arg(long)]
    json: bool,
    /// As the table that stands in docs/
    #[arg(long, hide = true, conflicts_with = "json")]
    markdown: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum What {
    /// Architectures of students and teachers
    Nets,
    /// Distillation methods
    Methods,
    /// Losses, margin heads included
    Terms,
    /// Kinds of sources of pictures
    Datasets,
    /// What can be done to a picture
    Degradations,
    /// Ways of judging a model
    Protocols,
}

impl List {
    /// Prints the list.
    pub(crate) fn run(self) -> anyhow::Result<Outcome> {
        let entries = match self.what {
            What::Nets => nets()?,
            What::Methods => methods(),
            What::Terms => terms(),
            What::Datasets => datasets(),
            What::Degradations => degradations(),
            What::Protocols => protocols(),
        };
        let text = match (self.json, self.markdown) {
            (true, _) => serde_json::to_string_pretty(&json_list(&entries))? + "\n",
            (_, true) => rows(&entries, &[]).to_markdown(),
            _ => rows(&entries, DETAILS).to_text(),
        };
        print(&text)?;
        Ok(Outcome::Yes)
    }
}

/// What is said about one thing: keys in the order of the columns. All entries of a list have the
/// same keys.
type Entry = Vec<(&'static str, Value)>;

fn json_list(entries: &[Entry]) -> Value {
    let pair = |(key, value): &(&str, Value)| (key.to_string(), value.clone());
    entries.iter().map(|entry| Value::Object(entry.iter().map(pair).collect())).collect()
}

/// Columns for which a terminal has no room; `--json` and the docs have them.
const DETAILS: &[&str] = &["settings", "layout"];

fn rows(entries: &[Entry], left_out: &[&str]) -> Rows {
    let shown = |(key, _): &&(&str, Value)| !left_out.contains(key);
    let mut rows = Rows::new(entries.iter().take(1).flatten().filter(shown).map(|(key, _)| *key));
    for entry in entries {
        rows.push(entry.iter().filter(shown).map(|(_, value)| cell(value)));
    }
    rows
}

fn cell(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(cell).collect::<Vec<_>>().join(", "),
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| format!("{key} = {}", cell(value)))
            .collect::<Vec<_>>()
            .join(", "),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    }
}

fn nets() -> anyhow::Result<Vec<Entry>> {
    NETS.iter()
        .map(|net| {
            let size = net.native_size();
            let counts = facette_nets::build(net.id(), &NetOptions::new(size))?.counts()?;
            Ok(vec![
                ("name", json!(net.id())),
                ("size", json!(size)),
                ("parameters", json!(counts.parameters)),
                ("macs", json!(counts.macs)),
                ("about", json!(net.about())),
                ("source", json!(net.source())),
            ])
        })
        .collect()
}

fn methods() -> Vec<Entry> {
    let kind = |kind| match kind {
        Kind::Offline => "offline",
        Kind::Online => "online",
        Kind::Evolving => "evolving",
    };
    METHODS
        .iter()
        .map(|method| {
            vec![
                ("name", json!(method.id())),
                ("kind", json!(kind(method.kind()))),
                ("needs", json!(needs(method.needs()))),
                ("about", json!(method.about())),
                ("settings", json!(method.defaults())),
                ("source", json!(method.source())),
            ]
        })
        .collect()
}

fn terms() -> Vec<Entry> {
    TERMS
        .iter()
        .map(|term| {
            vec![
                ("name", json!(term.id())),
                ("head", json!(if term.is_head() { "yes" } else { "no" })),
                ("needs", json!(needs(term.needs()))),
                ("about", json!(term.about())),
                ("settings", json!(term.defaults())),
                ("source", json!(term.source())),
            ]
        })
        .collect()
}

fn needs(needs: Needs) -> Vec<&'static str> {
    let Needs { logits, stages, embedding, labels, teacher, memory, route, domains, picture } =
        needs;
    [
        (teacher, "teacher"),
        (labels, "labels"),
        (logits, "logits"),
        (stages, "stages"),
        (embedding, "embedding"),
        (memory, "memory"),
        (route, "route"),
        (domains, "domains"),
        (picture, "picture"),
    ]
    .into_iter()
    .filter_map(|(needed, name)| needed.then_some(name))
    .collect()
}

fn datasets() -> Vec<Entry> {
    facette_data::DATASETS
        .iter()
        .map(|dataset| {
            let settings: Map<String, Value> = dataset
                .settings()
                .iter()
                .map(|setting| (setting.key.to_owned(), setting.about.into()))
                .collect();
            vec![
                ("name", json!(dataset.id())),
                ("about", json!(dataset.about())),
                ("layout", json!(dataset.layout())),
                ("settings", json!(settings)),
            ]
        })
        .collect()
}

fn degradations() -> Vec<Entry> {
    facette_image::degrade::DEGRADATIONS
        .iter()
        .map(|degradation| {
            vec![
                ("name", json!(degradation.name())),
                ("about", json!(degradation.summary())),
                ("example", json!(degradation.example())),
            ]
        })
        .collect()
}

fn protocols() -> Vec<Entry> {
    facette_eval::protocols::PROTOCOLS
        .iter()
        .map(|protocol| vec![("name", json!(protocol.name())), ("about", json!(protocol.about()))])
        .collect()
}
