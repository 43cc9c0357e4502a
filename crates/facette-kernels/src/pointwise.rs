//! The loops that normalisation and activations share: an affine map of each channel, a residual sum
//! and an activation, forwards and backwards.
//!
//! `y = act(p)` with `p = x * scale + shift + residual`, where `act(p) = min(p, cap)` for `p > 0` and
//! `slope * p` otherwise. The comparisons are written so that a NaN stays a NaN: a diverging training
//! must be seen, not rectified away. Forward and backward pass compute `p` by the same operations, so
//! that they agree on its sign.

use std::mem::MaybeUninit;

use crate::fresh::Fresh;
use crate::level::vectorised;
use crate::reduce::expand;
use crate::simd::Vector;

/// What the loops know of each segment of a picture, as of [`expand`].
pub(crate) struct Terms {
    /// Elements of a picture.
    pub(crate) picture: usize,
    pub(crate) scale: Vec<f32>,
    pub(crate) shift: Vec<f32>,
    pub(crate) slope: Vec<f32>,
    pub(crate) mean: Vec<f32>,
    pub(crate) cap: f32,
    /// A picture without a residual.
    zeros: Vec<f32>,
}

/// [`Terms`] by channel.
pub(crate) struct ChannelTerms<'a> {
    pub(crate) scale: &'a [f32],
    pub(crate) shift: &'a [f32],
    pub(crate) slope: &'a [f32],
    pub(crate) mean: &'a [f32],
    pub(crate) cap: f32,
}

impl Terms {
    pub(crate) fn new(channels: ChannelTerms<'_>, plane: usize) -> Self {
        let picture = channels.scale.len() * plane;
        Self {
            picture,
            scale: expand(channels.scale, plane),
            shift: expand(channels.shift, plane),
            slope: expand(channels.slope, plane),
            mean: expand(channels.mean, plane),
            cap: channels.cap,
            zeros: vec![0.0; picture],
        }
    }

    /// Elements of a segment.
    fn segment(&self) -> usize {
        self.picture / self.scale.len()
    }

    /// The residual of picture `n`, or zeros.
    fn residual<'a>(&'a self, residual: Option<&'a [f32]>, n: usize) -> &'a [f32] {
        residual.map_or(&self.zeros, |r| &r[n * self.picture..][..self.picture])
    }
}

/// The terms of eight elements.
#[derive(Clone, Copy)]
struct Lanes<V> {
    scale: V,
    shift: V,
    slope: V,
    mean: V,
    cap: V,
}

impl<V: Vector> Lanes<V> {
    /// Those of segment `c`, eight times.
    #[inline(always)]
    fn of_segment(t: &Terms, c: usize) -> Self {
        Self {
            scale: V::splat(t.scale[c]),
            shift: V::splat(t.shift[c]),
            slope: V::splat(t.slope[c]),
            mean: V::splat(t.mean[c]),
            cap: V::splat(t.cap),
        }
    }

    /// Those of segments `c..c + 8`.
    #[inline(always)]
    fn of_elements(t: &Terms, c: usize) -> Self {
        Self {
            scale: V::part(&t.scale, c, 0.0),
            shift: V::part(&t.shift, c, 0.0),
            slope: V::part(&t.slope, c, 0.0),
            mean: V::part(&t.mean, c, 0.0),
            cap: V::splat(t.cap),
        }
    }

    /// `p`, the value before the activation.
    #[inline(always)]
    fn before(&self, x: V, residual: V) -> V {
        x.mul_add(self.scale, self.shift.add(residual))
    }

    /// `act(p)`
    #[inline(always)]
    fn activate(&self, p: V) -> V {
        let above = p.less(self.cap, p, self.cap);
        V::splat(0.0).less(p, above, self.slope.mul(p))
    }

    /// `act'(p)`; at 0 the slope below, at the cap 0, as PyTorch has it.
    #[inline(always)]
    fn derivative(&self, p: V) -> V {
        let zero = V::splat(0.0);
        zero.less(p, p.less(self.cap, V::splat(1.0), zero), self.slope)
    }

    /// What eight elements add to `[g, g * (x - mean), gradient of the slope]`.
    #[inline(always)]
    fn gradients(&self, x: V, residual: V, dy: V) -> [V; 3] {
        let p = self.before(x, residual);
        let g = dy.mul(self.derivative(p));
        let zero = V::splat(0.0);
        [g, g.mul(x.sub(self.mean)), zero.less(p, zero, dy.mul(p))]
    }
}

vectorised! {
    /// `y = act(x * scale + shift + residual)` for whole pictures.
    pub(crate) fn apply<V>(t: &Terms, x: &[f32], residual: Option<&[f32]>, y: &mut Fresh) {
        let segment = t.segment();
        for (n, (y, x)) in y.chunks_exact_mut(t.picture).zip(x.chunks_exact(t.picture)).enumerate()
        {
            let r = t.residual(residual, n);
            if segment == 1 {
                for i in (0..t.picture).step_by(8) {
                    let lanes = Lanes::<V>::of_elements(t, i);
                    let p = lanes.before(V::part(x, i, 0.0), V::part(r, i, 0.0));
                    lanes.activate(p).put_fresh(y, i);
                }
                continue;
            }
            let planes = y.chunks_exact_mut(segment).zip(x.chunks_exact(segment));
            for (c, ((y, x), r)) in planes.zip(r.chunks_exact(segment)).enumerate() {
                let lanes = Lanes::<V>::of_segment(t, c);
                for i in (0..segment).step_by(8) {
                    let p = lanes.before(V::part(x, i, 0.0), V::part(r, i, 0.0));
                    lanes.activate(p).put_fresh(y, i);
                }
            }
        }
    }
}

