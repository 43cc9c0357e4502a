//! Scores of same and different pairs.

use plotters::prelude::*;

use super::canvas::{
    Entry, GRID, Head, INK, MUTED, Mark, PALETTE, TEXT, TICK, figure, local, percent, px,
    shortened, stroke, text,
};
use super::{Exhibit, Figure, FigureSpec, verifications};
use crate::EvalError;

/// Scores of the two kinds of pairs.
#[derive(Debug, Clone, Default)]
pub struct PairScores {
    /// What the figure is called.
    pub title: String,
    /// What a score measures, for the axis.
    pub axis: String,
    /// Scores of pairs of one person.
    pub same: Vec<f64>,
    /// Scores of pairs of different persons.
    pub different: Vec<f64>,
    /// Where the line between them is drawn, if anywhere.
    pub threshold: Option<f64>,
}

const BINS: usize = 70;

/// Two overlaid histograms, each in shares of its own kind, with the threshold as a line.
///
/// # Errors
/// [`EvalError::Figure`] if there is no score, one is not finite, or the drawing fails.
pub fn score_histogram(scores: &PairScores) -> Result<String, EvalError> {
    let all = || scores.same.iter().chain(&scores.different).copied();
    if all().next().is_none() || all().any(|score| !score.is_finite()) {
        return Err(EvalError::Figure {
            figure: "histogram".into(),
            reason: "expected finite scores, at least one".into(),
        });
    }
    let (low, high) = all().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), score| {
        (low.min(score), high.max(score))
    });
    let margin = ((high - low) * 0.02).max(1e-3);
    let (low, high) = (low - margin, high + margin);
    let kinds = [
        ("different persons", PALETTE[1], shares(&scores.different, low, high)),
        ("same person", PALETTE[0], shares(&scores.same, low, high)),
    ];
    let top = kinds.iter().flat_map(|kind| kind.2.iter().copied()).fold(0.0, f64::max) * 1.12;

    let subtitle = format!(
        "{} same and {} different pairs, in shares of their kind",
        scores.same.len(),
        scores.different.len()
    );
    let entries: Vec<Entry> = kinds
        .iter()
        .rev()
        .map(|(name, colour, _)| (name.to_string(), *colour, Mark::Block))
        .collect();
    let head = Head { title: &scores.title, subtitle: &subtitle, legend: &entries };
    figure("histogram", (720.0, 340.0), &head, |body| {
        let mut chart = ChartBuilder::on(body)
            .margin_left(px(12.0))
            .margin_right(px(24.0))
            .margin_bottom(px(8.0))
            .x_label_area_size(px(46.0))
            .y_label_area_size(px(66.0))
            .build_cartesian_2d(low..high, 0.0..top)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(stroke(GRID, 1.0))
            .axis_style(stroke(MUTED, 1.0))
            .set_all_tick_mark_size(px(TICK))
            .label_style(text(TEXT, MUTED))
            .axis_desc_style(text(TEXT, INK))
            .x_labels(9)
            .y_labels(5)
            .x_desc(scores.axis.as_str())
            .y_desc("share of pairs")
            .x_label_formatter(&|score| format!("{score:.1}"))
            .y_label_formatter(&percent)
            .draw()?;
        let edge = |bin: usize| low + (high - low) * bin as f64 / BINS as f64;
        for (_, colour, shares) in &kinds {
            let bars = shares.iter().enumerate().filter(|(_, share)| **share > 0.0);
            chart.draw_series(bars.map(|(bin, &share)| {
                let corners = [(edge(bin), 0.0), (edge(bin + 1), share)];
                Rectangle::new(corners, colour.mix(0.55).filled())
            }))?;
        }
        if let Some(threshold) = scores.threshold.filter(|t| (low..high).contains(t)) {
            let line = [(threshold, 0.0), (threshold, top)];
            chart.draw_series(DashedLineSeries::new(line, px(5.0), px(4.0), stroke(INK, 1.4)))?;
            let (x, y) = local(body, chart.backend_coord(&(threshold, top)));
            let label = format!("threshold {threshold:.3}");
            body.draw_text(&label, &text(TEXT, INK), (x + px(6.0), y + px(4.0)))?;
        }
        Ok(())
    })
}

fn shares(scores: &[f64], low: f64, high: f64) -> Vec<f64> {
    let mut counts = vec![0usize; BINS];
    for score in scores {
        let bin = ((score - low) / (high - low) * BINS as f64) as usize;
        counts[bin.min(BINS - 1)] += 1;
    }
    counts.iter().map(|&count| count as f64 / scores.len().max(1) as f64).collect()
}

pub(super) struct Scores;

impl FigureSpec for Scores {
    fn name(&self) -> &'static str {
        "histogram"
    }

    fn about(&self) -> &'static str {
        "Cosine between the embeddings of same and of different pairs: the less the two heaps \
         overlap, the better; the line is the threshold."
    }

    fn draw(&self, exhibit: &Exhibit<'_>) -> Result<Vec<Figure>, EvalError> {
        let mut figures = Vec::new();
        for (label, judged, pairs) in verifications(exhibit) {
            let of_kind = |same: bool| {
                let kind = pairs.distances.iter().zip(&pairs.same).filter(move |p| *p.1 == same);
                kind.map(|(distance, _)| cosine(*distance)).collect()
            };
            let threshold = judged.judgement.verification().and_then(|v| {
                // Other conventions' thresholds are not distances.
                let of_distance = v.threshold_unit.starts_with("squared L2");
                of_distance.then(|| cosine(v.scores.threshold))
            });
            let svg = score_histogram(&PairScores {
                title: shortened(&format!("Scores of {label}"), 70),
                axis: "cosine".into(),
                same: of_kind(true),
                different: of_kind(false),
                threshold,
            })?;
            let name = format!("{}-{}", FigureSpec::name(self), figures.len() + 1);
            figures.push(Figure { name, caption: self.about().into(), svg });
        }
        Ok(figures)
    }
}

/// Of unit vectors at a squared distance.
fn cosine(squared_distance: f64) -> f64 {
    1.0 - squared_distance / 2.0
}
