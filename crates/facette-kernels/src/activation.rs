//! Activations in one form, so that every kernel fuses with any of them.
//!
//! `act(p) = min(p, cap)` for `p > 0` and `slope * p` otherwise. The comparison is written so that a
//! NaN stays a NaN: a diverging training must be seen, not rectified away.

use rayon::prelude::*;

use crate::level::vectorised;
use crate::reduce::{PICTURES, channel_sums, expand};
use crate::{KernelError, Level, check_len};

/// A tensor `[batch, channels, plane]`, where `plane` is height times width, or 1 for `[batch, channels]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelShape {
    pub(crate) batch: usize,
    pub(crate) channels: usize,
    pub(crate) plane: usize,
}

impl ChannelShape {
    /// Checks a shape; the batch may be zero.
    ///
    /// # Errors
    /// Where channels or plane are zero, or the tensor could not be addressed.
    pub fn new(batch: usize, channels: usize, plane: usize) -> Result<Self, KernelError> {
        for (field, value) in [("channels", channels), ("plane", plane)] {
            if value == 0 {
                return Err(KernelError::Zero { field });
            }
        }
        let elements = [batch.max(PICTURES), channels, plane]
            .iter()
            .try_fold(64_usize, |product, size| product.checked_mul(*size));
        if elements.is_none_or(|n| n > isize::MAX as usize) {
            return Err(KernelError::TooLarge { tensor: "the tensor" });
        }
        Ok(Self { batch, channels, plane })
    }

    /// Elements of the tensor.
    pub fn len(&self) -> usize {
        self.batch * self.picture()
    }

    /// Whether the batch is empty.
    pub fn is_empty(&self) -> bool {
        self.batch == 0
    }

    pub(crate) fn picture(&self) -> usize {
        self.channels * self.plane
    }
}

/// A function applied to every element.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Activation<'a> {
    /// The element itself.
    Identity,
    /// `max(p, 0)`.
    Relu,
    /// `min(max(p, 0), 6)`.
    Relu6,
    /// `p` where positive, `slope * p` otherwise; one slope, or one for each channel.
    Prelu(&'a [f32]),
}

impl Activation<'_> {
    /// The slope below zero of each channel.
    pub(crate) fn slopes(&self, channels: usize) -> Vec<f32> {
        match self {
            Activation::Identity => vec![1.0; channels],
            Activation::Relu | Activation::Relu6 => vec![0.0; channels],
            Activation::Prelu([slope]) => vec![*slope; channels],
            Activation::Prelu(slopes) => {
                check_len("slope", slopes.len(), channels);
                slopes.to_vec()
            }
        }
    }

    /// The largest value.
    pub(crate) fn cap(&self) -> f32 {
        if *self == Activation::Relu6 { 6.0 } else { f32::INFINITY }
    }
}

/// `act(p)`.
#[inline(always)]
pub(crate) fn activate(p: f32, slope: f32, cap: f32) -> f32 {
    let above = if p < cap { p } else { cap };
    if p > 0.0 { above } else { slope * p }
}

/// `act'(p)`; at 0 the slope below, at the cap 0, as PyTorch has it.
#[inline(always)]
pub(crate) fn derivative(p: f32, slope: f32, cap: f32) -> f32 {
    let above = if p < cap { 1.0 } else { 0.0 };
    if p > 0.0 { above } else { slope }
}

/// `y = act(x)`.
///
/// # Panics
/// Where a slice is not as long as the shape says.
pub fn activation(s: &ChannelShape, act: Activation<'_>, x: &[f32], y: &mut [f32]) {
    activation_at(Level::current(), s, act, x, y);
}

/// [`activation`] with the kernels of a given level.
///
/// # Panics
/// Where a slice is not as long as the shape says.
pub fn activation_at(
    level: Level,
    s: &ChannelShape,
    act: Activation<'_>,
    x: &[f32],
    y: &mut [f32],
) {
    check_len("x", x.len(), s.len());
    check_len("y", y.len(), s.len());
    let slopes = expand(&act.slopes(s.channels), s.plane);
    y.par_chunks_mut(PICTURES * s.picture())
        .zip(x.par_chunks(PICTURES * s.picture()))
        .for_each(|(y, x)| forward(level, &slopes, s.picture(), act.cap(), x, y));
}

