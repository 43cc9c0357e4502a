//! The records of a sweep as a table: a row for each name, means over its seeds.

use facette_eval::Judgement;
use facette_eval::Outcome as Found;
use facette_train::{ResultRecord, Training};

use crate::console::duration;
use crate::table::Rows;

/// As aligned columns.
pub(crate) fn text(records: &[ResultRecord]) -> String {
    rows(records).to_text()
}

/// As a Markdown table.
pub(crate) fn markdown(records: &[ResultRecord]) -> String {
    rows(records).to_markdown()
}

fn rows(records: &[ResultRecord]) -> Rows {
    let mut names: Vec<&str> = Vec::new();
    let mut measures: Vec<String> = Vec::new();
    for record in records {
        if !names.contains(&record.name.as_str()) {
            names.push(&record.name);
        }
        for (measure, _) in measured(record) {
            if !measures.contains(&measure) {
                measures.push(measure);
            }
        }
    }
    let headings = ["run", "parameters", "seeds"].map(str::to_owned);
    let time = ["time of a run".to_owned()];
    let mut rows = Rows::new(headings.into_iter().chain(measures.iter().cloned()).chain(time));
    for name in names {
        let of: Vec<&ResultRecord> = records.iter().filter(|record| record.name == name).collect();
        let trained: Vec<&Training> = of.iter().filter_map(|row| row.training.as_ref()).collect();
        let seeds: Vec<String> = trained.iter().map(|run| run.seed.to_string()).collect();
        let seeds = if seeds.is_empty() { "-".to_owned() } else { seeds.join(", ") };
        let mut row = vec![name.to_owned(), of[0].parameters.to_string(), seeds];
        for measure in &measures {
            let values: Vec<f64> = of
                .iter()
                .flat_map(|record| measured(record))
                .filter(|(known, _)| known == measure)
                .map(|(_, value)| value)
                .collect();
            row.push(mean_and_spread(&values));
        }
        row.push(match trained.len() {
            0 => "-".to_owned(),
            runs => duration(trained.iter().map(|run| run.seconds).sum::<f64>() / runs as f64),
        });
        rows.push(row);
    }
    rows
}

/// The leading measures of each judgement, in percent, with the names of their columns.
fn measured(record: &ResultRecord) -> Vec<(String, f64)> {
    let judgements: Vec<Judgement> =
        serde_json::from_value(record.judgements.clone()).unwrap_or_default();
    let headings = record.headings.iter().cloned().chain(std::iter::repeat(None));
    judgements
        .iter()
        .zip(headings)
        .flat_map(|(judgement, heading)| measures(judgement, heading))
        .map(|(name, share)| (format!("{name} (%)"), 100.0 * share))
        .collect()
}

fn measures(judgement: &Judgement, heading: Option<String>) -> Vec<(String, f64)> {
    let protocol = &judgement.protocol;
    match &judgement.outcome {
        Found::Verification(found) => {
            let at = match found.sizes {
                [first, second] if first == second => second.to_string(),
                [first, second] => format!("{first}-{second}"),
            };
            let own = || format!("{protocol} at {at}, {} pairs", found.pairs);
            let name = heading.unwrap_or_else(own);
            let without = found.without_flip.as_ref();
            let without = without.map(|found| (format!("{name}, no flip"), found.accuracy));
            [(name, found.scores.accuracy)].into_iter().chain(without).collect()
        }
        Found::Identification(found) => {
            let name = heading.unwrap_or_else(|| format!("{protocol} at {}", found.size));
            let column = |(rank, share): &(String, f64)| (format!("{name}, rank {rank}"), *share);
            found.rank.0.iter().map(column).collect()
        }
        Found::Classification(found) => {
            let name = heading.unwrap_or_else(|| format!("{protocol} at {}", found.size));
            vec![(format!("{name}, top 1"), found.top1), (format!("{name}, top 5"), found.top5)]
        }
    }
}

/// `90.98`, or `90.98 ± 0.12` (sample standard deviation) of several seeds.
fn mean_and_spread(values: &[f64]) -> String {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    match values.len() {
        0 => "-".to_owned(),
        1 => format!("{mean:.2}"),
        _ => {
            let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
            format!("{mean:.2} ± {:.2}", (squares / (count - 1.0)).sqrt())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use facette_train::Machine;
    use serde_json::json;

    use super::*;

    fn record(name: &str, seed: Option<u64>, top1: f64) -> ResultRecord {
        ResultRecord {
            name: name.into(),
            training: seed.map(|seed| Training {
                recipe: PathBuf::from("recipes/a.toml"),
                overrides: Vec::new(),
                seed,
                threads: 2,
                seconds: 120.0,
            }),
            digest: String::new(),
            version: String::new(),
            date: String::new(),
            machine: Machine { cpu: String::new(), cores: 2 },
            parameters: 1000,
            headings: vec![Some("test".into())],
            judgements: json!([{
                "protocol": "classification", "pictures": 10, "classes": 2, "size": 16,
                "flip": false, "top1": top1, "top5": 1.0, "mean_class_accuracy": top1, "nll": 1.0,
                "ece": 0.0, "brier": 0.0, "left_out": { "pictures": 0, "samples": 0 },
                "model": { "name": "a", "digest": "", "parameters": 1000 },
            }]),
        }
    }

    #[test]
    fn seeds_become_a_mean_and_a_spread() {
        let records =
            [record("kd", Some(1), 0.5), record("kd", Some(2), 0.6), record("teacher", None, 0.75)];
        let table = markdown(&records);
        let expected = "\
| run | parameters | seeds | test, top 1 (%) | test, top 5 (%) | time of a run |
|---|---|---|---|---|---|
| kd | 1000 | 1, 2 | 55.00 ± 7.07 | 100.00 ± 0.00 | 2 min |
| teacher | 1000 | - | 75.00 | 100.00 | - |
";
        assert_eq!(table, expected);
    }
}
