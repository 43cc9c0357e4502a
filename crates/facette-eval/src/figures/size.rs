//! Accuracy over the size of the pictures.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::canvas::{
    Entry, GRID, Head, INK, MUTED, Mark, TEXT, TICK, colour, figure, local, percent, px, stroke,
    text,
};
use super::{Exhibit, Figure, FigureSpec};
use crate::EvalError;

/// One model at one size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SizePoint {
    /// Side of the pictures in pixels.
    pub size: usize,
    /// Accuracy, 0..1.
    pub accuracy: f64,
    /// Spread, drawn to both sides.
    pub std: f64,
}

/// One model at several sizes.
#[derive(Debug, Clone, PartialEq)]
pub struct SizeSeries {
    /// Name of the model.
    pub name: String,
    /// Its points, in any order.
    pub points: Vec<SizePoint>,
}

/// One line a model over picture sizes, which stand at equal distances.
///
/// # Errors
/// [`EvalError::Figure`] if there is no point, a number is not finite, or the drawing fails.
pub fn accuracy_by_size(title: &str, series: &[SizeSeries]) -> Result<String, EvalError> {
    let all = || series.iter().flat_map(|s| &s.points);
    let mut sizes: Vec<usize> = all().map(|point| point.size).collect();
    sizes.sort_unstable();
    sizes.dedup();
    if sizes.is_empty() || all().any(|p| !p.accuracy.is_finite() || !p.std.is_finite()) {
        return Err(EvalError::Figure {
            figure: "accuracy-size".into(),
            reason: "expected finite accuracies, at least one".into(),
        });
    }
    let place = |size: usize| sizes.partition_point(|&s| s < size) as f64;
    let lowest = all().map(|p| p.accuracy - p.std).fold(1.0, f64::min);
    let floor = ((lowest - 0.02) * 20.0).floor() / 20.0;
    let subtitle = "mean and spread over the side of the pictures in pixels";
    let entries: Vec<Entry> =
        series.iter().enumerate().map(|(i, s)| (s.name.clone(), colour(i), Mark::Line)).collect();
    let head = Head { title, subtitle, legend: &entries };
    figure("accuracy-size", (720.0, 380.0), &head, |body| {
        let last = sizes.len() as f64 - 0.6;
        let mut chart = ChartBuilder::on(body)
            .margin_left(px(12.0))
            .margin_right(px(24.0))
            .margin_bottom(px(8.0))
            .margin_top(px(6.0))
            .x_label_area_size(px(46.0))
            .y_label_area_size(px(66.0))
            .build_cartesian_2d(-0.4..last, floor..1.0)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(stroke(GRID, 1.0))
            .axis_style(stroke(MUTED, 1.0))
            .set_all_tick_mark_size(px(TICK))
            .label_style(text(TEXT, MUTED))
            .axis_desc_style(text(TEXT, INK))
            .x_labels(0)
            .y_labels(7)
            .x_desc("picture size (pixels)")
            .y_desc("accuracy")
            .y_label_formatter(&percent)
            .draw()?;
        let (wide, _) = chart.plotting_area().dim_in_pixel();
        let apart = f64::from(px(7.0)) / f64::from(wide) * (last + 0.4);
        let below = Pos::new(HPos::Center, VPos::Top);
        for (i, size) in sizes.iter().enumerate() {
            let (x, y) = local(body, chart.backend_coord(&(i as f64, floor)));
            let style = text(TEXT, MUTED).pos(below);
            body.draw_text(&size.to_string(), &style, (x, y + px(8.0)))?;
        }
        for (i, model) in series.iter().enumerate() {
            let mut points = model.points.clone();
            points.sort_by_key(|point| point.size);
            // Spreads of several models at one size stand side by side.
            let shift = (i as f64 - (series.len() as f64 - 1.0) / 2.0) * apart;
            let at = |point: &SizePoint| (place(point.size) + shift, point.accuracy);
            let spreads = points.iter().map(|point| {
                let (x, y) = at(point);
                let ends = [(x, (y - point.std).max(floor)), (x, (y + point.std).min(1.0))];
                PathElement::new(ends, stroke(colour(i).mix(0.6), 1.4))
            });
            chart.draw_series(spreads)?;
            chart.draw_series(LineSeries::new(points.iter().map(at), stroke(colour(i), 2.2)))?;
            let dots = points.iter().map(|p| Circle::new(at(p), px(3.5), colour(i).filled()));
            chart.draw_series(dots)?;
        }
        Ok(())
    })
}

pub(super) struct BySize;

impl FigureSpec for BySize {
    fn name(&self) -> &'static str {
        "accuracy-size"
    }

    fn about(&self) -> &'static str {
        "Verification accuracy of each model over the size of the pictures."
    }

    fn draw(&self, exhibit: &Exhibit<'_>) -> Result<Vec<Figure>, EvalError> {
        let mut series: Vec<SizeSeries> = Vec::new();
        for judged in exhibit.judged {
            let Some(v) = judged.judgement.verification() else { continue };
            if v.sizes[0] != v.sizes[1] {
                continue;
            }
            let point =
                SizePoint { size: v.size, accuracy: v.scores.accuracy, std: v.scores.accuracy_std };
            let name = &judged.judgement.model.name;
            match series.iter_mut().find(|s| s.name == *name) {
                Some(model) => model.points.push(point),
                None => series.push(SizeSeries { name: name.clone(), points: vec![point] }),
            }
        }
        let mut sizes: Vec<usize> =
            series.iter().flat_map(|s| &s.points).map(|point| point.size).collect();
        sizes.sort_unstable();
        sizes.dedup();
        if sizes.len() < 2 {
            return Ok(Vec::new());
        }
        let svg = accuracy_by_size("Accuracy by picture size", &series)?;
        let name = FigureSpec::name(self).to_string();
        Ok(vec![Figure { name, caption: self.about().into(), svg }])
    }
}
