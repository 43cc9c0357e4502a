//! What all figures share: colours, type, the frame around a plot.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::EvalError;

/// A plot is drawn this many times larger than shown, because the backend rounds to whole units.
const SCALE: f64 = 4.0;

/// Okabe and Ito's palette, told apart by colour-blind readers, without its yellow (too pale as a
/// line) and with black last.
pub(super) const PALETTE: [RGBColor; 7] = [
    RGBColor(0x00, 0x72, 0xB2),
    RGBColor(0xD5, 0x5E, 0x00),
    RGBColor(0x00, 0x9E, 0x73),
    RGBColor(0xCC, 0x79, 0xA7),
    RGBColor(0xE6, 0x9F, 0x00),
    RGBColor(0x56, 0xB4, 0xE9),
    RGBColor(0x22, 0x22, 0x22),
];

pub(super) const INK: RGBColor = RGBColor(0x1F, 0x24, 0x2B);
pub(super) const MUTED: RGBColor = RGBColor(0x5B, 0x65, 0x70);
pub(super) const GRID: RGBColor = RGBColor(0xE3, 0xE6, 0xEA);
const PAPER: RGBColor = RGBColor(0xFF, 0xFF, 0xFF);

const FONT: &str = "system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif";
/// Size of ordinary text, in shown pixels.
pub(super) const TEXT: f64 = 13.0;
/// Space for title and subtitle.
const HEAD: f64 = 62.0;
/// Height of a line of a legend.
const LINE: f64 = 21.0;
/// Length of a tick, which also keeps its label off the axis.
pub(super) const TICK: f64 = 5.0;

/// The area that figures draw on.
pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
/// What the backend can complain about.
pub(super) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Shown pixels to units of the drawing.
pub(super) fn px(shown: f64) -> i32 {
    (shown * SCALE).round() as i32
}

/// A line or outline.
pub(super) fn stroke(colour: impl Into<RGBAColor>, width: f64) -> ShapeStyle {
    ShapeStyle { color: colour.into(), filled: false, stroke_width: px(width).max(1) as u32 }
}

/// The colour of entry `i`; they repeat after seven.
pub(super) fn colour(i: usize) -> RGBColor {
    PALETTE[i % PALETTE.len()]
}

/// Text of `size` shown pixels. The backend divides sizes by 1.24.
pub(super) fn text(size: f64, colour: RGBColor) -> TextStyle<'static> {
    (FONT, size * SCALE * 1.24).into_font().color(&colour)
}

/// Width in shown pixels that `string` takes at most, set at `size`.
pub(super) fn width_of(string: &str, size: f64) -> f64 {
    0.55 * size * string.chars().count() as f64
}

/// `name`, cut to `most` characters.
pub(super) fn shortened(name: &str, most: usize) -> String {
    match name.chars().count() > most {
        true => name.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
        false => name.to_string(),
    }
}

/// What stands above a plot.
pub(super) struct Head<'a> {
    pub(super) title: &'a str,
    pub(super) subtitle: &'a str,
    pub(super) legend: &'a [Entry],
}

/// A name in a legend, its colour and how it is marked.
pub(super) type Entry = (String, RGBColor, Mark);

/// How an entry of a legend is marked.
#[derive(Clone, Copy)]
pub(super) enum Mark {
    Line,
    Block,
}

