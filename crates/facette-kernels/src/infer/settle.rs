//! What follows the sums of a layer, panel by panel.

#![allow(clippy::manual_map, reason = "closures are not inlined, and thus not vectorised")]

use super::arithmetic::Arithmetic;
use super::arithmetic::rules::Rules;
use super::finish::{Finish, FinishLanes};
use super::lanes::Lanes;
use super::level_task::{Task, run_at};
#[cfg(target_arch = "x86_64")]
use super::settle_avx512::Sixteen;
use super::tile::COLUMNS;
use super::value::{Source, Target, Value};
use super::{LANES, pitch};
use crate::Level;

/// The sums of some pixels, one behind the other, by one panel.
#[derive(Clone, Copy)]
pub(super) struct Sums<'a, S> {
    /// `[pixel][COLUMNS]`
    pub(super) sums: &'a [S],
    /// First channel.
    pub(super) channel: usize,
    /// Channels there are from there on in the group.
    pub(super) left: usize,
    /// First pixel, of all pictures.
    pub(super) pixel: usize,
}

/// Finishes the sums of a layer.
pub(super) enum Settle<'a, R: Value, Y: Value> {
    /// Sixteen channels at a time.
    #[cfg(target_arch = "x86_64")]
    Sixteen(Sixteen<'a>),
    /// As the lanes of the level are.
    Lanes(Level, Columns<'a, R, Y>),
}

impl<'a, R: Value, Y: Value> Settle<'a, R, Y> {
    /// Of sums in the arithmetic A; `lone` says that there is one group only, so that padding behind
    /// its channels may be written.
    pub(super) fn new<A: Rules>(
        level: Level,
        lone: bool,
        residual: Option<Source<'a, R>>,
        finish: &'a Finish,
        y: Target<'a, Y>,
    ) -> Self {
        #[cfg(target_arch = "x86_64")]
        let y = match residual.map_or(Some(None), |r| r.bytes().map(Some)) {
            Some(residual)
                if lone
                    && A::ints(&[]).is_some()
                    && level.runs(Level::Avx512)
                    && Sixteen::serves(finish, residual.map(|r| r.1), y.unit()) =>
            {
                match y.into_bytes() {
                    Ok(y) => return Self::Sixteen(Sixteen::new(level, finish, residual, y)),
                    Err(y) => y,
                }
            }
            _ => y,
        };
        Self::Lanes(level, Columns { lone, residual, finish, y })
    }

    /// Finishes some of them.
    ///
    /// # Panics
    /// Where they are not within residual and result.
    pub(super) fn run<A: Arithmetic>(&mut self, sums: Sums<'_, A::Sum>) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Sixteen(sixteen) => {
                let Sums { sums, channel, left, pixel } = sums;
                if let Some(sums) = A::ints(sums) {
                    sixteen.run(&Sums { sums, channel, left, pixel });
                }
            }
            Self::Lanes(level, columns) => run_at(*level, Part::<A, R, Y> { columns, sums }),
        }
    }
}

/// What finishes sums eight channels at a time.
pub(super) struct Columns<'a, R: Value, Y: Value> {
    lone: bool,
    pub(super) residual: Option<Source<'a, R>>,
    pub(super) finish: &'a Finish,
    pub(super) y: Target<'a, Y>,
}

/// Some sums and what finishes them.
struct Part<'a, 'b, A: Arithmetic, R: Value, Y: Value> {
    columns: &'b mut Columns<'a, R, Y>,
    sums: Sums<'b, A::Sum>,
}

impl<A: Arithmetic, R: Value, Y: Value> Task for Part<'_, '_, A, R, Y> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Self { columns, sums } = self;
        for lane in (0..sums.left.min(COLUMNS)).step_by(LANES) {
            let count = if columns.lone { LANES } else { LANES.min(sums.left - lane) };
            let finish = columns.finish.at::<L>(sums.channel + lane, columns.y.unit());
            match (count, columns.residual) {
                (LANES, None) => columns.run::<A, L>(sums, lane, LANES, None, finish),
                (LANES, Some(residual)) => {
                    columns.run::<A, L>(sums, lane, LANES, Some(residual), finish)
                }
                (_, residual) => columns.run::<A, L>(sums, lane, count, residual, finish),
            }
        }
    }
}

impl<R: Value, Y: Value> Columns<'_, R, Y> {
    /// The first `count` channels from `lane` of the panel on; inlined for each way of being called.
    #[inline(always)]
    fn run<A: Arithmetic, L: Lanes>(
        &mut self,
        sums: Sums<'_, A::Sum>,
        lane: usize,
        count: usize,
        residual: Option<Source<'_, R>>,
        finish: FinishLanes<L>,
    ) {
        let (pitch, unit) = (pitch(self.finish.channels()), self.y.unit());
        let mut at = sums.pixel * pitch + sums.channel + lane;
        for sums in sums.sums.chunks_exact(COLUMNS) {
            let sums: &[A::Sum; 8] = sums[lane..lane + 8].try_into().expect("a range of eight");
            let residual = match &residual {
                Some(residual) => Some(residual.part::<L>(at, count, unit)),
                None => None,
            };
            self.y.put(at, count, finish.of(A::real(A::sums::<L>(sums)), residual));
            at += pitch;
        }
    }
}
