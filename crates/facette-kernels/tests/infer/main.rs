//! Every level's frozen layers against the definition, over odd shapes; and against each other, to
//! the byte, where the same bytes are promised.

mod bytes;
mod fixed;

use facette_kernels::conv::{ConvOptions, ConvShape};
use facette_kernels::infer::{
    Arithmetic, Code, Conv, Exact, Finish, Fixed, Fused, Rectifier, Source, Target, Value, Whole,
    Window, Work, average, maximum, pitch, pointwise,
};
use facette_kernels::{KernelError, Level};
use proptest::prelude::*;

/// Whether a layer is small enough to be tried: an interpreter takes a second for what takes a millisecond otherwise.
fn fits(s: &ConvShape) -> bool {
    let [batch, ..] = s.input_size();
    !cfg!(miri) || s.weight_len() * s.out_height() * s.out_width() * batch < 4_000
}

/// Numbers of 0..1 without a pattern.
fn numbers(seed: u32) -> impl FnMut() -> f32 {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12_345);
    move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32
    }
}

fn values(len: usize, seed: u32) -> Vec<f32> {
    let mut next = numbers(seed);
    (0..len).map(|_| 2.0 * next() - 1.0).collect()
}

fn bytes(len: usize, seed: u32) -> Vec<u8> {
    let mut next = numbers(seed);
    (0..len).map(|_| (256.0 * next()) as u8).collect()
}

fn code(scale: f32, zero: u8) -> Code {
    Code::new(scale, zero).unwrap()
}

/// The definition, summed in `f64`: outputs `[picture][pixel][channel]` without padding.
fn sums(
    s: &ConvShape,
    x: impl Fn(usize) -> f64,
    w: &[f64],
    o: &ConvOptions,
    k: [usize; 2],
) -> Vec<f64> {
    let [batch, inputs, height, width] = s.input_size();
    let (group_in, group_out) = (inputs / o.groups, s.out_channels() / o.groups);
    let mut y = Vec::new();
    for n in 0..batch {
        for pixel in 0..s.out_height() * s.out_width() {
            for output in 0..s.out_channels() {
                let mut sum = 0.0;
                for (i, j) in (0..k[0]).flat_map(|i| (0..k[1]).map(move |j| (i, j))) {
                    let row = pixel / s.out_width() * o.stride[0] + i * o.dilation[0];
                    let column = pixel % s.out_width() * o.stride[1] + j * o.dilation[1];
                    let on = |at: usize, pad: usize, size: usize| at >= pad && at - pad < size;
                    if !on(row, o.padding[0], height) || !on(column, o.padding[1], width) {
                        continue;
                    }
                    let place = (n * height + row - o.padding[0]) * width + column - o.padding[1];
                    for c in 0..group_in {
                        let channel = output / group_out * group_in + c;
                        let tap = ((output * group_in + c) * k[0] + i) * k[1] + j;
                        sum += x(place * pitch(inputs) + channel) * w[tap];
                    }
                }
                y.push(sum);
            }
        }
    }
    y
}

/// A finish with everything in it, and the same in `f64`.
fn finish(channels: usize, scale: f32) -> (Finish, impl Fn(usize, f64, f64) -> f64) {
    let (bias, slopes) = (values(channels, 21), values(channels, 22));
    let scales: Vec<f32> = values(channels, 23).iter().map(|v| scale * (1.0 + 0.5 * v)).collect();
    let finish = Finish::new(scales.clone(), bias.clone())
        .inner(Some(Rectifier::new(slopes.clone(), f32::INFINITY)))
        .outer(Some(Rectifier::new(vec![0.0; channels], 6.0)));
    let definition = move |c: usize, sum: f64, residual: f64| {
        let x = sum * f64::from(scales[c]) + f64::from(bias[c]);
        let x = if x < 0.0 { x * f64::from(slopes[c]) } else { x };
        (x + residual).clamp(0.0, 6.0)
    };
    (finish, definition)
}

/// Runs a layer on every level and yields what each wrote.
fn run<A: Arithmetic, R: Value, Y: Value>(
    layer: &Conv<A>,
    s: &ConvShape,
    x: Source<'_, A::Source>,
    residual: Option<Source<'_, R>>,
    code: Y::Code,
) -> Vec<Vec<Y>> {
    let [batch, ..] = s.input_size();
    let len = batch * s.out_height() * s.out_width() * pitch(s.out_channels());
    let mut work = Work::default();
    layer.reserve(&mut work, batch);
    let levels = Level::available().iter();
    levels
        .map(|&level| {
            // Filled with what no result is, so that a value never written shows.
            let mut y = vec![Y::write(777.0, code); len];
            layer.run(level, batch, x, residual, Target { values: &mut y, code }, &mut work);
            y
        })
        .collect()
}

