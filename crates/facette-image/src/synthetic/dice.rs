//! Draws for parameters of faces.

use rand::RngExt;
use rand_distr::StandardNormal;

use crate::random::Stream;

/// A stream that speaks in the terms of parameter drawing.
pub(super) struct Dice<'a>(pub(super) &'a mut Stream);

impl Dice<'_> {
    pub(super) fn range(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.0.random::<f32>()
    }

    /// Normally distributed, cut at 2.2 deviations: people vary, monsters do not occur.
    pub(super) fn normal(&mut self, mean: f32, deviation: f32) -> f32 {
        mean + deviation * self.0.sample::<f32, _>(StandardNormal).clamp(-2.2, 2.2)
    }

    pub(super) fn chance(&mut self, probability: f32) -> bool {
        self.0.random::<f32>() < probability
    }

    pub(super) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[(self.0.random::<f32>() * from.len() as f32) as usize % from.len()]
    }

    pub(super) fn seed(&mut self) -> u32 {
        self.0.random()
    }
}
