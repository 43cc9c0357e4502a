//! Every level's convolution against the definition, over odd shapes.

use facette_kernels::Level;
use facette_kernels::conv::{self, ConvOptions, ConvShape, bf16, reference};
use proptest::prelude::*;

/// Deterministic values in (-1, 1) without a pattern that a layout error could hide behind.
fn values(len: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12_345);
    (0..len)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect()
}

/// Largest difference relative to the largest expected magnitude.
fn difference(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let scale = expected.iter().fold(1e-3_f32, |m, v| m.max(v.abs()));
    found.iter().zip(expected).fold(0.0_f32, |m, (a, b)| m.max((a - b).abs())) / scale
}

fn check(s: &ConvShape) {
    let (x, w) = (values(s.input_len(), 1), values(s.weight_len(), 2));
    let (bias, dy) = (values(s.out_channels(), 3), values(s.output_len(), 4));
    let y = reference::conv2d(s, &x, &w, Some(&bias));
    let dx = reference::input_gradient(s, &dy, &w);
    let dw = reference::weight_gradient(s, &x, &dy);
    for &level in Level::available() {
        // Filled with NaN, so that an element never written shows.
        let mut found = vec![f32::NAN; y.len()];
        conv::conv2d_at(level, s, &x, &w, Some(&bias), &mut found);
        assert!(difference(&found, &y) < 1e-5, "{level:?} output of {s:?}");
        let mut found = vec![f32::NAN; dx.len()];
        conv::conv2d_input_gradient_at(level, s, &dy, &w, &mut found);
        assert!(difference(&found, &dx) < 1e-5, "{level:?} input gradient of {s:?}");
        let mut found = vec![f32::NAN; dw.len()];
        conv::conv2d_weight_gradient_at(level, s, &x, &dy, &mut found);
        assert!(difference(&found, &dw) < 1e-5, "{level:?} weight gradient of {s:?}");
    }
    let mut found = vec![f32::NAN; s.out_channels()];
    conv::conv2d_bias_gradient(s, &dy, &mut found);
    let plane = s.out_height() * s.out_width();
    let mut expected = vec![0.0; s.out_channels()];
    for (i, dy) in dy.iter().enumerate() {
        expected[i / plane % s.out_channels()] += dy;
    }
    assert!(difference(&found, &expected) < 1e-4, "bias gradient of {s:?}");
}

/// The definition on rounded operands: products of bfloat16s are exact in f32, only sums differ.
fn check_bf16(s: &ConvShape) {
    let rounded = |values: Vec<f32>| values.into_iter().map(bf16::round).collect::<Vec<_>>();
    let (x, w) = (values(s.input_len(), 1), values(s.weight_len(), 2));
    let (bias, dy) = (values(s.out_channels(), 3), values(s.output_len(), 4));
    let (rx, rw, rdy) = (rounded(x.clone()), rounded(w.clone()), rounded(dy.clone()));
    let y = reference::conv2d(s, &rx, &rw, Some(&bias));
    let dx = reference::input_gradient(s, &rdy, &rw);
    let dw = reference::weight_gradient(s, &rx, &rdy);
    for &level in Level::available() {
        let mut found = vec![f32::NAN; y.len()];
        bf16::conv2d_at(level, s, &x, &w, Some(&bias), &mut found);
        assert!(difference(&found, &y) < 1e-5, "{level:?} output of {s:?}");
        let mut found = vec![f32::NAN; dx.len()];
        bf16::conv2d_input_gradient_at(level, s, &dy, &w, &mut found);
        assert!(difference(&found, &dx) < 1e-5, "{level:?} input gradient of {s:?}");
        let mut found = vec![f32::NAN; dw.len()];
        bf16::conv2d_weight_gradient_at(level, s, &x, &dy, &mut found);
        assert!(difference(&found, &dw) < 1e-5, "{level:?} weight gradient of {s:?}");
    }
}