/// Whether the channels of `found` are `expected`, relative to the largest.
fn near<Y: Value>(
    found: &[Y],
    code: Y::Code,
    channels: usize,
    expected: &[f64],
    bound: f64,
) -> bool {
    let scale = expected.iter().fold(1e-3_f64, |m, v| m.max(v.abs()));
    let found = found.chunks_exact(pitch(channels)).flat_map(|pixel| &pixel[..channels]);
    found.zip(expected).all(|(f, e)| (f64::from(f.read(code)) - e).abs() <= bound * scale)
}

/// All channels without the padding behind them.
fn channels<Y: Value>(y: &[Y], channels: usize) -> Vec<Y> {
    y.chunks_exact(pitch(channels)).flat_map(|pixel| pixel[..channels].to_vec()).collect()
}

fn check_floats(s: &ConvShape, o: &ConvOptions, k: [usize; 2]) {
    let [batch, inputs, height, width] = s.input_size();
    let mut x = values(batch * height * width * pitch(inputs), 1);
    for pixel in x.chunks_exact_mut(pitch(inputs)) {
        pixel[inputs..].fill(f32::NAN);
    }
    let w = values(s.weight_len(), 2);
    let outputs = s.out_channels();
    let residual = values(batch * s.out_height() * s.out_width() * pitch(outputs), 3);
    let wide: Vec<f64> = w.iter().map(|&w| w.into()).collect();
    let sums = sums(s, |i| x[i].into(), &wide, o, k);
    let (finish, definition) = finish(outputs, 0.5);
    let with = |residual: &dyn Fn(usize) -> f64| -> Vec<f64> {
        let each = sums.iter().enumerate();
        each.map(|(i, &sum)| {
            definition(i % outputs, sum, residual(i / outputs * pitch(outputs) + i % outputs))
        })
        .collect()
    };
    let (alone, summed) = (with(&|_| 0.0), with(&|i| residual[i].into()));
    let source = Source { values: &x[..], code: () };
    let other = Source { values: &residual[..], code: () };

    let fused = Conv::<Fused>::new(s, &w, finish.clone());
    for y in run::<_, f32, f32>(&fused, s, source, None, ()) {
        assert!(near(&y, (), outputs, &alone, 1e-5), "{} {s:?}", fused.method());
    }
    for y in run::<_, f32, f32>(&fused, s, source, Some(other), ()) {
        assert!(near(&y, (), outputs, &summed, 1e-5), "{} {s:?}", fused.method());
    }
    check_alone(&fused, s, &x, &residual);
    let exact = Conv::<Exact>::new(s, &w, finish);
    let found = run::<_, f32, f32>(&exact, s, source, Some(other), ());
    for y in &found {
        assert!(near(y, (), outputs, &summed, 1e-5), "{s:?}");
        assert_eq!(channels(y, outputs), channels(&found[0], outputs), "{s:?}");
    }
    let step = code(6.0 / 255.0, 0);
    for y in run::<_, f32, u8>(&exact, s, source, Some(other), step) {
        let found = channels(&y, outputs);
        for (found, expected) in found.iter().zip(&summed) {
            let apart = (f64::from(found.read(step)) - expected).abs();
            assert!(apart <= 0.501 * f64::from(step.scale()), "{s:?}");
        }
    }
}

/// Whether pictures come out to the byte as they do without others beside them.
fn check_alone(layer: &Conv<Fused>, s: &ConvShape, x: &[f32], residual: &[f32]) {
    let [batch, ..] = s.input_size();
    let run = |level, batch, x: &[f32], residual: &[f32]| {
        let (mut y, mut work) = (vec![f32::NAN; residual.len()], Work::default());
        layer.reserve(&mut work, batch);
        let residual = Some(Source { values: residual, code: () });
        let target = Target { values: &mut y, code: () };
        layer.run(level, batch, Source { values: x, code: () }, residual, target, &mut work);
        channels(&y, s.out_channels())
    };
    let each = x.chunks_exact(x.len() / batch).zip(residual.chunks_exact(residual.len() / batch));
    for &level in Level::available() {
        let alone: Vec<f32> = each.clone().flat_map(|(x, r)| run(level, 1, x, r)).collect();
        assert_eq!(run(level, batch, x, residual), alone, "{} {s:?}", layer.method());
    }
}