/// Draws a figure whose plot is `width` x `height` shown pixels, under its head. The background is
/// white, so that it can stand on a page of any colour.
pub(super) fn figure(
    name: &'static str,
    (width, height): (f64, f64),
    head: &Head<'_>,
    draw: impl FnOnce(&Area<'_>) -> Result<(), Failure>,
) -> Result<String, EvalError> {
    let entries = flowed(head.legend, width - 40.0);
    let rows = entries.last().map_or(0.0, |entry| entry.0.1 + 1.0);
    let above = HEAD + LINE * rows + 10.0;
    let size = (width, above + height);
    let mut svg = String::new();
    let drawn = || -> Result<(), Failure> {
        let backend = SVGBackend::with_string(&mut svg, (px(size.0) as u32, px(size.1) as u32));
        let root = backend.into_drawing_area();
        root.fill(&PAPER)?;
        let bold = (FONT, 16.0 * SCALE * 1.24, FontStyle::Bold).into_font().color(&INK);
        root.draw_text(head.title, &bold, (px(20.0), px(16.0)))?;
        root.draw_text(head.subtitle, &text(TEXT, MUTED), (px(20.0), px(39.0)))?;
        for ((left, row), entry) in &entries {
            draw_entry(&root, (px(20.0 + left), px(HEAD + LINE * (row + 0.25))), entry)?;
        }
        draw(&root.split_vertically(px(above)).1)?;
        root.present()?;
        Ok(())
    };
    drawn().map_err(|e| EvalError::Figure { figure: name.into(), reason: e.to_string() })?;
    Ok(shown(&svg, size, head.title))
}

/// Entries in as many columns as fit into `width` shown pixels: (left edge, line) of each.
fn flowed(entries: &[Entry], width: f64) -> Vec<((f64, f64), Entry)> {
    let entries: Vec<Entry> =
        entries.iter().map(|entry| (shortened(&entry.0, 60), entry.1, entry.2)).collect();
    let longest = entries.iter().map(|entry| width_of(&entry.0, TEXT)).fold(0.0, f64::max);
    let column = longest + 26.0 + 18.0;
    let columns = (((width + 18.0) / column) as usize).max(1);
    let place = |i: usize| ((i % columns) as f64 * column, (i / columns) as f64);
    entries.into_iter().enumerate().map(|(i, entry)| (place(i), entry)).collect()
}

fn draw_entry(
    area: &Area<'_>,
    (left, middle): (i32, i32),
    (name, colour, mark): &Entry,
) -> Result<(), Failure> {
    let right = left + px(20.0);
    match mark {
        Mark::Line => {
            area.draw(&PathElement::new([(left, middle), (right, middle)], stroke(*colour, 2.5)))?;
        }
        Mark::Block => {
            let corners = [(left, middle - px(6.0)), (right, middle + px(6.0))];
            area.draw(&Rectangle::new(corners, colour.mix(0.55).filled()))?;
        }
    }
    let style = text(TEXT, INK).pos(Pos::new(HPos::Left, VPos::Center));
    area.draw_text(name, &style, (right + px(6.0), middle))?;
    Ok(())
}

/// Replaces the size that the backend wrote by the shown one, and names the picture for readers
/// who do not see it.
fn shown(svg: &str, (width, height): (f64, f64), title: &str) -> String {
    let view_box = format!("0 0 {} {}", px(width), px(height));
    let body = svg.split_once('>').map_or("", |(_, body)| body);
    let title: String = title
        .chars()
        .map(|c| match c {
            '<' => "&lt;".into(),
            '>' => "&gt;".into(),
            '&' => "&amp;".into(),
            '"' => "&quot;".into(),
            c => c.to_string(),
        })
        .collect();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"{view_box}\" role=\"img\" aria-label=\"{title}\">{body}"
    )
}

/// A point of the whole drawing in the pixels of `body`.
pub(super) fn local(body: &Area<'_>, (x, y): (i32, i32)) -> (i32, i32) {
    let (left, top) = body.get_base_pixel();
    (x - left, y - top)
}

/// Which corner of the plot a legend stands in.
#[derive(Clone, Copy)]
pub(super) enum Corner {
    TopRight,
    BottomRight,
}

/// Draws a legend in a corner of the plot, for panels that have one each.
pub(super) fn corner_legend(
    plot: &Area<'_>,
    corner: Corner,
    entries: &[Entry],
) -> Result<(), Failure> {
    if entries.is_empty() {
        return Ok(());
    }
    let entries: Vec<Entry> =
        entries.iter().map(|entry| (shortened(&entry.0, 44), entry.1, entry.2)).collect();
    let longest = entries.iter().map(|entry| width_of(&entry.0, TEXT)).fold(0.0, f64::max);
    let (width, height) = (px(longest + 42.0), px(LINE * entries.len() as f64 + 8.0));
    let (right, bottom) = plot.dim_in_pixel();
    let left = (right as i32 - px(8.0) - width).max(0);
    let top = match corner {
        Corner::TopRight => px(8.0),
        Corner::BottomRight => (bottom as i32 - px(8.0) - height).max(0),
    };
    let background = PAPER.mix(0.85).filled();
    plot.draw(&Rectangle::new([(left, top), (left + width, top + height)], background))?;
    for (row, entry) in entries.iter().enumerate() {
        let middle = top + px(4.0 + LINE * (row as f64 + 0.5));
        draw_entry(plot, (left + px(8.0), middle), entry)?;
    }
    Ok(())
}

/// A rate as per cent, without needless zeros: `90%`, `0.1%`.
pub(super) fn percent(rate: &f64) -> String {
    let digits = format!("{:.2}", 100.0 * rate);
    format!("{}%", digits.trim_end_matches('0').trim_end_matches('.'))
}