vectorised! {
    fn forward(slopes: &[f32], picture: usize, cap: f32, x: &[f32], y: &mut [f32]) {
        let segment = picture / slopes.len();
        let segments = y.chunks_exact_mut(segment).zip(x.chunks_exact(segment));
        if segment == 1 {
            for (y, x) in y.chunks_exact_mut(picture).zip(x.chunks_exact(picture)) {
                for ((y, x), slope) in y.iter_mut().zip(x).zip(slopes) {
                    *y = activate(*x, *slope, cap);
                }
            }
            return;
        }
        for ((y, x), slope) in segments.zip(slopes.iter().cycle()) {
            for (y, x) in y.iter_mut().zip(x) {
                *y = activate(*x, *slope, cap);
            }
        }
    }
}

/// The gradient of [`activation`]: writes `dx`, and `dslope` (one value or one for each channel, as
/// the slopes of [`Activation::Prelu`]) where asked.
///
/// # Panics
/// Where a slice is not as long as the shape says.
pub fn activation_backward(
    s: &ChannelShape,
    act: Activation<'_>,
    x: &[f32],
    dy: &[f32],
    dx: &mut [f32],
    dslope: Option<&mut [f32]>,
) {
    activation_backward_at(Level::current(), s, act, x, dy, dx, dslope);
}

/// [`activation_backward`] with the kernels of a given level.
///
/// # Panics
/// Where a slice is not as long as the shape says.
pub fn activation_backward_at(
    level: Level,
    s: &ChannelShape,
    act: Activation<'_>,
    x: &[f32],
    dy: &[f32],
    dx: &mut [f32],
    dslope: Option<&mut [f32]>,
) {
    check_len("x", x.len(), s.len());
    check_len("dy", dy.len(), s.len());
    check_len("dx", dx.len(), s.len());
    let slopes = expand(&act.slopes(s.channels), s.plane);
    let part = PICTURES * s.picture();
    let parts: Vec<Vec<f32>> = (dx.par_chunks_mut(part), x.par_chunks(part), dy.par_chunks(part))
        .into_par_iter()
        .map(|(dx, x, dy)| {
            let mut sums = vec![0.0; slopes.len()];
            backward(level, &slopes, s.picture(), act.cap(), x, dy, dx, &mut sums);
            sums
        })
        .collect();
    if let Some(dslope) = dslope {
        store_slope_gradient(dslope, &channel_sums(parts.iter().map(Vec::as_slice), s.channels));
    }
}

/// Stores the gradient of each channel's slope, or their sum where one slope serves all.
pub(crate) fn store_slope_gradient(dslope: &mut [f32], sums: &[f64]) {
    if let [dslope] = dslope {
        *dslope = sums.iter().sum::<f64>() as f32;
        return;
    }
    check_len("dslope", dslope.len(), sums.len());
    for (dslope, sum) in dslope.iter_mut().zip(sums) {
        *dslope = *sum as f32;
    }
}

vectorised! {
    fn backward(
        slopes: &[f32],
        picture: usize,
        cap: f32,
        x: &[f32],
        dy: &[f32],
        dx: &mut [f32],
        sums: &mut [f32],
    ) {
        let segment = picture / slopes.len();
        let pictures = dx.chunks_exact_mut(picture).zip(x.chunks_exact(picture));
        for ((dx, x), dy) in pictures.zip(dy.chunks_exact(picture)) {
            if segment == 1 {
                let elements = dx.iter_mut().zip(x).zip(dy).zip(slopes).zip(&mut *sums);
                for ((((dx, x), dy), slope), sum) in elements {
                    *dx = dy * derivative(*x, *slope, cap);
                    *sum += if *x > 0.0 { 0.0 } else { dy * x };
                }
                continue;
            }
            let planes = dx.chunks_exact_mut(segment).zip(x.chunks_exact(segment));
            let planes = planes.zip(dy.chunks_exact(segment)).zip(slopes).zip(&mut *sums);
            for ((((dx, x), dy), slope), sum) in planes {
                let mut strands = [0.0_f32; 8];
                let (dx, dx_tail) = dx.as_chunks_mut::<8>();
                let ((x, x_tail), (dy, dy_tail)) = (x.as_chunks::<8>(), dy.as_chunks::<8>());
                for ((dx, x), dy) in dx.iter_mut().zip(x).zip(dy) {
                    for i in 0..8 {
                        dx[i] = dy[i] * derivative(x[i], *slope, cap);
                        strands[i] += if x[i] > 0.0 { 0.0 } else { dy[i] * x[i] };
                    }
                }
                for ((dx, x), dy) in dx_tail.iter_mut().zip(x_tail).zip(dy_tail) {
                    *dx = dy * derivative(*x, *slope, cap);
                    strands[0] += if *x > 0.0 { 0.0 } else { dy * x };
                }
                *sum += strands.iter().sum::<f32>();
            }
        }
    }
}