fn check_whole(s: &ConvShape, o: &ConvOptions, k: [usize; 2], most: f32) {
    let [batch, inputs, height, width] = s.input_size();
    let x = bytes(batch * height * width * pitch(inputs), 1);
    let w: Vec<i8> = values(s.weight_len(), 2).iter().map(|v| (v * most).round() as i8).collect();
    let outputs = s.out_channels();
    let residual = bytes(batch * s.out_height() * s.out_width() * pitch(outputs), 3);
    let (of_x, of_residual, of_y) = (code(0.02, 77), code(0.01, 128), code(6.0 / 255.0, 0));
    let wide: Vec<f64> = w.iter().map(|&w| w.into()).collect();
    let sums = sums(s, |i| f64::from(x[i]) - 77.0, &wide, o, k);
    let finish = Finish::new(vec![1e-3; outputs], values(outputs, 4));
    let layer = Conv::<Whole>::new(s, &w, finish);
    let source = Source { values: &x[..], code: of_x };
    let other = Source { values: &residual[..], code: of_residual };

    // The specification to the last bit: whole sums, then rounded f32 operations.
    let bias = values(outputs, 4);
    // In steps of which there are `unit` in 1.
    let finished = |i: usize, unit: f32| {
        let residual = f32::from(residual[i / outputs * pitch(outputs) + i % outputs]) - 128.0;
        let scaled = sums[i] as f32 * (1e-3 * unit) + bias[i % outputs] * unit;
        scaled + residual * (of_residual.scale() * unit)
    };
    let exact: Vec<f32> = (0..sums.len()).map(|i| finished(i, 1.0)).collect();
    for y in run::<_, u8, f32>(&layer, s, source, Some(other), ()) {
        assert_eq!(channels(&y, outputs), exact, "{} {s:?}", layer.method());
    }
    let in_steps = |i: usize| u8::write(finished(i, 1.0 / of_y.scale()), code(1.0, of_y.zero()));
    let exact: Vec<u8> = (0..exact.len()).map(in_steps).collect();
    for y in run::<_, u8, u8>(&layer, s, source, Some(other), of_y) {
        assert_eq!(channels(&y, outputs), exact, "{} {s:?}", layer.method());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn agrees_with_the_definition(
        batch in 1_usize..4,
        (groups, in_group, out_group) in (1_usize..4, 1_usize..20, 1_usize..36),
        (height, width) in (1_usize..11, 1_usize..11),
        (kernel, stride) in ([1_usize..5, 1..5], [1_usize..4, 1..4]),
        (padding, dilation) in ([0_usize..4, 0..4], [1_usize..3, 1..3]),
        most in 1.0_f32..127.4,
    ) {
        let o = ConvOptions { stride, padding, dilation, groups };
        let input = [batch, groups * in_group, height, width];
        if let Ok(s) = ConvShape::new(input, groups * out_group, kernel, o)
            && fits(&s)
        {
            check_floats(&s, &o, kernel);
            fixed::check_fixed(&s, &o, kernel);
            check_whole(&s, &o, kernel, most);
        }
    }

    #[test]
    fn depthwise_agrees_with_the_definition(
        batch in 1_usize..4,
        channels in 2_usize..20,
        (height, width) in (1_usize..11, 1_usize..11),
        (kernel, stride) in ([1_usize..5, 1..5], [1_usize..4, 1..4]),
        (padding, dilation) in ([0_usize..4, 0..4], [1_usize..3, 1..3]),
    ) {
        let o = ConvOptions { stride, padding, dilation, groups: channels };
        if let Ok(s) = ConvShape::new([batch, channels, height, width], channels, kernel, o)
            && fits(&s)
        {
            check_floats(&s, &o, kernel);
            fixed::check_fixed(&s, &o, kernel);
            check_whole(&s, &o, kernel, 127.0);
        }
    }

    #[test]
    fn the_shortcut_agrees_with_the_definition(
        batch in 1_usize..6,
        (inputs, outputs) in (8_usize..40, 8_usize..40),
        (height, width) in (3_usize..18, 3_usize..18),
        padding in [0_usize..3, 0..3],
        most in 1.0_f32..127.4,
    ) {
        let o = ConvOptions { padding, ..ConvOptions::default() };
        if let Ok(s) = ConvShape::new([batch, inputs, height, width], outputs, [3, 3], o)
            && fits(&s)
        {
            check_floats(&s, &o, [3, 3]);
            check_whole(&s, &o, [3, 3], most);
        }
    }

    /// Of one tile of 4x4 outputs or less, which floats compute in tiles of 2x2.
    #[test]
    fn the_shortcut_on_small_maps_agrees_with_the_definition(
        batch in 1_usize..16,
        (inputs, outputs) in (8_usize..40, 8_usize..40),
        (out_height, out_width) in (1_usize..5, 1_usize..5),
        padding in [0_usize..3, 0..3],
        most in 1.0_f32..127.4,
    ) {
        let o = ConvOptions { padding, ..ConvOptions::default() };
        let [height, width] = [(out_height, 0), (out_width, 1)]
            .map(|(size, axis)| (size + 2).saturating_sub(2 * padding[axis]).max(1));
        let s = ConvShape::new([batch, inputs, height, width], outputs, [3, 3], o).unwrap();
        if fits(&s) {
            check_floats(&s, &o, [3, 3]);
            check_whole(&s, &o, [3, 3], most);
        }
    }

    #[test]
    fn pools_agree_with_the_definition(
        (batch, channels) in (1_usize..4, 1_usize..20),
        (height, width) in (1_usize..11, 1_usize..11),
        (kernel, stride) in ([1_usize..5, 1..5], [1_usize..4, 1..4]),
        padding in [0_usize..3, 0..3],
    ) {
        let window = Window::new([channels, height, width], kernel, stride, padding);
        prop_assume!(window.is_ok());
        let window = window.unwrap();
        let side = |i: usize, size: usize| (size + 2 * padding[i] - kernel[i]) / stride[i] + 1;
        let (rows, columns) = (side(0, height), side(1, width));
        let x = values(batch * height * width * pitch(channels), 1);
        let (mut most, mut mean) = (Vec::new(), Vec::new());
        for pixel in 0..batch * rows * columns {
            for c in 0..channels {
                let mut seen = Vec::new();
                for i in 0..kernel[0] * kernel[1] {
                    let row = pixel / columns % rows * stride[0] + i / kernel[1];
                    let column = pixel % columns * stride[1] + i % kernel[1];
                    let on = |at: usize, pad: usize, size: usize| at >= pad && at - pad < size;
                    if on(row, padding[0], height) && on(column, padding[1], width) {
                        let first = pixel / columns / rows * height + row - padding[0];
                        let place = first * width + column - padding[1];
                        seen.push(f64::from(x[place * pitch(channels) + c]));
                    }
                }
                most.push(seen.iter().copied().fold(f64::NEG_INFINITY, f64::max));
                mean.push(seen.iter().sum::<f64>() / (kernel[0] * kernel[1]) as f64);
            }
        }
        let source = Source { values: &x[..], code: () };
        for &level in Level::available() {
            let mut y = vec![f32::NAN; batch * rows * columns * pitch(channels)];
            maximum(level, &window, batch, source, Target { values: &mut y, code: () });
            prop_assert!(near(&y, (), channels, &most, 0.0));
            average(level, &window, batch, source, Target { values: &mut y, code: () });
            prop_assert!(near(&y, (), channels, &mean, 1e-6));
        }
    }
}

#[test]
fn the_shortcut_is_taken_and_stops_where_it_would_run_over() {
    let shape = |channels| {
        let o = ConvOptions { padding: [1, 1], ..ConvOptions::default() };
        (ConvShape::new([1, channels, 8, 8], 8, [3, 3], o).unwrap(), o)
    };
    for (channels, weight, method) in [
        (8, 127_i8, "winograd"),
        (115, 127, "winograd"),
        (116, 127, "direct"),
        (116, -126, "winograd"),
    ] {
        let (s, o) = shape(channels);
        let layer = Conv::<Whole>::new(
            &s,
            &vec![weight; s.weight_len()],
            Finish::new(vec![1.0; 8], vec![0.0; 8]),
        );
        assert_eq!(layer.method(), method, "{channels} {weight}");
        // The largest sums that can occur.
        for byte in [0, 255].into_iter().filter(|_| fits(&s)) {
            let x = vec![byte; 64 * pitch(channels)];
            let sums =
                sums(&s, |_| f64::from(byte), &vec![weight.into(); s.weight_len()], &o, [3, 3]);
            let source = Source { values: &x[..], code: code(1.0, 0) };
            for y in run::<_, f32, f32>(&layer, &s, source, None, ()) {
                assert!(near(&y, (), 8, &sums, 1e-7), "f32 has 24 bits");
            }
        }
    }
}

#[test]
fn sums_of_bytes_are_converted() {
    let (x, r) = (bytes(48, 1), bytes(48, 2));
    let finish = Finish::new(vec![1.0; 12], vec![0.0; 12]);
    let (of_x, of_r, of_y) = (code(0.5, 10), code(0.25, 20), code(1.0, 100));
    for &level in Level::available() {
        let mut y = vec![0; 48];
        let residual = Some(Source { values: &r[..], code: of_r });
        let target = Target { values: &mut y, code: of_y };
        pointwise(level, &finish, Source { values: &x[..], code: of_x }, residual, target);
        for i in 0..48 {
            // The padding has scale 0, so that only the residual is left of it.
            let x = if i % 16 < 12 { x[i].read(of_x) } else { 0.0 };
            assert_eq!(y[i], u8::write(x + r[i].read(of_r), of_y));
        }
    }
}

#[test]
fn windows_of_padding_are_refused() {
    let refused = Window::new([3, 4, 4], [3, 3], [1, 1], [1, 2]);
    assert!(matches!(refused, Err(KernelError::Padding { axis: "columns", .. })));
}
