//! Bytes by int8 weights in groups of four, for instructions that multiply four pairs of bytes with a
//! sign and add the products.
//!
//! An activation's byte is made one with a sign by flipping its first bit, which takes 128 off:
//! `sum (b - zero) w = sum (b - 128) w + (128 - zero) sum w`, of which the last sum is known as soon
//! as the weights are. All of that is exact modulo 2^32 and therefore the very sum of
//! [`Whole`](super::Whole).

use super::arithmetic::rules::Products;
use super::lanes::{Ints, Lanes};
use super::tile::{Product, Tiles};
use super::value::Code;
use super::work::{Buffers, Work};
use crate::Level;

/// See the module.
#[derive(Debug, Clone, Copy)]
#[allow(unreachable_pub, reason = "a public trait names it")]
pub struct Dotted;

#[expect(private_interfaces, reason = "only this crate calls these")]
impl Products for Dotted {
    type Source = u8;
    type Weight = i8;
    type Operand = i8;
    type Sum = i32;
    const STEP: usize = 4;
    const SHIFTED: bool = true;

    fn tiles(level: Level) -> &'static Tiles<i8, i32> {
        match level {
            #[cfg(all(target_arch = "aarch64", target_feature = "neon"))]
            Level::NeonDot if Level::available().contains(&level) => &super::tile_dot::TILES,
            _ => &SCALAR,
        }
    }

    fn buffers(work: &mut Work) -> &mut Buffers<i8, i32> {
        &mut work.bytes
    }

    #[inline(always)]
    fn operand(value: u8, _: Code) -> i8 {
        (value ^ 0x80) as i8
    }

    fn zero(code: Code) -> i8 {
        Self::operand(code.zero(), code)
    }

    fn factor(weight: i8) -> i8 {
        weight
    }

    fn factors(_: &[u8]) -> Option<&[i8]> {
        None
    }

    type S<L: Lanes> = L::Int;

    #[inline(always)]
    fn sums<L: Lanes>(from: &[i32; 8]) -> L::Int {
        L::Int::read(from)
    }

    fn share(weight: i8) -> i32 {
        weight.into()
    }

    #[inline(always)]
    fn shift<L: Lanes>(sum: L::Int, totals: &[i32; 8], code: Code) -> L::Int {
        sum.add(L::Int::read(totals).times(128 - i32::from(code.zero())))
    }

    #[inline(always)]
    fn real<L: Lanes>(sum: L::Int) -> L {
        sum.float()
    }
}

/// The specification.
static SCALAR: Tiles<i8, i32> = Tiles { wide: bytes::<16>, narrow: bytes::<8> };

fn bytes<const N: usize>(p: &mut Product<'_, i8, i32>) {
    for (i, &row) in p.rows.starts().iter().enumerate() {
        let mut sum = [0_i32; N];
        for (&run, weight) in p.runs.iter().zip(p.weight.chunks_exact(4 * p.steps * N)) {
            let source = &p.source[row + run..][..4 * p.steps];
            for (x, weight) in source.chunks_exact(4).zip(weight.chunks_exact(4 * N)) {
                for (sum, w) in sum.iter_mut().zip(weight.chunks_exact(4)) {
                    for (&x, &w) in x.iter().zip(w) {
                        *sum = sum.wrapping_add(i32::from(x) * i32::from(w));
                    }
                }
            }
        }
        p.into[i * p.pitch..][..N].copy_from_slice(&sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conv::{ConvOptions, ConvShape};
    use crate::infer::direct::Direct;
    use crate::infer::{Finish, Source, Target, Whole, pitch};

    /// What plain sums in either arithmetic yield, as floats.
    fn run<A: Products<Source = u8, Weight = i8>>(s: &ConvShape, level: Level) -> Vec<f32> {
        let [batch, channels, height, width] = s.input_size();
        let x: Vec<u8> =
            (0..batch * height * width * pitch(channels)).map(|i| (i * 89 % 256) as u8).collect();
        let w: Vec<i8> = (0..s.weight_len()).map(|i| (i * 57 % 255) as u8 as i8).collect();
        let outputs = s.out_channels();
        let mut y = vec![f32::NAN; batch * s.out_height() * s.out_width() * pitch(outputs)];
        let layer = Direct::<A>::new(s, &w);
        let mut work = Work::default();
        let buffers = A::buffers(&mut work);
        buffers.reserve(layer.needs(batch));
        let code = Code::new(1.0, 77).unwrap();
        let x = Source { values: &x[..], code };
        let finish = Finish::new(vec![1.0; outputs], vec![0.0; outputs]);
        let target = Target { values: &mut y, code: () };
        layer.run::<f32, f32>(level, batch, x, None, &finish, target, buffers);
        y.chunks_exact(pitch(outputs)).flat_map(|pixel| pixel[..outputs].to_vec()).collect()
    }

    #[test]
    fn shifted_sums_are_those_of_whole_numbers() {
        for (channels, outputs, groups) in
            [(1, 1, 1), (3, 20, 1), (5, 9, 1), (16, 24, 1), (6, 4, 2)]
        {
            for (kernel, padding) in [([1, 1], [0, 0]), ([3, 3], [1, 1]), ([2, 3], [1, 0])] {
                let o = ConvOptions { padding, groups, stride: [2, 1], ..ConvOptions::default() };
                let s = ConvShape::new([2, channels, 5, 7], outputs, kernel, o).unwrap();
                let expected = run::<Whole>(&s, Level::Scalar);
                for &level in Level::available() {
                    assert_eq!(run::<Dotted>(&s, level), expected, "{level:?} {s:?}");
                }
            }
        }
    }
}