vectorised! {
    /// Adds, for whole pictures, `[g, g * (x - mean), gradient of the slope]` to the sums of each
    /// segment, where `g = dy * act'(p)`.
    pub(crate) fn reduce<V>(
        t: &Terms,
        x: &[f32],
        residual: Option<&[f32]>,
        dy: &[f32],
        sums: &mut [Vec<f32>; 3],
    ) {
        let segment = t.segment();
        for (n, (x, dy)) in x.chunks_exact(t.picture).zip(dy.chunks_exact(t.picture)).enumerate() {
            let r = t.residual(residual, n);
            if segment == 1 {
                for i in (0..t.picture).step_by(8) {
                    let lanes = Lanes::<V>::of_elements(t, i);
                    let (x, r) = (V::part(x, i, 0.0), V::part(r, i, 0.0));
                    let gradients = lanes.gradients(x, r, V::part(dy, i, 0.0));
                    for (sums, gradient) in sums.iter_mut().zip(gradients) {
                        V::part(sums, i, 0.0).add(gradient).put(sums, i);
                    }
                }
                continue;
            }
            let planes = x.chunks_exact(segment).zip(dy.chunks_exact(segment));
            for (c, ((x, dy), r)) in planes.zip(r.chunks_exact(segment)).enumerate() {
                let lanes = Lanes::<V>::of_segment(t, c);
                let mut totals = [V::splat(0.0); 3];
                for i in (0..segment).step_by(8) {
                    let (x, r) = (V::part(x, i, 0.0), V::part(r, i, 0.0));
                    let gradients = lanes.gradients(x, r, V::part(dy, i, 0.0));
                    for (total, gradient) in totals.iter_mut().zip(gradients) {
                        *total = total.add(gradient);
                    }
                }
                for (sums, total) in sums.iter_mut().zip(totals) {
                    sums[c] += total.sum();
                }
            }
        }
    }
}

vectorised! {
    /// For whole pictures, `dx = scale * g + linear * (x - mean) + constant`, and `g` to the residual.
    pub(crate) fn distribute<V>(
        t: &Terms,
        constant: &[f32],
        linear: &[f32],
        x: &[f32],
        residual: Option<&[f32]>,
        dy: &[f32],
        dx: &mut Fresh,
        dresidual: Option<&mut Fresh>,
    ) {
        let segment = t.segment();
        let mut unwanted = vec![MaybeUninit::uninit(); t.picture];
        let mut dresidual = dresidual.map(|d| d.chunks_exact_mut(t.picture));
        let pictures = dx.chunks_exact_mut(t.picture).zip(x.chunks_exact(t.picture));
        for (n, ((dx, x), dy)) in pictures.zip(dy.chunks_exact(t.picture)).enumerate() {
            let r = t.residual(residual, n);
            let dr = dresidual.as_mut().and_then(Iterator::next).unwrap_or(&mut unwanted);
            if segment == 1 {
                for i in (0..t.picture).step_by(8) {
                    let lanes = Lanes::<V>::of_elements(t, i);
                    let (x, r) = (V::part(x, i, 0.0), V::part(r, i, 0.0));
                    let [g, ..] = lanes.gradients(x, r, V::part(dy, i, 0.0));
                    let (linear, constant) = (V::part(linear, i, 0.0), V::part(constant, i, 0.0));
                    g.put_fresh(dr, i);
                    let rest = x.sub(lanes.mean).mul_add(linear, constant);
                    g.mul_add(lanes.scale, rest).put_fresh(dx, i);
                }
                continue;
            }
            let planes = dx.chunks_exact_mut(segment).zip(dr.chunks_exact_mut(segment));
            let planes = planes.zip(x.chunks_exact(segment)).zip(dy.chunks_exact(segment));
            for (c, ((((dx, dr), x), dy), r)) in planes.zip(r.chunks_exact(segment)).enumerate() {
                let lanes = Lanes::<V>::of_segment(t, c);
                let (linear, constant) = (V::splat(linear[c]), V::splat(constant[c]));
                for i in (0..segment).step_by(8) {
                    let (x, r) = (V::part(x, i, 0.0), V::part(r, i, 0.0));
                    let [g, ..] = lanes.gradients(x, r, V::part(dy, i, 0.0));
                    g.put_fresh(dr, i);
                    let rest = x.sub(lanes.mean).mul_add(linear, constant);
                    g.mul_add(lanes.scale, rest).put_fresh(dx, i);
                }
            }
        }
    }
}

vectorised! {
    /// Adds `x - pivot` and its square to the sums of each segment of whole pictures.
    pub(crate) fn moments<V>(picture: usize, pivots: &[f32], x: &[f32], sums: &mut [Vec<f32>; 2]) {
        let segment = picture / pivots.len();
        let [sums, squares] = sums;
        for x in x.chunks_exact(picture) {
            if segment == 1 {
                for i in (0..picture).step_by(8) {
                    let d = V::part(x, i, 0.0).sub(V::part(pivots, i, 0.0));
                    V::part(sums, i, 0.0).add(d).put(sums, i);
                    d.mul_add(d, V::part(squares, i, 0.0)).put(squares, i);
                }
                continue;
            }
            for (c, x) in x.chunks_exact(segment).enumerate() {
                let pivot = V::splat(pivots[c]);
                let (mut sum, mut square) = (V::splat(0.0), V::splat(0.0));
                for i in (0..segment).step_by(8) {
                    let d = V::part(x, i, pivots[c]).sub(pivot);
                    sum = sum.add(d);
                    square = d.mul_add(d, square);
                }
                sums[c] += sum.sum();
                squares[c] += square.sum();
            }
        }
    }
}
