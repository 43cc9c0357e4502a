//! What goes on beside AMX's products, on any processor with AVX-512.

use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::Level;
use crate::conv::{ConvOptions, ConvShape};
use crate::infer::bytes::Bytes;
use crate::infer::dot::ByteProducts;
use crate::infer::{Code, Conv, Finish, Rectifier, Source, Target, Whole, Work, pitch};

/// The specification.
struct Plain;

impl Multiply for Plain {
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn block<const P: usize>(block: &Block<'_>, tiles: usize, beside: &impl Beside) {
        let mut progress = beside.start();
        let mut sums = vec![[0_i32; COLUMNS]; P * tiles * ROWS];
        for (i, sum) in sums.iter_mut().enumerate().filter(|_| !block.zeroed) {
            sum.copy_from_slice(&block.starts[i / (tiles * ROWS) * COLUMNS..][..COLUMNS]);
        }
        let panel = block.weight.len() / P;
        let steps =
            block.runs.iter().flat_map(|run| (0..block.run).step_by(STEP).map(move |k| run + k));
        for (step, at) in steps.enumerate() {
            for (i, sum) in sums.iter_mut().enumerate() {
                let (p, tile, row) = (i / (tiles * ROWS), i / ROWS % tiles, i % ROWS);
                let weight = &block.weight[p * panel + step * STEP * COLUMNS..];
                for k in 0..STEP {
                    // SAFETY: the caller vouches for the rows.
                    let byte = unsafe { *block.rows[tile].add(row * block.pitch + at + k) };
                    for (column, sum) in sum.iter_mut().enumerate() {
                        let weight = weight[(k / 4 * COLUMNS + column) * 4 + k % 4];
                        *sum = sum.wrapping_add(i32::from(byte) * i32::from(weight));
                    }
                }
            }
            // SAFETY: the caller vouches for the processor and for so many steps.
            unsafe { beside.step(&mut progress) };
        }
        for (i, sum) in sums.iter().enumerate() {
            let (p, row) = (i / (tiles * ROWS), i % (tiles * ROWS));
            // SAFETY: the caller vouches for the place of each sum, and the processor.
            unsafe {
                let into = block.into.add(p * block.apart + row * COLUMNS);
                core::ptr::copy_nonoverlapping(sum.as_ptr(), into, COLUMNS);
            }
        }
        // SAFETY: the caller vouches for the processor.
        unsafe { beside.rest(progress) };
    }
}

/// What follows the sums of `outputs` channels, and whether there is a residual.
fn finishes(outputs: usize) -> Vec<(Finish, bool)> {
    let rectifier = |slope: f32, cap| Some(Rectifier::new(vec![slope; outputs], cap));
    let plain = || rectifier(0.0, f32::INFINITY);
    [
        (None, None, false),
        (plain(), None, false),
        (rectifier(0.25, 6.0), None, false),
        (None, None, true),
        (None, plain(), true),
        (None, rectifier(-0.5, 2.0), true),
    ]
    .into_iter()
    .map(|(inner, outer, residual)| {
        let scale = (0..outputs).map(|c| 2e-4 + 1e-5 * c as f32).collect();
        let bias = (0..outputs).map(|c| 0.25 * c as f32 - 3.0).collect();
        (Finish::new(scale, bias).inner(inner).outer(outer), residual)
    })
    .collect()
}

#[test]
fn blocks_are_finished_beside_any_products() {
    if !Level::available().contains(&Level::Avx512) {
        return;
    }
    let tiled = Some(tiled::<Plain> as unsafe fn(Run<'_>, &Sixteen<'_>));
    let products = ByteProducts { tiled, ..ByteProducts::specified(0) };
    let number = |i: usize| (i.wrapping_mul(2_654_435_761) >> 13) as u8;
    let code = |scale, zero| Code::new(scale, zero).expect("a usual scale");
    for (batch, inputs, [height, width], outputs, kernel, stride) in [
        (2, 32, [3, 16], 32, 3, 1),
        (3, 16, [5, 8], 16, 3, 1),
        (5, 40, [4, 4], 48, 3, 1),
        (2, 64, [4, 6], 80, 1, 1),
        (3, 16, [8, 16], 64, 3, 2),
    ] {
        let (stride, padding) = ([stride; 2], [kernel / 2; 2]);
        let options = ConvOptions { stride, padding, ..ConvOptions::default() };
        let input = [batch, inputs, height, width];
        let s = ConvShape::new(input, outputs, [kernel; 2], options).expect("a valid shape");
        let weight: Vec<i8> = (0..s.weight_len()).map(|i| number(i + 3) as i8).collect();
        let x: Vec<u8> = (0..batch * height * width * pitch(inputs)).map(number).collect();
        let len = batch * s.out_height() * s.out_width() * pitch(outputs);
        let residual: Vec<u8> = (0..len).map(|i| number(i + 1)).collect();
        let layer = Bytes::pack(&s, &weight);
        let mut work = Work::default();
        layer.reserve(&mut work);
        for zeros in [[0, 0, 0], [77, 0, 0], [0, 128, 0], [0, 0, 90], [5, 6, 7]] {
            let x = Source { values: &x[..], code: code(0.02, zeros[0]) };
            let residual = Source { values: &residual[..], code: code(0.01, zeros[1]) };
            let to = code(0.03, zeros[2]);
            for (finish, with_residual) in finishes(outputs) {
                let residual = with_residual.then_some(residual);
                let (mut found, mut expected) = (vec![0; len], vec![0; len]);
                let conv = Conv::<Whole>::new(&s, &weight, finish.clone());
                conv.reserve(&mut work, batch);
                let y = Target { values: &mut expected[..], code: to };
                conv.run(Level::Scalar, batch, x, residual, y, &mut work);
                let y = Target { values: &mut found[..], code: to };
                let level = Level::Avx512;
                layer.run(level, products, batch, x, residual, &finish, y, &mut work);
                assert!(found == expected, "{s:?} {zeros:?} {with_residual}");
            }
        }
    }
}
