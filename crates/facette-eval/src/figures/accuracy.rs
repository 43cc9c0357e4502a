//! Accuracies of several models side by side.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::canvas::{
    GRID, Head, INK, MUTED, TEXT, TICK, colour, figure, local, percent, px, shortened, stroke,
    text, width_of,
};
use super::{Exhibit, Figure, FigureSpec, labels};
use crate::{EvalError, Outcome};

/// One bar.
#[derive(Debug, Clone, PartialEq)]
pub struct AccuracyBar {
    /// Name of the model.
    pub name: String,
    /// Its accuracy, 0..1.
    pub mean: f64,
    /// Spread over folds or seeds, drawn to both sides.
    pub std: f64,
}

/// Horizontal bars from `baseline` (what guessing gives: 0.5 for pairs), each with its spread and
/// its number.
///
/// # Errors
/// [`EvalError::Figure`] if there is no bar, a number is not finite, or the drawing fails.
pub fn accuracy_bars(
    title: &str,
    bars: &[AccuracyBar],
    baseline: f64,
) -> Result<String, EvalError> {
    let finite = bars.iter().all(|bar| bar.mean.is_finite() && bar.std.is_finite());
    if bars.is_empty() || !finite || !(0.0..1.0).contains(&baseline) {
        return Err(EvalError::Figure {
            figure: "accuracy".into(),
            reason: "expected finite accuracies, at least one, and a baseline from 0 to 1".into(),
        });
    }
    let names: Vec<String> = bars.iter().map(|bar| shortened(&bar.name, 40)).collect();
    let longest = names.iter().map(|name| width_of(name, TEXT)).fold(0.0, f64::max);
    let height = 54.0 + 40.0 * bars.len() as f64;
    let subtitle = match baseline > 0.0 {
        true => format!(
            "mean and spread; the axis begins at {}, the level of guessing",
            percent(&baseline)
        ),
        false => "mean and spread".to_string(),
    };
    let head = Head { title, subtitle: &subtitle, legend: &[] };
    figure("accuracy", (720.0, height), &head, |body| {
        let count = bars.len() as f64;
        let mut chart = ChartBuilder::on(body)
            .margin_left(px(20.0))
            .margin_right(px(110.0))
            .margin_bottom(px(8.0))
            .x_label_area_size(px(40.0))
            .y_label_area_size(px(longest + 14.0))
            .build_cartesian_2d(baseline..1.0, 0.0..count)?;
        chart
            .configure_mesh()
            .disable_y_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(stroke(GRID, 1.0))
            .axis_style(stroke(MUTED, 1.0))
            .set_all_tick_mark_size(px(TICK))
            .label_style(text(TEXT, MUTED))
            .axis_desc_style(text(TEXT, INK))
            .x_labels(6)
            .y_labels(0)
            .x_desc("accuracy")
            .x_label_formatter(&percent)
            .draw()?;
        let right_of = Pos::new(HPos::Left, VPos::Center);
        let left_of = Pos::new(HPos::Right, VPos::Center);
        for (i, (bar, name)) in bars.iter().zip(&names).enumerate() {
            let middle = count - i as f64 - 0.5;
            let mean = bar.mean.clamp(baseline, 1.0);
            let corners = [(baseline, middle - 0.32), (mean, middle + 0.32)];
            chart.draw_series([Rectangle::new(corners, colour(i).filled())])?;
            let (low, high) =
                ((bar.mean - bar.std).max(baseline), (bar.mean + bar.std).clamp(baseline, 1.0));
            let whisker = |points: [(f64, f64); 2]| PathElement::new(points, stroke(INK, 1.4));
            chart.draw_series([
                whisker([(low, middle), (high, middle)]),
                whisker([(low, middle - 0.12), (low, middle + 0.12)]),
                whisker([(high, middle - 0.12), (high, middle + 0.12)]),
            ])?;
            let start = local(body, chart.backend_coord(&(baseline, middle)));
            let end = local(body, chart.backend_coord(&(high, middle)));
            let number = format!("{:.2} ± {:.2}", 100.0 * bar.mean, 100.0 * bar.std);
            let name_style = text(TEXT, INK).pos(left_of);
            body.draw_text(name, &name_style, (start.0 - px(8.0), start.1))?;
            body.draw_text(&number, &text(TEXT, INK).pos(right_of), (end.0 + px(8.0), end.1))?;
        }
        Ok(())
    })
}

pub(super) struct Bars;

impl FigureSpec for Bars {
    fn name(&self) -> &'static str {
        "accuracy"
    }

    fn about(&self) -> &'static str {
        "Accuracy of each model with its spread over the folds."
    }

    fn draw(&self, exhibit: &Exhibit<'_>) -> Result<Vec<Figure>, EvalError> {
        let mut groups: Vec<(String, f64, Vec<AccuracyBar>)> = Vec::new();
        for (name, judged) in labels(exhibit.judged).into_iter().zip(exhibit.judged) {
            let protocol = &judged.judgement.protocol;
            let (mean, std, baseline) = match &judged.judgement.outcome {
                Outcome::Verification(v) => (v.scores.accuracy, v.scores.accuracy_std, 0.5),
                Outcome::Classification(c) => (c.top1, 0.0, 0.0),
                Outcome::Identification(i) => {
                    let Some((_, rank)) = i.rank.0.first() else { continue };
                    (*rank, 0.0, 0.0)
                }
            };
            let bar = AccuracyBar { name, mean, std };
            match groups.iter_mut().find(|group| group.0 == *protocol) {
                Some(group) => group.2.push(bar),
                None => groups.push((protocol.clone(), baseline, vec![bar])),
            }
        }
        groups
            .into_iter()
            .map(|(protocol, baseline, bars)| {
                let name = format!("{}-{protocol}", FigureSpec::name(self));
                let title = format!("Accuracy ({protocol})");
                // A model worse than guessing still deserves a bar.
                let worst = bars.iter().map(|bar| bar.mean - bar.std).fold(1.0, f64::min);
                let baseline = if worst < baseline { 0.0 } else { baseline };
                let svg = accuracy_bars(&title, &bars, baseline)?;
                Ok(Figure { name, caption: self.about().into(), svg })
            })
            .collect()
    }
}
