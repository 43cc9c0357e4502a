//! What follows a layer's sum: scale, bias, activation, residual sum, activation.

#![allow(clippy::manual_map, reason = "closures are not inlined, and thus not vectorised")]

use alloc::vec::Vec;

use super::lanes::Lanes;
use super::{LANES, pitch};

/// `slope * x` below zero, `min(x, cap)` above: ReLU, ReLU6, leaky ReLU and PReLU.
#[derive(Debug, Clone, PartialEq)]
pub struct Rectifier {
    pub(super) slopes: Vec<f32>,
    pub(super) cap: f32,
    /// Whether all slopes are 0.
    flat: bool,
    /// The largest magnitude of a slope.
    steepest: f32,
}

impl Rectifier {
    /// One slope a channel; `cap` is infinite where there is none.
    pub fn new(mut slopes: Vec<f32>, cap: f32) -> Self {
        slopes.resize(padded(slopes.len()), 0.0);
        let flat = slopes.iter().all(|&slope| slope == 0.0);
        let steepest = largest(&slopes);
        Self { slopes, cap, flat, steepest }
    }

    /// Whether it is the maximum with 0 and nothing else.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn is_plain(&self) -> bool {
        self.flat && self.cap == f32::INFINITY
    }

    #[inline(always)]
    fn at<L: Lanes>(&self, c: usize, unit: f32) -> RectifierLanes<L> {
        let (slope, cap) = (L::read(eight(&self.slopes, c)), L::splat(self.cap * unit));
        RectifierLanes { slope, cap, flat: self.flat }
    }
}

/// A [`Rectifier`] of eight channels.
#[derive(Clone, Copy)]
struct RectifierLanes<L> {
    slope: L,
    cap: L,
    flat: bool,
}

impl<L: Lanes> RectifierLanes<L> {
    #[inline(always)]
    fn of(&self, x: L) -> L {
        let capped = x.at_most(self.cap);
        match self.flat {
            true => capped.at_least(L::splat(0.0)),
            false => x.less(L::splat(0.0), x.mul(self.slope), capped),
        }
    }
}

/// `outer(inner(sum * scale + bias) + residual)`, channel by channel; each operation is rounded.
///
/// What bytes are written from is computed in steps of their code: scale, bias, caps and residual
/// are multiplied by the steps in 1 before all else, each product rounded.
#[derive(Debug, Clone, PartialEq)]
pub struct Finish {
    channels: usize,
    pub(super) scale: Vec<f32>,
    pub(super) bias: Vec<f32>,
    pub(super) inner: Option<Rectifier>,
    pub(super) outer: Option<Rectifier>,
    /// The largest magnitudes of scale and bias.
    most: [f32; 2],
}

impl Finish {
    /// Scale and bias of each channel.
    ///
    /// # Panics
    /// Where they are not equally many.
    pub fn new(mut scale: Vec<f32>, mut bias: Vec<f32>) -> Self {
        let channels = scale.len();
        crate::check_len("bias", bias.len(), channels);
        scale.resize(padded(channels), 0.0);
        bias.resize(padded(channels), 0.0);
        let most = [largest(&scale), largest(&bias)];
        Self { channels, scale, bias, inner: None, outer: None, most }
    }

    /// With an activation before the residual sum.
    ///
    /// # Panics
    /// Where it has not one slope a channel.
    #[must_use]
    pub fn inner(mut self, inner: Option<Rectifier>) -> Self {
        self.inner = inner.inspect(|r| self.check(r));
        self
    }

    /// With an activation after the residual sum.
    ///
    /// # Panics
    /// Where it has not one slope a channel.
    #[must_use]
    pub fn outer(mut self, outer: Option<Rectifier>) -> Self {
        self.outer = outer.inspect(|r| self.check(r));
        self
    }

    /// Channels it is made for.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Channels that there are numbers for, the padding's included.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn padded(&self) -> usize {
        padded(self.channels)
    }

    /// Whether what follows any whole numbers of 32 bits stays within them, in steps of which there
    /// are `unit` in 1, where a residual is of bytes with `residual` such steps each.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn stays_whole(&self, unit: f32, residual: f32) -> bool {
        let [scale, bias] = self.most.map(|most| most * unit);
        let slopes = [&self.inner, &self.outer].map(|of| of.as_ref().map_or(1.0, |r| r.steepest));
        // 2^31 / 16 and the bias are less than 2^27.6, twice that and a residual less than 2^29.4,
        // and twice that less than 2^31.
        let bounds = [(scale, 1.0 / 16.0), (bias, 6e7), (residual, 1e6), (slopes[0], 2.0)];
        bounds.iter().all(|(most, bound)| most <= bound) && slopes[1] <= 2.0
    }

    fn check(&self, rectifier: &Rectifier) {
        crate::check_len("slopes", rectifier.slopes.len(), padded(self.channels));
    }

    /// What follows the sums of channels `c..c + 8`, in steps of which there are `unit` in 1.
    #[inline(always)]
    pub(super) fn at<L: Lanes>(&self, c: usize, unit: f32) -> FinishLanes<L> {
        FinishLanes {
            scale: L::read(eight(&self.scale, c)).mul(L::splat(unit)),
            bias: L::read(eight(&self.bias, c)).mul(L::splat(unit)),
            inner: match &self.inner {
                Some(inner) => Some(inner.at(c, unit)),
                None => None,
            },
            outer: match &self.outer {
                Some(outer) => Some(outer.at(c, unit)),
                None => None,
            },
        }
    }
}

/// The [`Finish`] of eight channels, for many pixels, in steps.
#[derive(Clone, Copy)]
pub(super) struct FinishLanes<L> {
    scale: L,
    bias: L,
    inner: Option<RectifierLanes<L>>,
    outer: Option<RectifierLanes<L>>,
}

impl<L: Lanes> FinishLanes<L> {
    #[inline(always)]
    pub(super) fn of(&self, sum: L, residual: Option<L>) -> L {
        let mut x = sum.mul(self.scale).add(self.bias);
        if let Some(inner) = &self.inner {
            x = inner.of(x);
        }
        if let Some(residual) = residual {
            x = x.add(residual);
        }
        match &self.outer {
            Some(outer) => outer.of(x),
            None => x,
        }
    }
}

/// Room for eight lanes from any channel on.
fn padded(channels: usize) -> usize {
    pitch(channels) + LANES
}

/// The largest magnitude; a NaN where there is one.
fn largest(of: &[f32]) -> f32 {
    let larger = |most: f32, x: f32| if x > most || x.is_nan() { x } else { most };
    of.iter().map(|x| x.abs()).fold(0.0, larger)
}

#[inline(always)]
fn eight(from: &[f32], i: usize) -> &[f32; 8] {
    from[i..i + 8].try_into().expect("a range of eight")
}
