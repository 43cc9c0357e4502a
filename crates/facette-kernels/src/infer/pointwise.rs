//! Layers without neighbours: normalisation, activation, sum.

#![allow(clippy::manual_map, reason = "closures are not inlined, and thus not vectorised")]

use super::finish::Finish;
use super::lanes::Lanes;
use super::level_task::{Task, run_at};
use super::value::{Source, Target, Value};
use super::{LANES, pitch};
use crate::{Level, check_len};

struct Pointwise<'a, X: Value, R: Value, Y: Value> {
    finish: &'a Finish,
    x: Source<'a, X>,
    residual: Option<Source<'a, R>>,
    y: Target<'a, Y>,
}

impl<X: Value, R: Value, Y: Value> Task for Pointwise<'_, X, R, Y> {
    #[inline(always)]
    fn run<L: Lanes>(mut self) {
        let (pitch, unit) = (pitch(self.finish.channels()), self.y.unit());
        for pixel in (0..self.x.values.len()).step_by(pitch) {
            for c in (0..pitch).step_by(LANES) {
                let at = pixel + c;
                let residual = match &self.residual {
                    Some(residual) => Some(residual.lanes(at, unit)),
                    None => None,
                };
                let x = self.x.lanes::<L>(at, 1.0);
                self.y.put(at, LANES, self.finish.at::<L>(c, unit).of(x, residual));
            }
        }
    }
}

/// `y = finish(x, residual)`, value by value.
///
/// # Panics
/// Where slices differ in length, or are not made of whole pixels.
pub fn pointwise<X: Value, R: Value, Y: Value>(
    level: Level,
    finish: &Finish,
    x: Source<'_, X>,
    residual: Option<Source<'_, R>>,
    y: Target<'_, Y>,
) {
    let len = x.values.len();
    assert!(len.is_multiple_of(pitch(finish.channels())), "{len} values are no whole pixels");
    check_len("y", y.values.len(), len);
    check_len("residual", residual.map_or(len, |residual| residual.values.len()), len);
    run_at(level, Pointwise { finish, x, residual, y });
}
