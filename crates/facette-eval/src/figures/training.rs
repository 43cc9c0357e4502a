//! Loss, validation and learning rate over a training run.

use std::ops::Range;

use plotters::prelude::*;

use super::canvas::{
    Area, Corner, Failure, GRID, Head, INK, MUTED, Mark, PALETTE, TEXT, TICK, colour,
    corner_legend, figure, px, stroke, text,
};
use super::{Exhibit, Figure, FigureSpec};
use crate::EvalError;

/// One line.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Series {
    /// Name in the legend.
    pub name: String,
    /// (step or epoch, value), in order; points that are not finite are left out.
    pub points: Vec<(f64, f64)>,
}

/// The record of one run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TrainingCurves {
    /// What the figure is called.
    pub title: String,
    /// What the horizontal axis counts: `step`, `epoch`.
    pub axis: String,
    /// Losses: the total, and its terms.
    pub losses: Vec<Series>,
    /// Validation measures, 0..1; may be empty.
    pub validation: Vec<Series>,
    /// Learning rate; may be empty.
    pub rate: Vec<(f64, f64)>,
}

/// Points of a drawn line at most; longer ones are averaged in equal stretches.
const POINTS: usize = 500;

/// Panels above each other over one axis: losses (logarithmic where they span more than a factor of
/// thirty), validation and learning rate where there are any.
///
/// # Errors
/// [`EvalError::Figure`] if there is no finite point or the drawing fails.
pub fn training_curves(run: &TrainingCurves) -> Result<String, EvalError> {
    let rate = [Series { name: String::new(), points: run.rate.clone() }];
    let panels: Vec<Panel> = [
        ("loss", &run.losses[..], 230.0),
        ("validation", &run.validation[..], 170.0),
        ("learning rate", &rate[..], 110.0),
    ]
    .into_iter()
    .filter_map(|(label, series, height)| Panel::new(label, series, height))
    .collect();
    let all = || panels.iter().flat_map(|panel| panel.series.iter().flat_map(|s| &s.points));
    let (first, last) = all().fold((f64::INFINITY, f64::NEG_INFINITY), |(first, last), point| {
        (first.min(point.0), last.max(point.0))
    });
    if !first.is_finite() {
        return Err(EvalError::Figure {
            figure: "training".into(),
            reason: "expected a loss with at least one finite point".into(),
        });
    }
    let x = first..if last > first { last } else { first + 1.0 };
    let height = panels.iter().map(|panel| panel.height).sum::<f64>() + 40.0;
    let labels: Vec<&str> = panels.iter().map(|panel| panel.label).collect();
    let subtitle = format!("{} by {}", labels.join(", "), run.axis);
    let head = Head { title: &run.title, subtitle: &subtitle, legend: &[] };
    figure("training", (720.0, height), &head, |body| {
        let mut rest = body.clone();
        for (i, panel) in panels.iter().enumerate() {
            let is_last = i + 1 == panels.len();
            let (area, below) = match is_last {
                true => (rest.clone(), rest.clone()),
                false => rest.split_vertically(px(panel.height)),
            };
            panel.draw(&area, x.clone(), is_last.then_some(run.axis.as_str()))?;
            rest = below;
        }
        Ok(())
    })
}

struct Panel {
    label: &'static str,
    series: Vec<Series>,
    height: f64,
}

impl Panel {
    fn new(label: &'static str, series: &[Series], height: f64) -> Option<Self> {
        let series: Vec<Series> = series
            .iter()
            .map(|s| Series { name: s.name.clone(), points: averaged(&s.points) })
            .filter(|s| !s.points.is_empty())
            .collect();
        (!series.is_empty()).then_some(Self { label, series, height })
    }

    fn draw(&self, area: &Area<'_>, x: Range<f64>, axis: Option<&str>) -> Result<(), Failure> {
        let values = || self.series.iter().flat_map(|s| s.points.iter().map(|point| point.1));
        let low = values().fold(f64::INFINITY, f64::min);
        let high = values().fold(f64::NEG_INFINITY, f64::max);
        if self.label == "loss" && low > 0.0 && high > 30.0 * low {
            return self.plot(area, x, (low * 0.9..high * 1.1).log_scale(), axis);
        }
        let margin = ((high - low) * 0.06).max(high.abs() * 1e-3).max(1e-9);
        let low = if self.label == "learning rate" { 0.0 } else { low - margin };
        self.plot(area, x, low..high + margin, axis)
    }