/// Whether a layer is small enough to be tried: an interpreter takes a second for what takes a millisecond otherwise.
fn fits(s: &ConvShape) -> bool {
    let [batch, ..] = s.input_size();
    !cfg!(miri) || s.weight_len() * s.out_height() * s.out_width() * batch < 10_000
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn bf16_agrees_with_the_definition(
        batch in 1_usize..20,
        (in_channels, out_channels) in (1_usize..70, 1_usize..70),
        (height, width) in (1_usize..11, 1_usize..11),
        kernel in (1_usize..5, 1_usize..5),
        stride in (1_usize..4, 1_usize..4),
        padding in (0_usize..4, 0_usize..4),
        dilation in (1_usize..3, 1_usize..3),
        groups in 1_usize..3,
    ) {
        let options = ConvOptions {
            stride: stride.into(),
            padding: padding.into(),
            dilation: dilation.into(),
            groups,
        };
        let input = [batch, in_channels, height, width];
        if let Ok(s) = ConvShape::new(input, out_channels, kernel.into(), options)
            && fits(&s)
        {
            check_bf16(&s);
        }
    }

    #[test]
    fn agrees_with_the_definition(
        batch in 1_usize..20,
        (groups, in_group, out_group) in (1_usize..4, 1_usize..8, 1_usize..20),
        (height, width) in (1_usize..11, 1_usize..11),
        kernel in (1_usize..5, 1_usize..5),
        stride in (1_usize..4, 1_usize..4),
        padding in (0_usize..4, 0_usize..4),
        dilation in (1_usize..3, 1_usize..3),
    ) {
        let options = ConvOptions {
            stride: stride.into(),
            padding: padding.into(),
            dilation: dilation.into(),
            groups,
        };
        let input = [batch, groups * in_group, height, width];
        if let Ok(s) = ConvShape::new(input, groups * out_group, kernel.into(), options)
            && fits(&s)
        {
            check(&s);
        }
    }

    #[test]
    fn depthwise_agrees_with_the_definition(
        batch in 1_usize..36,
        channels in 2_usize..20,
        (height, width) in (1_usize..10, 1_usize..10),
        kernel in (1_usize..5, 1_usize..5),
        stride in 1_usize..3,
        padding in 0_usize..3,
    ) {
        let options = ConvOptions {
            stride: [stride; 2],
            padding: [padding; 2],
            groups: channels,
            ..ConvOptions::default()
        };
        let input = [batch, channels, height, width];
        if let Ok(s) = ConvShape::new(input, channels, kernel.into(), options)
            && fits(&s)
        {
            check(&s);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 24 }))]

    #[test]
    fn winograd_agrees_with_the_definition(
        batch in 1_usize..(if cfg!(miri) { 2 } else { 20 }),
        (channels, out) in if cfg!(miri) { (16_usize..18, 16_usize..18) } else { (16..40, 16..40) },
        (height, width) in if cfg!(miri) { (3_usize..6, 3_usize..6) } else { (3..14, 3..14) },
        padding in (0_usize..3, 0_usize..3),
    ) {
        let options = ConvOptions { padding: padding.into(), ..ConvOptions::default() };
        let input = [batch, channels, height, width];
        check(&ConvShape::new(input, out, [3, 3], options).expect("a valid shape"));
    }
}

fn shape(input: [usize; 4], out: usize, kernel: usize, stride: usize, padding: usize) -> ConvShape {
    let options =
        ConvOptions { stride: [stride; 2], padding: [padding; 2], ..ConvOptions::default() };
    ConvShape::new(input, out, [kernel; 2], options).expect("a valid shape")
}

/// Shapes that meet the boundaries of blocks, bands and panels.
#[test]
fn boundaries_agree_with_the_definition() {
    for s in [
        shape([17, 32, 16, 16], 32, 3, 1, 1),
        shape([33, 48, 4, 4], 64, 3, 2, 1),
        shape([16, 3, 32, 32], 33, 5, 2, 2),
        shape([5, 64, 40, 40], 7, 3, 1, 1),
        shape([1, 16, 56, 56], 16, 1, 2, 0),
        shape([40, 96, 2, 2], 96, 3, 1, 1),
        shape([130, 31, 1, 1], 50, 1, 1, 0),
        shape([100, 96, 4, 4], 96, 3, 1, 1),
        shape([3, 20, 33, 70], 17, 3, 1, 1),
        shape([19, 12, 9, 8], 20, 1, 2, 0),
        shape([9, 5, 8, 7], 6, 1, 3, 0),
    ]
    .into_iter()
    .filter(fits)
    {
        check(&s);
    }
}

