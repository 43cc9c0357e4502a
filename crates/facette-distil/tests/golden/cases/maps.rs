//! `at`, `sp`, `nst`, `fsp`, `ab`: maps compared stage by stage, without anything learned.

use burn::tensor::Tensor;
use facette_distil::terms::ab::boundary;
use facette_distil::terms::at::{Difference, at as attention};
use facette_nets::Knowledge;

use super::Found;
use crate::case::Case;
use crate::through::{Through, maps};

/// How many levels the case has.
fn levels(case: &Case) -> usize {
    (0..).take_while(|i| case.has(&format!("in/student_{i}"))).count()
}

fn student(case: &Case, level: usize) -> Tensor<4> {
    case.input(&format!("student_{level}"))
}

fn teacher(case: &Case, level: usize) -> Tensor<4> {
    case.constant(&format!("in/teacher_{level}"))
}

/// The term over these levels.
fn through(case: &Case, id: &str, settings: &str, levels: &[usize]) -> Found {
    let own: Knowledge = maps(levels.iter().map(|&i| student(case, i)).collect());
    let target = maps(levels.iter().map(|&i| teacher(case, i)).collect());
    Found::Loss(Through::new(case, id, settings, own, Some(target), None).loss(&[]))
}

/// The level an output such as `level_1` or `td_l2` speaks of.
fn level(output: &str, prefix: &str) -> Option<usize> {
    output.strip_prefix(prefix)?.parse().ok()
}

/// KD-Zoo's eps of 1e-6 in the norm is not offered.
pub(crate) fn at(case: &Case, output: &str) -> Option<Found> {
    let all: Vec<usize> = (0..levels(case)).collect();
    if output == "loss" {
        return Some(through(case, "at", "", &all));
    }
    if let Some(level) = level(output, "level_").or_else(|| level(output, "td_code_l")) {
        return Some(through(case, "at", "", &[level]));
    }
    let level = level(output, "td_paper_l")?;
    let loss = attention(student(case, level), teacher(case, level), Difference::Norm);
    Some(Found::Loss(loss))
}

pub(crate) fn nst(case: &Case, output: &str) -> Option<Found> {
    let all: Vec<usize> = (0..levels(case)).collect();
    if output == "loss" {
        return Some(through(case, "nst", "", &all));
    }
    let level = level(output, "level_").or_else(|| level(output, "kdzoo_l"))?;
    Some(through(case, "nst", "", &[level]))
}

/// torchdistill's maximum pooling is not offered.
pub(crate) fn fsp(case: &Case, output: &str) -> Option<Found> {
    let all: Vec<usize> = (0..levels(case)).collect();
    if output == "loss" {
        return Some(through(case, "fsp", "", &all));
    }
    let first = match output {
        "kdzoo_01" => 0,
        pair => level(pair, "pair_")?,
    };
    Some(through(case, "fsp", "", &[first, first + 1]))
}

pub(crate) fn sp(case: &Case, output: &str) -> Option<Found> {
    let settings = match output {
        "loss" | "kdzoo" => "",
        "td" => "rows = 'l1'",
        _ => return None,
    };
    let own = maps(vec![case.input("student")]);
    let target = maps(vec![case.constant("in/teacher")]);
    Some(Found::Loss(Through::new(case, "sp", settings, own, Some(target), None).loss(&[])))
}

pub(crate) fn ab(case: &Case, output: &str) -> Option<Found> {
    let margin = case.hyper("margin");
    let count = levels(case);
    let all: Vec<usize> = (0..count).collect();
    let settings = format!("margin = {margin:?}");
    if output == "loss" {
        return Some(through(case, "ab", &settings, &all));
    }
    if let Some(level) = level(output, "level_") {
        // Alone a level has full weight; the deeper levels halve it once each.
        let Found::Loss(loss) = through(case, "ab", &settings, &[level]) else { return None };
        return Some(Found::Loss(loss.mul_scalar(0.5f64.powi((count - 1 - level) as i32))));
    }
    let (place, by_value) = match (level(output, "td_l"), level(output, "kdzoo_l")) {
        (Some(place), _) => (place, false),
        (_, Some(place)) => (place, true),
        _ => return None,
    };
    let map = student(case, place);
    let [n, c, h, w] = map.dims();
    let count = if by_value { n * c * h * w } else { n };
    let sum = boundary(map, teacher(case, place), margin);
    Some(Found::Loss(sum.div_scalar(count as f64)))
}
