//! Both sizes of tiles against plain sums, over maps of any size, whether it pays or not.

use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::{Transforms, Winograd};
use crate::Level;
use crate::conv::{ConvOptions, ConvShape};
use crate::infer::{Conv, Exact, Finish, Fused, Rectifier, Source, Target, Work, pitch};

/// Numbers of -1..1 without a pattern.
fn values(len: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2_654_435_761);
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    core::iter::repeat_with(next).take(len).collect()
}

/// What a layer reads.
struct Case {
    shape: ConvShape,
    weight: Vec<f32>,
    finish: Finish,
    x: Vec<f32>,
    residual: Vec<f32>,
}

impl Case {
    fn new(shape: ConvShape) -> Self {
        let [batch, inputs, height, width] = shape.input_size();
        let outputs = shape.out_channels();
        let area = shape.out_height() * shape.out_width();
        Self {
            weight: values(shape.weight_len(), 1),
            finish: Finish::new(values(outputs, 2), values(outputs, 3))
                .inner(Some(Rectifier::new(values(outputs, 4), f32::INFINITY))),
            x: values(batch * height * width * pitch(inputs), 5),
            residual: values(batch * area * pitch(outputs), 6),
            shape,
        }
    }

    fn plain(&self) -> Vec<f32> {
        let layer = Conv::<Exact>::new(&self.shape, &self.weight, self.finish.clone());
        let [batch, ..] = self.shape.input_size();
        let (mut y, mut work) = (vec![f32::NAN; self.residual.len()], Work::default());
        layer.reserve(&mut work, batch);
        let residual = Some(Source { values: &self.residual[..], code: () });
        let target = Target { values: &mut y, code: () };
        layer.run(Level::Scalar, batch, self.x(), residual, target, &mut work);
        y
    }

    /// The largest error on any level, as a part of the largest value.
    fn error<const I: usize, const O: usize>(&self) -> f32
    where
        Fused: Transforms<I, O>,
    {
        let layer = Winograd::<Fused, I, O>::new(&self.shape, &self.weight);
        let [batch, ..] = self.shape.input_size();
        let (expected, mut work) = (self.plain(), Work::default());
        work.floats.reserve(layer.needs(batch));
        let (channels, pitch) = (self.shape.out_channels(), pitch(self.shape.out_channels()));
        let (mut worst, mut largest) = (0.0_f32, 1.0_f32);
        for &level in Level::available() {
            let mut y = vec![f32::NAN; expected.len()];
            let residual = Some(Source { values: &self.residual[..], code: () });
            let target = Target { values: &mut y, code: () };
            let buffers = &mut work.floats;
            layer.run(level, batch, self.x(), residual, &self.finish, target, buffers);
            for (found, expected) in y.chunks_exact(pitch).zip(expected.chunks_exact(pitch)) {
                for (found, expected) in found.iter().zip(expected).take(channels) {
                    assert!(found.is_finite(), "{level:?}: {found} in the place of {expected}");
                    worst = worst.max((found - expected).abs());
                    largest = largest.max(expected.abs());
                }
            }
        }
        worst / largest
    }

    fn x(&self) -> Source<'_, f32> {
        Source { values: &self.x, code: () }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn both_sizes_agree_with_plain_sums(
        batch in 1_usize..6,
        (inputs, outputs) in (1_usize..40, 1_usize..40),
        (height, width) in (1_usize..11, 1_usize..11),
        padding in [0_usize..3, 0..3],
    ) {
        let o = ConvOptions { padding, ..ConvOptions::default() };
        // An interpreter takes a second for what takes a millisecond otherwise.
        let fits = !cfg!(miri) || batch * inputs * outputs * height * width < 4_000;
        if let Ok(shape) = ConvShape::new([batch, inputs, height, width], outputs, [3, 3], o)
            && fits
        {
            let case = Case::new(shape);
            let (small, large) = (case.error::<4, 2>(), case.error::<6, 4>());
            prop_assert!(small <= 2e-6, "F(2x2): {small:e}");
            prop_assert!(large <= 5e-6, "F(4x4): {large:e}");
        }
    }
}
