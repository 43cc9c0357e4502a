//! Judgements as tables.

use crate::judgement::{Classification, Identification, Verification};
use crate::table::{Align, Table};
use crate::{Judgement, Outcome};

/// One table per protocol, in the order of first mention: the protocol's name and its table. Used by
/// the report and by terminals alike.
pub fn result_tables(judgements: &[Judgement]) -> Vec<(String, Table)> {
    let mut protocols: Vec<&str> = Vec::new();
    for judgement in judgements {
        if !protocols.contains(&judgement.protocol.as_str()) {
            protocols.push(&judgement.protocol);
        }
    }
    let of = |protocol: &str| -> Vec<&Judgement> {
        judgements.iter().filter(|j| j.protocol == protocol).collect()
    };
    protocols.into_iter().map(|name| (name.to_string(), table(&of(name)))).collect()
}

fn table(judgements: &[&Judgement]) -> Table {
    let rows: Vec<Vec<(String, String)>> = judgements.iter().map(|j| row(j)).collect();
    // Judgements of one protocol may report different rates: columns in order of first mention.
    let mut titles: Vec<&String> = Vec::new();
    for (title, _) in rows.iter().flatten() {
        if !titles.contains(&title) {
            titles.push(title);
        }
    }
    let align = |title: &str| if title == "Model" { Align::Left } else { Align::Right };
    let mut table = Table::new(titles.iter().map(|t| (t.as_str(), align(t))));
    for row in &rows {
        let cell = |title: &&String| {
            row.iter().find(|(known, _)| known == *title).map_or(String::new(), |c| c.1.clone())
        };
        table.push(titles.iter().map(cell));
    }
    table
}

fn row(judgement: &Judgement) -> Vec<(String, String)> {
    let model = &judgement.model;
    let mut cells = vec![
        ("Model".to_string(), model.name.clone()),
        ("Params".into(), model.parameters.map_or("–".into(), count)),
    ];
    cells.extend(match &judgement.outcome {
        Outcome::Verification(outcome) => verification(outcome),
        Outcome::Identification(outcome) => identification(outcome),
        Outcome::Classification(outcome) => classification(outcome),
    });
    cells
}

fn verification(v: &Verification) -> Vec<(String, String)> {
    let mut cells = vec![
        ("Size".to_string(), sides(v.sizes)),
        ("Flip".into(), v.flip_rule.clone()),
        (
            "Accuracy".into(),
            format!("{:.2} ± {:.2}%", 100.0 * v.scores.accuracy, 100.0 * v.scores.accuracy_std),
        ),
        ("AUC".into(), format!("{:.4}", v.scores.auc)),
        ("EER".into(), percent(v.scores.eer)),
    ];
    let tar = v.scores.tar_at_far.0.iter();
    cells.extend(tar.map(|(far, tar)| (format!("TAR@{far}"), percent(*tar))));
    cells
}

fn identification(i: &Identification) -> Vec<(String, String)> {
    let mut cells = vec![("Size".to_string(), sides(i.sizes))];
    cells.extend(i.rank.0.iter().map(|(k, share)| (format!("Rank-{k}"), percent(*share))));
    for (rate, open) in i.tpir_at_fpir.iter().flat_map(|rates| &rates.0) {
        let ranks = open.rank.0.first().into_iter();
        cells.extend(ranks.map(|(k, share)| (format!("TPIR{k}@{rate}"), percent(*share))));
    }
    cells.push(("Gallery".into(), i.gallery.to_string()));
    cells.push(("Probes".into(), i.probes.to_string()));
    cells
}

fn classification(c: &Classification) -> Vec<(String, String)> {
    vec![
        ("Size".into(), c.size.to_string()),
        ("Top-1".into(), percent(c.top1)),
        ("Top-5".into(), percent(c.top5)),
        ("NLL".into(), format!("{:.3}", c.nll)),
        ("ECE".into(), format!("{:.3}", c.ece)),
        ("Pictures".into(), c.pictures.to_string()),
    ]
}

fn sides([first, second]: [usize; 2]) -> String {
    if first == second { first.to_string() } else { format!("{first}-{second}") }
}

fn percent(rate: f64) -> String {
    format!("{:.2}%", 100.0 * rate)
}

/// `0.194 M` for 193,824, `35.3 k` for 35,304.
fn count(parameters: u64) -> String {
    match parameters {
        0..1_000 => parameters.to_string(),
        1_000..100_000 => format!("{:.1} k", parameters as f64 / 1e3),
        _ => format!("{:.3} M", parameters as f64 / 1e6),
    }
}
