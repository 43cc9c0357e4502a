//! Receiver operating characteristics of several models.

use plotters::coord::combinators::IntoLogRange;
use plotters::coord::ranged1d::{Ranged, ValueFormatter};
use plotters::prelude::*;

use super::canvas::{
    Area, Entry, Failure, GRID, Head, INK, MUTED, Mark, TEXT, TICK, colour, figure, percent, px,
    stroke, text,
};
use super::{Exhibit, Figure, FigureSpec, verifications};
use crate::EvalError;
use crate::metrics::auc::auc;
use crate::metrics::roc::Roc;

/// How false accept rates are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FarAxis {
    /// From 0 to 1.
    Linear,
    /// Powers of ten, down to the smallest rate that the pairs can tell from 0.
    Logarithmic,
}

/// One model's curve.
#[derive(Debug, Clone)]
pub struct RocCurve {
    /// Its name in the legend.
    pub name: String,
    /// The curve.
    pub roc: Roc,
}

/// Points of a drawn curve at most.
const POINTS: usize = 600;

/// True accept rate over false accept rate, one line a model, with the area under each curve in the
/// legend and the line of guessing.
///
/// # Errors
/// [`EvalError::Figure`] if the drawing fails.
pub fn roc_curves(curves: &[RocCurve], axis: FarAxis) -> Result<String, EvalError> {
    let (name, subtitle) = match axis {
        FarAxis::Linear => ("roc", "true accept rate over false accept rate; dashed: guessing"),
        FarAxis::Logarithmic => {
            ("roc-log", "true accept rate over false accept rate (powers of ten); dashed: guessing")
        }
    };
    let entries: Vec<Entry> = curves
        .iter()
        .enumerate()
        .map(|(i, c)| (format!("{} (AUC {:.4})", c.name, auc(&c.roc)), colour(i), Mark::Line))
        .collect();
    let head = Head { title: "ROC", subtitle, legend: &entries };
    figure(name, (720.0, 420.0), &head, |body| match axis {
        FarAxis::Linear => plot(body, curves, 0.0, 0.0..1.0, &percent),
        FarAxis::Logarithmic => {
            let floor = smallest_rate(curves);
            plot(body, curves, floor, (floor..1.0).log_scale(), &power_of_ten)
        }
    })
}

/// The largest power of ten at which no curve has had its first false accept yet, within 1e-6 to 0.1.
fn smallest_rate(curves: &[RocCurve]) -> f64 {
    let first = |curve: &RocCurve| curve.roc.points().iter().map(|p| p.far).find(|&far| far > 0.0);
    let smallest = curves.iter().filter_map(first).fold(1.0, f64::min);
    10f64.powi((smallest * 1.001).log10().floor().clamp(-6.0, -1.0) as i32)
}

fn plot<X>(
    body: &Area<'_>,
    curves: &[RocCurve],
    floor: f64,
    x_axis: X,
    x_label: &dyn Fn(&f64) -> String,
) -> Result<(), Failure>
where
    X: plotters::coord::ranged1d::AsRangedCoord<Value = f64>,
    X::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let mut chart = ChartBuilder::on(body)
        .margin_left(px(12.0))
        .margin_right(px(24.0))
        .margin_bottom(px(8.0))
        .x_label_area_size(px(46.0))
        .y_label_area_size(px(66.0))
        .build_cartesian_2d(x_axis, 0.0..1.0)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(stroke(GRID, 1.0))
        .axis_style(stroke(MUTED, 1.0))
        .set_all_tick_mark_size(px(TICK))
        .label_style(text(TEXT, MUTED))
        .axis_desc_style(text(TEXT, INK))
        .x_labels(7)
        .y_labels(6)
        .x_desc("false accept rate")
        .y_desc("true accept rate")
        .x_label_formatter(x_label)
        .y_label_formatter(&percent)
        .draw()?;
    let guess: Vec<(f64, f64)> = match floor > 0.0 {
        true => (0..=100).map(|i| floor.powf(1.0 - f64::from(i) / 100.0)).map(|r| (r, r)).collect(),
        false => vec![(0.0, 0.0), (1.0, 1.0)],
    };
    chart.draw_series(DashedLineSeries::new(guess, px(5.0), px(5.0), stroke(MUTED, 1.0)))?;
    for (i, curve) in curves.iter().enumerate() {
        let points = curve.roc.thinned(POINTS);
        // A logarithmic axis begins with what is accepted at its left edge.
        let first = points.partition_point(|p| p.far <= floor).saturating_sub(1);
        let first = if floor > 0.0 { first } else { 0 };
        let line = points[first..].iter().map(|p| (p.far.max(floor), p.tar));
        chart.draw_series(LineSeries::new(line, stroke(colour(i), 2.2)))?;
    }
    Ok(())
}

/// `10⁻³` for 0.001.
fn power_of_ten(rate: &f64) -> String {
    let exponent = rate.log10().round() as i32;
    let digit = |c: char| match c {
        '-' => '⁻',
        '0' => '⁰',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '4' => '⁴',
        '5' => '⁵',
        '6' => '⁶',
        other => other,
    };
    match exponent {
        0 => "1".into(),
        _ => format!("10{}", exponent.to_string().chars().map(digit).collect::<String>()),
    }
}

/// Curves of an exhibit's verifications.
fn curves_of(exhibit: &Exhibit<'_>) -> Result<Vec<RocCurve>, EvalError> {
    verifications(exhibit)
        .map(|(name, _, pairs)| Ok(RocCurve { name, roc: pairs.roc()? }))
        .collect()
}

fn draw(
    exhibit: &Exhibit<'_>,
    axis: FarAxis,
    spec: &dyn FigureSpec,
) -> Result<Vec<Figure>, EvalError> {
    let curves = curves_of(exhibit)?;
    if curves.is_empty() {
        return Ok(Vec::new());
    }
    let svg = roc_curves(&curves, axis)?;
    Ok(vec![Figure { name: spec.name().into(), caption: spec.about().into(), svg }])
}

pub(super) struct Logarithmic;

impl FigureSpec for Logarithmic {
    fn name(&self) -> &'static str {
        "roc-log"
    }

    fn about(&self) -> &'static str {
        "Share of same pairs accepted (higher is better) where a given share of different pairs is \
         accepted too, on a logarithmic axis: the left edge is where a lock or a watch list works."
    }

    fn draw(&self, exhibit: &Exhibit<'_>) -> Result<Vec<Figure>, EvalError> {
        draw(exhibit, FarAxis::Logarithmic, self)
    }
}

pub(super) struct Linear;

impl FigureSpec for Linear {
    fn name(&self) -> &'static str {
        "roc"
    }

    fn about(&self) -> &'static str {
        "The same on a linear axis: the area under a curve is its AUC."
    }

    fn draw(&self, exhibit: &Exhibit<'_>) -> Result<Vec<Figure>, EvalError> {
        draw(exhibit, FarAxis::Linear, self)
    }
}
