//! Kernels of one pixel with a stride: a convolution with stride 1 over the pixels that it meets.

use std::mem::MaybeUninit;

use rayon::prelude::*;

use super::{ConvOptions, ConvShape};
use crate::fresh::Fresh;

/// The equivalent shape with stride 1, where a kernel of one pixel skips pixels.
pub(super) fn dense(s: &ConvShape) -> Option<ConvShape> {
    let o = &s.options;
    let skips = o.stride != [1, 1] && s.kernel == [1, 1] && o.padding == [0, 0];
    skips.then_some(ConvShape {
        height: s.out_height,
        width: s.out_width,
        options: ConvOptions { stride: [1, 1], ..*o },
        ..*s
    })
}

/// The pixels of `x` that the kernel meets.
pub(super) fn gather(s: &ConvShape, x: &[f32]) -> Vec<f32> {
    let [rows, columns] = s.options.stride;
    let plane = s.out_height * s.out_width;
    let mut dense = vec![0.0; s.batch * s.in_channels * plane];
    dense.par_chunks_mut(s.in_channels * plane).zip(x.par_chunks(picture(s))).for_each(
        |(dense, x)| {
            for (dense, x) in dense.chunks_exact_mut(plane).zip(x.chunks_exact(s.height * s.width))
            {
                let from = x.chunks_exact(s.width).step_by(rows);
                for (dense, x) in dense.chunks_exact_mut(s.out_width).zip(from) {
                    let from = x.iter().step_by(columns);
                    dense.iter_mut().zip(from).for_each(|(dense, x)| *dense = *x);
                }
            }
        },
    );
    dense
}

/// Writes `dense` to the pixels of `x` that the kernel meets and zero to the others.
pub(super) fn scatter(s: &ConvShape, dense: &[f32], x: &mut Fresh) {
    let [rows, columns] = s.options.stride;
    let plane = s.out_height * s.out_width;
    x.par_chunks_mut(picture(s)).zip(dense.par_chunks(s.in_channels * plane)).for_each(
        |(x, dense)| {
            x.fill(MaybeUninit::new(0.0));
            for (x, dense) in x.chunks_exact_mut(s.height * s.width).zip(dense.chunks_exact(plane))
            {
                let into = x.chunks_exact_mut(s.width).step_by(rows);
                for (x, dense) in into.zip(dense.chunks_exact(s.out_width)) {
                    let into = x.iter_mut().step_by(columns);
                    into.zip(dense).for_each(|(x, dense)| _ = x.write(*dense));
                }
            }
        },
    );
}

fn picture(s: &ConvShape) -> usize {
    s.in_channels * s.height * s.width
}
