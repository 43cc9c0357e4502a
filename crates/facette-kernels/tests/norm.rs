//! Normalisation, activations, pooling and linear layers: values against definitions in `f64`,
//! gradients against finite differences of those definitions.

use facette_kernels::linear::{self, LinearShape};
use facette_kernels::norm::{self, BatchNorm, Statistics};
use facette_kernels::pool::{self, PoolShape};
use facette_kernels::{Activation, ChannelShape, Level, activation_at, activation_backward_at};
use proptest::prelude::*;

fn values(len: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12_345);
    (0..len)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect()
}

fn wide(x: &[f32]) -> Vec<f64> {
    x.iter().map(|v| f64::from(*v)).collect()
}

#[track_caller]
fn close(found: &[f32], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(1e-2_f64, |m, v| m.max(v.abs()));
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        let error = (f64::from(*a) - b).abs() / scale;
        assert!(error < tolerance, "{what}[{i}]: {a}, expected {b}");
    }
}

/// `d loss / d x[i]` of `loss(x)` by central differences.
fn differences(x: &[f64], loss: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    let step = 1e-6;
    let mut x = x.to_vec();
    (0..x.len())
        .map(|i| {
            let at = x[i];
            x[i] = at + step;
            let above = loss(&x);
            x[i] = at - step;
            let below = loss(&x);
            x[i] = at;
            (above - below) / (2.0 * step)
        })
        .collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Which activation, without its slopes.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Identity,
    Relu,
    Relu6,
    Prelu,
    SharedPrelu,
}

const KINDS: [Kind; 5] = [Kind::Identity, Kind::Relu, Kind::Relu6, Kind::Prelu, Kind::SharedPrelu];

impl Kind {
    fn slopes(self, channels: usize) -> Vec<f32> {
        let mut slopes = values(channels, 9);
        slopes.truncate(if self == Kind::SharedPrelu { 1 } else { channels });
        slopes
    }

    fn activation(self, slopes: &[f32]) -> Activation<'_> {
        match self {
            Kind::Identity => Activation::Identity,
            Kind::Relu => Activation::Relu,
            Kind::Relu6 => Activation::Relu6,
            Kind::Prelu | Kind::SharedPrelu => Activation::Prelu(slopes),
        }
    }

    fn apply(self, p: f64, slopes: &[f64], channel: usize) -> f64 {
        match self {
            Kind::Identity => p,
            Kind::Relu => p.max(0.0),
            Kind::Relu6 => p.clamp(0.0, 6.0),
            Kind::Prelu | Kind::SharedPrelu if p > 0.0 => p,
            Kind::Prelu | Kind::SharedPrelu => p * slopes[channel % slopes.len()],
        }
    }

    /// Whether `p` is so near a kink that a finite difference would straddle it.
    fn near_kink(self, p: f64) -> bool {
        self != Kind::Identity && (p.abs() < 1e-4 || (p - 6.0).abs() < 1e-4)
    }
}

/// The definition, in `f64`; without `given` statistics, those of `x`.
struct Definition {
    batch: usize,
    channels: usize,
    plane: usize,
    kind: Kind,
    given: Option<(Vec<f64>, Vec<f64>)>,
}

impl Definition {
    fn channel(&self, i: usize) -> usize {
        i / self.plane % self.channels
    }

    fn statistics(&self, x: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let count = (self.batch * self.plane) as f64;
        let mut mean = vec![0.0; self.channels];
        let mut variance = vec![0.0; self.channels];
        for (i, x) in x.iter().enumerate() {
            mean[self.channel(i)] += x / count;
        }
        for (i, x) in x.iter().enumerate() {
            variance[self.channel(i)] += (x - mean[self.channel(i)]).powi(2) / count;
        }
        (mean, variance)
    }

    /// Values before the activation.
    fn before(&self, x: &[f64], gamma: &[f64], beta: &[f64], residual: &[f64]) -> Vec<f64> {
        let (mean, variance) = self.given.clone().unwrap_or_else(|| self.statistics(x));
        let each = x.iter().zip(residual).enumerate();
        each.map(|(i, (x, r))| {
            let c = self.channel(i);
            gamma[c] * (x - mean[c]) / (variance[c] + 1e-5).sqrt() + beta[c] + r
        })
        .collect()
    }

    fn forward(
        &self,
        x: &[f64],
        gamma: &[f64],
        beta: &[f64],
        residual: &[f64],
        slopes: &[f64],
    ) -> Vec<f64> {
        let before = self.before(x, gamma, beta, residual);
        let each = before.iter().enumerate();
        each.map(|(i, p)| self.kind.apply(*p, slopes, self.channel(i))).collect()
    }
}