/// Shapes that meet the boundaries of tiles, blocks of channels and phases.
#[test]
fn boundaries_of_bf16_agree_with_the_definition() {
    for s in [
        shape([3, 33, 5, 4], 17, 3, 1, 1),
        shape([9, 16, 8, 8], 32, 3, 2, 1),
        shape([5, 40, 7, 7], 20, 1, 2, 0),
        shape([2, 3, 16, 16], 33, 5, 2, 2),
        shape([20, 48, 2, 2], 65, 3, 1, 1),
        shape([35, 70, 1, 1], 50, 1, 1, 0),
        shape([1, 96, 3, 3], 34, 3, 1, 0),
    ]
    .into_iter()
    .filter(fits)
    {
        check_bf16(&s);
    }
}

#[test]
fn an_empty_batch_is_served() {
    let s = shape([0, 3, 4, 4], 5, 3, 1, 1);
    let mut dw = vec![f32::NAN; s.weight_len()];
    conv::conv2d(&s, &[], &values(s.weight_len(), 1), None, &mut []);
    conv::conv2d_weight_gradient(&s, &[], &[], &mut dw);
    assert!(dw.iter().all(|v| *v == 0.0));
    for &level in Level::available() {
        dw.fill(f32::NAN);
        bf16::conv2d_at(level, &s, &[], &values(s.weight_len(), 1), None, &mut []);
        bf16::conv2d_weight_gradient_at(level, &s, &[], &[], &mut dw);
        assert!(dw.iter().all(|v| *v == 0.0));
    }
}

/// The same bytes whatever the number of threads.
#[test]
#[cfg_attr(target_family = "wasm", ignore = "WebAssembly has no threads")]
#[cfg_attr(miri, ignore = "an interpreter takes an hour")]
fn results_do_not_depend_on_the_number_of_threads() {
    let s = shape([50, 24, 6, 6], 40, 3, 1, 1);
    let (x, w) = (values(s.input_len(), 1), values(s.weight_len(), 2));
    let dy = values(s.output_len(), 4);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| {
            let mut y = vec![0.0; s.output_len()];
            let mut dx = vec![0.0; s.input_len()];
            let mut dw = vec![0.0; s.weight_len()];
            conv::conv2d(&s, &x, &w, None, &mut y);
            conv::conv2d_input_gradient(&s, &dy, &w, &mut dx);
            conv::conv2d_weight_gradient(&s, &x, &dy, &mut dw);
            let mut all = vec![y, dx, dw];
            for &level in Level::available() {
                let mut y = vec![0.0; s.output_len()];
                let mut dx = vec![0.0; s.input_len()];
                let mut dw = vec![0.0; s.weight_len()];
                bf16::conv2d_at(level, &s, &x, &w, None, &mut y);
                bf16::conv2d_input_gradient_at(level, &s, &dy, &w, &mut dx);
                bf16::conv2d_weight_gradient_at(level, &s, &x, &dy, &mut dw);
                all.extend([y, dx, dw]);
            }
            all.concat().iter().map(|v| v.to_bits()).collect::<Vec<_>>()
        })
    };
    let one = run(1);
    for threads in [2, 3, 11] {
        assert!(run(threads) == one, "{threads} threads");
    }
}

#[test]
fn impossible_shapes_are_refused_with_the_way_out() {
    let refused = |input, out, kernel, options: ConvOptions| {
        ConvShape::new(input, out, kernel, options).expect_err("refused").to_string()
    };
    let plain = ConvOptions::default();
    assert!(refused([1, 3, 4, 4], 0, [3, 3], plain).contains("out_channels is 0"));
    assert!(refused([1, 3, 4, 4], 4, [5, 3], plain).contains("spanning 5 rows does not fit 4"));
    let grouped = ConvOptions { groups: 2, ..plain };
    assert!(refused([1, 3, 4, 4], 4, [3, 3], grouped).contains("in_channels is 3"));
    let huge = ConvOptions { padding: [usize::MAX / 2; 2], ..plain };
    assert!(refused([1, 3, 4, 4], 4, [3, 3], huge).contains("more elements"));
    let huge = ConvOptions { dilation: [usize::MAX; 2], ..plain };
    assert!(refused([1, 3, 4, 4], 4, [3, 3], huge).contains("more elements"));
    assert!(
        refused([1, usize::MAX >> 24, 1 << 10, 1 << 10], 4, [3, 3], plain)
            .contains("more elements")
    );
}