    fn plot<Y>(
        &self,
        area: &Area<'_>,
        x: Range<f64>,
        y: Y,
        axis: Option<&str>,
    ) -> Result<(), Failure>
    where
        Y: plotters::coord::ranged1d::AsRangedCoord<Value = f64>,
        Y::CoordDescType: plotters::coord::ranged1d::Ranged<ValueType = f64>
            + plotters::coord::ranged1d::ValueFormatter<f64>,
    {
        let mut chart = ChartBuilder::on(area)
            .margin_left(px(12.0))
            .margin_right(px(24.0))
            .margin_top(px(6.0))
            .margin_bottom(px(8.0))
            .x_label_area_size(px(if axis.is_some() { 46.0 } else { 8.0 }))
            .y_label_area_size(px(74.0))
            .build_cartesian_2d(x, y)?;
        let mut mesh = chart.configure_mesh();
        mesh.light_line_style(TRANSPARENT)
            .bold_line_style(stroke(GRID, 1.0))
            .axis_style(stroke(MUTED, 1.0))
            .set_all_tick_mark_size(px(TICK))
            .label_style(text(TEXT, MUTED))
            .axis_desc_style(text(TEXT, INK))
            .x_labels(if axis.is_some() { 8 } else { 0 })
            .y_labels(if self.height < 150.0 { 4 } else { 5 })
            .y_desc(self.label)
            .y_label_formatter(&|value| short(*value));
        if let Some(axis) = axis {
            mesh.x_desc(axis).x_label_formatter(&|x| short(*x));
        }
        mesh.draw()?;
        let mut entries = Vec::new();
        for (i, series) in self.series.iter().enumerate() {
            let colour = if self.label == "learning rate" { PALETTE[6] } else { colour(i) };
            chart.draw_series(LineSeries::new(series.points.clone(), stroke(colour, 1.8)))?;
            if let [only] = series.points[..] {
                chart.draw_series([Circle::new(only, px(3.0), colour.filled())])?;
            }
            entries.push((series.name.clone(), colour, Mark::Line));
        }
        entries.retain(|entry| !entry.0.is_empty());
        let corner =
            if self.label == "validation" { Corner::BottomRight } else { Corner::TopRight };
        corner_legend(&chart.plotting_area().strip_coord_spec(), corner, &entries)
    }
}

/// Finite points, at most [`POINTS`] of them: the means of equal stretches.
fn averaged(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let finite: Vec<(f64, f64)> =
        points.iter().copied().filter(|p| p.0.is_finite() && p.1.is_finite()).collect();
    let stretch = finite.len().div_ceil(POINTS).max(1);
    let mean = |points: &[(f64, f64)]| {
        let n = points.len() as f64;
        (points.iter().map(|p| p.0).sum::<f64>() / n, points.iter().map(|p| p.1).sum::<f64>() / n)
    };
    finite.chunks(stretch).map(mean).collect()
}

/// A number for an axis: at most three significant digits.
fn short(value: f64) -> String {
    let rounded: f64 = format!("{value:.2e}").parse().unwrap_or(value);
    match rounded.abs() {
        size if size >= 10_000.0 => format!("{}k", rounded / 1000.0),
        size if size > 0.0 && size < 1e-4 => format!("{rounded:e}"),
        0.0 => "0".into(),
        _ => rounded.to_string(),
    }
}

pub(super) struct Training;

impl FigureSpec for Training {
    fn name(&self) -> &'static str {
        "training"
    }

    fn about(&self) -> &'static str {
        "Loss, validation and learning rate over the training run."
    }

    fn draw(&self, exhibit: &Exhibit<'_>) -> Result<Vec<Figure>, EvalError> {
        let number = |i: usize| match exhibit.training.len() {
            1 => String::new(),
            _ => format!("-{}", i + 1),
        };
        exhibit
            .training
            .iter()
            .enumerate()
            .map(|(i, run)| {
                let name = format!("{}{}", FigureSpec::name(self), number(i));
                Ok(Figure { name, caption: self.about().into(), svg: training_curves(run)? })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_short_and_distinct() {
        let written = [0.0, -0.0, 0.0015, 0.000_500_000_1, 0.3, 1.5, 12_345.0, 2e-5].map(short);
        assert_eq!(written, ["0", "0", "0.0015", "0.0005", "0.3", "1.5", "12.3k", "2e-5"]);
    }

    #[test]
    fn long_lines_are_averaged_and_gaps_left_out() {
        let points: Vec<(f64, f64)> = (0..10_000).map(|i| (f64::from(i), 1.0)).collect();
        assert_eq!(averaged(&points).len(), POINTS);
        assert_eq!(averaged(&[(0.0, f64::NAN), (1.0, 2.0)]), [(1.0, 2.0)]);
        let run = TrainingCurves::default();
        assert!(training_curves(&run).is_err());
    }
}