fn check_norm(
    batch: usize,
    channels: usize,
    plane: usize,
    kind: Kind,
    with_residual: bool,
    train: bool,
) {
    let s = ChannelShape::new(batch, channels, plane).expect("valid");
    // Means away from zero, and values beyond the cap of ReLU6.
    let x: Vec<f32> = values(s.len(), 1).iter().map(|v| v * 2.0 + 3.0).collect();
    let gamma: Vec<f32> = values(channels, 2).iter().map(|v| v * 4.0).collect();
    let (beta, dy) = (values(channels, 3), values(s.len(), 4));
    let slopes = kind.slopes(channels);
    let residual = values(s.len(), 5);
    let given = Statistics {
        mean: values(channels, 6),
        variance: values(channels, 7).iter().map(|v| v + 1.5).collect(),
    };
    let d = Definition {
        batch,
        channels,
        plane,
        kind,
        given: (!train).then(|| (wide(&given.mean), wide(&given.variance))),
    };
    let r = if with_residual { wide(&residual) } else { vec![0.0; s.len()] };
    let (wx, wg, wb, wa) = (wide(&x), wide(&gamma), wide(&beta), wide(&slopes));
    if d.before(&wx, &wg, &wb, &r).iter().any(|p| kind.near_kink(*p)) {
        return;
    }
    let wdy = wide(&dy);
    let y = d.forward(&wx, &wg, &wb, &r, &wa);
    let dx = differences(&wx, |x| dot(&d.forward(x, &wg, &wb, &r, &wa), &wdy));
    let dgamma = differences(&wg, |g| dot(&d.forward(&wx, g, &wb, &r, &wa), &wdy));
    let dbeta = differences(&wb, |b| dot(&d.forward(&wx, &wg, b, &r, &wa), &wdy));
    let dresidual = differences(&r, |r| dot(&d.forward(&wx, &wg, &wb, r, &wa), &wdy));
    let dslope = differences(&wa, |a| dot(&d.forward(&wx, &wg, &wb, &r, a), &wdy));
    for &level in Level::available() {
        let what = |name: &str| {
            format!("{name} of {level:?} {kind:?} {batch}x{channels}x{plane} train {train}")
        };
        let n = BatchNorm {
            shape: s,
            gamma: Some(&gamma),
            beta: Some(&beta),
            epsilon: 1e-5,
            activation: kind.activation(&slopes),
        };
        let rest = with_residual.then_some(residual.as_slice());
        let mut found = vec![f32::NAN; s.len()];
        let statistics = if train {
            norm::batch_norm_train_at(level, &n, &x, rest, &mut found)
        } else {
            norm::batch_norm_infer_at(level, &n, &given, &x, rest, &mut found);
            given.clone()
        };
        if train {
            let (mean, variance) = d.statistics(&wx);
            close(&statistics.mean, &mean, 1e-5, &what("mean"));
            close(&statistics.variance, &variance, 1e-4, &what("variance"));
        }
        close(&found, &y, 2e-4, &what("output"));
        let found = norm::batch_norm_backward_at(level, &n, &statistics, train, &x, rest, &dy);
        close(&found.dx, &dx, 2e-3, &what("dx"));
        close(&found.dgamma, &dgamma, 1e-3, &what("dgamma"));
        close(&found.dbeta, &dbeta, 1e-3, &what("dbeta"));
        assert_eq!(found.dresidual.is_some(), with_residual);
        if let Some(found) = &found.dresidual {
            close(found, &dresidual, 1e-3, &what("dresidual"));
        }
        if matches!(kind, Kind::Prelu | Kind::SharedPrelu) {
            close(&found.dslope, &dslope, 1e-3, &what("dslope"));
        }
    }
}

