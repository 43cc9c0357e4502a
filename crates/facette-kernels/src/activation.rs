//! Activations, alone or after a normalisation.

use rayon::prelude::*;

use crate::fresh::fresh;
use crate::pointwise::{self, ChannelTerms, Terms};
use crate::reduce::{PICTURES, channel_sums};
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

    /// The activation alone: a scale of 1 and no shift.
    fn terms(&self, s: &ChannelShape) -> Terms {
        let (one, zero) = (vec![1.0; s.channels], vec![0.0; s.channels]);
        let slope = &self.slopes(s.channels);
        let channels =
            ChannelTerms { scale: &one, shift: &zero, slope, mean: &zero, cap: self.cap() };
        Terms::new(channels, s.plane)
    }

    /// The gradient by the slopes that were given, from the sums of each channel.
    pub(crate) fn slope_gradient(&self, sums: &[f64]) -> Vec<f32> {
        match self {
            Activation::Prelu([_]) => vec![sums.iter().sum::<f64>() as f32],
            Activation::Prelu(_) => sums.iter().map(|sum| *sum as f32).collect(),
            _ => Vec::new(),
        }
    }

    /// The largest value.
    pub(crate) fn cap(&self) -> f32 {
        if *self == Activation::Relu6 { 6.0 } else { f32::INFINITY }
    }
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
    let part = PICTURES * s.picture();
    let terms = act.terms(s);
    // SAFETY: the loops write initialised values.
    let y = unsafe { fresh(y) };
    y.par_chunks_mut(part)
        .zip(x.par_chunks(part))
        .for_each(|(y, x)| pointwise::apply(level, &terms, x, None, y));
}

/// The gradient of [`activation`]: writes `dx` and returns the gradient by the slopes of
/// [`Activation::Prelu`], as many as were given; none for other activations.
///
/// # Panics
/// Where a slice is not as long as the shape says.
pub fn activation_backward(
    s: &ChannelShape,
    act: Activation<'_>,
    x: &[f32],
    dy: &[f32],
    dx: &mut [f32],
) -> Vec<f32> {
    activation_backward_at(Level::current(), s, act, x, dy, dx)
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
) -> Vec<f32> {
    check_len("x", x.len(), s.len());
    check_len("dy", dy.len(), s.len());
    check_len("dx", dx.len(), s.len());
    let part = PICTURES * s.picture();
    let terms = act.terms(s);
    let none = vec![0.0; s.picture()];
    // SAFETY: the loops write initialised values.
    let dx = unsafe { fresh(dx) };
    let parts: Vec<[Vec<f32>; 3]> =
        (dx.par_chunks_mut(part), x.par_chunks(part), dy.par_chunks(part))
            .into_par_iter()
            .map(|(dx, x, dy)| {
                pointwise::distribute(level, &terms, &none, &none, x, None, dy, dx, None);
                let mut sums = [(); 3].map(|()| vec![0.0; terms.scale.len()]);
                if matches!(act, Activation::Prelu(_)) {
                    pointwise::reduce(level, &terms, x, None, dy, &mut sums);
                }
                sums
            })
            .collect();
    act.slope_gradient(&channel_sums(parts.iter().map(|p| p[2].as_slice()), s.channels))
}