/// Whether so many values are few enough to be tried: an interpreter takes a second for what takes a millisecond otherwise.
fn fits(values: usize) -> bool {
    !cfg!(miri) || values < 100
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    #[test]
    fn normalisation_agrees_with_the_definition(
        batch in 3_usize..20,
        channels in 1_usize..6,
        plane in prop_oneof![Just(1_usize), Just(4), Just(7), Just(9), Just(16)],
        kind in prop::sample::select(&KINDS[..]),
        residual: bool,
        train: bool,
    ) {
        if fits(batch * channels * plane) {
            check_norm(batch, channels, plane, kind, residual, train);
        }
    }

    #[test]
    fn activations_agree_with_the_definition(
        batch in 1_usize..20,
        channels in 1_usize..6,
        plane in prop_oneof![Just(1_usize), Just(4), Just(9), Just(17)],
        kind in prop::sample::select(&KINDS[..]),
    ) {
        let s = ChannelShape::new(batch, channels, plane).expect("valid");
        if !fits(s.len()) {
            return Ok(());
        }
        let x: Vec<f32> = values(s.len(), 1).iter().map(|v| v * 8.0).collect();
        let dy = values(s.len(), 2);
        let slopes = kind.slopes(channels);
        let act = kind.activation(&slopes);
        let (wx, wa, wdy) = (wide(&x), wide(&slopes), wide(&dy));
        prop_assume!(!wx.iter().any(|p| kind.near_kink(*p)));
        let forward = |x: &[f64], a: &[f64]| -> Vec<f64> {
            x.iter().enumerate().map(|(i, p)| kind.apply(*p, a, i / plane % channels)).collect()
        };
        let expected = forward(&wx, &wa);
        let dx = differences(&wx, |x| dot(&forward(x, &wa), &wdy));
        let dslope = differences(&wa, |a| dot(&forward(&wx, a), &wdy));
        for &level in Level::available() {
            let mut y = vec![f32::NAN; s.len()];
            activation_at(level, &s, act, &x, &mut y);
            close(&y, &expected, 1e-6, "output");
            y.fill(f32::NAN);
            let a = activation_backward_at(level, &s, act, &x, &dy, &mut y);
            close(&y, &dx, 1e-5, "dx");
            if matches!(kind, Kind::Prelu | Kind::SharedPrelu) {
                close(&a, &dslope, 1e-5, "dslope");
            }
        }
    }

    #[test]
    fn pooling_agrees_with_the_definition(
        batch in 1_usize..4,
        channels in 1_usize..4,
        (height, width) in (1_usize..9, 1_usize..9),
        kernel in (1_usize..4, 1_usize..4),
        stride in (1_usize..4, 1_usize..4),
        padding in (0_usize..2, 0_usize..2),
    ) {
        let input = [batch, channels, height, width];
        let Ok(s) = PoolShape::new(input, kernel.into(), stride.into(), padding.into()) else {
            return Ok(());
        };
        if !fits(s.input_len()) {
            return Ok(());
        }
        let (x, dy) = (values(s.input_len(), 1), values(s.output_len(), 2));
        let (oh, ow) = (s.out_height(), s.out_width());
        // One window as (row, column) pairs on the padded plane.
        let window = |i: usize| {
            let (plane, y, x) = (i / (oh * ow), i / ow % oh, i % ow);
            (0..kernel.0 * kernel.1).filter_map(move |k| {
                let row = (y * stride.0 + k / kernel.1).checked_sub(padding.0)?;
                let column = (x * stride.1 + k % kernel.1).checked_sub(padding.1)?;
                (row < height && column < width)
                    .then_some((plane * height + row) * width + column)
            })
        };
        let mean = |x: &[f64]| -> Vec<f64> {
            let share = 1.0 / (kernel.0 * kernel.1) as f64;
            (0..dy.len()).map(|i| window(i).map(|j| x[j] * share).sum()).collect()
        };
        let max = |x: &[f64]| -> Vec<f64> {
            (0..dy.len()).map(|i| window(i).map(|j| x[j]).fold(f64::MIN, f64::max)).collect()
        };
        let (wx, wdy) = (wide(&x), wide(&dy));
        let (mut y, mut dx) = (vec![f32::NAN; dy.len()], vec![f32::NAN; x.len()]);
        pool::average_pool(&s, &x, &mut y);
        close(&y, &mean(&wx), 1e-5, "average");
        pool::average_pool_backward(&s, &dy, &mut dx);
        close(&dx, &differences(&wx, |x| dot(&mean(x), &wdy)), 1e-5, "average gradient");
        pool::max_pool(&s, &x, &mut y);
        close(&y, &max(&wx), 1e-6, "maximum");
        pool::max_pool_backward(&s, &x, &dy, &mut dx);
        close(&dx, &differences(&wx, |x| dot(&max(x), &wdy)), 1e-5, "maximum gradient");
    }

    #[test]
    fn linear_and_global_pooling_agree_with_the_definition(
        batch in 1_usize..36,
        inputs in 1_usize..40,
        outputs in 1_usize..40,
        plane in 1_usize..20,
    ) {
        let s = LinearShape::new(batch, inputs, outputs).expect("valid");
        if !fits(batch * inputs * outputs / 20) {
            return Ok(());
        }
        let (x, w) = (values(batch * inputs, 1), values(outputs * inputs, 2));
        let (bias, dy) = (values(outputs, 3), values(batch * outputs, 4));
        let forward = |x: &[f64], w: &[f64], b: &[f64]| -> Vec<f64> {
            let row = |n: usize, o: usize| {
                dot(&x[n * inputs..][..inputs], &w[o * inputs..][..inputs]) + b[o]
            };
            (0..batch * outputs).map(|i| row(i / outputs, i % outputs)).collect()
        };
        let (wx, ww, wb, wdy) = (wide(&x), wide(&w), wide(&bias), wide(&dy));
        let mut y = vec![f32::NAN; dy.len()];
        linear::linear(&s, &x, &w, Some(&bias), &mut y);
        close(&y, &forward(&wx, &ww, &wb), 1e-5, "linear");
        let (mut dx, mut dw) = (x.clone(), w.clone());
        let mut db = bias.clone();
        linear::linear_input_gradient(&s, &dy, &w, &mut dx);
        linear::linear_weight_gradient(&s, &x, &dy, &mut dw);
        linear::linear_bias_gradient(&s, &dy, &mut db);
        let mut sums = [vec![0.0; dx.len()], vec![0.0; dw.len()], vec![0.0; outputs]];
        for (i, g) in wdy.iter().enumerate() {
            let (n, o) = (i / outputs, i % outputs);
            sums[2][o] += g;
            for k in 0..inputs {
                sums[0][n * inputs + k] += g * ww[o * inputs + k];
                sums[1][o * inputs + k] += g * wx[n * inputs + k];
            }
        }
        close(&dx, &sums[0], 1e-5, "linear dx");
        close(&dw, &sums[1], 1e-5, "linear dw");
        close(&db, &sums[2], 1e-5, "linear db");

        let c = ChannelShape::new(batch, inputs, plane).expect("valid");
        let planes = values(c.len(), 5);
        let mut means = vec![f32::NAN; batch * inputs];
        pool::global_average_pool(&c, &planes, &mut means);
        let expected: Vec<f64> = wide(&planes)
            .chunks_exact(plane)
            .map(|p| p.iter().sum::<f64>() / plane as f64)
            .collect();
        close(&means, &expected, 1e-5, "global pool");
        let mut spread = vec![f32::NAN; c.len()];
        pool::global_average_pool_backward(&c, &means, &mut spread);
        let expected: Vec<f64> =
            (0..c.len()).map(|i| f64::from(means[i / plane]) / plane as f64).collect();
        close(&spread, &expected, 1e-6, "global pool gradient");
    }
}

/// A diverging training must be seen: NaN goes through statistics, ReLU and maximum.
#[test]
fn not_a_number_is_not_hidden() {
    let s = ChannelShape::new(2, 1, 9).expect("valid");
    let mut x = values(18, 1);
    x[3] = f32::NAN;
    for kind in KINDS {
        let slopes = kind.slopes(1);
        let mut y = vec![0.0; 18];
        activation_at(Level::current(), &s, kind.activation(&slopes), &x, &mut y);
        assert!(y[3].is_nan(), "{kind:?}");
    }
    let found = norm::batch_norm_statistics(&s, &x);
    assert!(found.mean[0].is_nan() && found.variance[0].is_nan());
    let p = PoolShape::new([2, 1, 3, 3], [3, 3], [1, 1], [0, 0]).expect("valid");
    let mut y = vec![0.0; 2];
    pool::max_pool(&p, &x, &mut y);
    assert!(y[0].is_nan() && !y[1].is_nan());
}

/// A mean a thousand deviations from zero must not cancel the variance.
#[test]
fn a_far_mean_keeps_the_variance() {
    for plane in [1, 64] {
        let s = ChannelShape::new(64, 1, plane).expect("valid");
        let x: Vec<f32> = values(s.len(), 1).iter().map(|v| v + 1000.0).collect();
        let wide = wide(&x);
        let count = wide.len() as f64;
        let mean = wide.iter().sum::<f64>() / count;
        let variance = wide.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count;
        let found = norm::batch_norm_statistics(&s, &x);
        close(&found.variance, &[variance], 1e-5, "variance");
    }
}

#[test]
#[should_panic(expected = "dy has 3 elements, the shape says 4")]
fn a_slice_of_the_wrong_length_is_named() {
    let s = ChannelShape::new(1, 1, 4).expect("valid");
    let x = [0.0; 4];
    let act = Activation::Relu;
    activation_backward_at(Level::Scalar, &s, act, &x, &[0.0; 3], &mut [0.0; 4]);
}
