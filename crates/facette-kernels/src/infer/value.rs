//! What activations are stored as.

use super::lanes::Lanes;

/// A number between layers: `f32`, or a byte that stands for one.
pub trait Value:
    private::Eightfold<Meaning = <Self as Value>::Code> + Default + PartialOrd + Send + Sync + 'static
{
    /// How the number is to be understood.
    type Code: Copy + PartialEq + Send + Sync + core::fmt::Debug;

    /// What it stands for.
    fn read(self, code: Self::Code) -> f32;

    /// What stands for `value`, or for the nearest that can be said.
    fn write(value: f32, code: Self::Code) -> Self;
}

mod private {
    use super::Code;
    use crate::infer::lanes::Lanes;

    /// Bytes and what they are to stand for.
    pub(super) type BytesMut<'a> = (&'a mut [u8], Code);

    /// A number in memory, and eight of them at a time.
    pub trait Eightfold: Copy {
        type Meaning: Copy;
        /// Values that are bytes.
        fn bytes(_: &[Self], _: Self::Meaning) -> Option<(&[u8], Code)> {
            None
        }
        /// The same, or what was given.
        fn bytes_mut(
            values: &mut [Self],
            code: Self::Meaning,
        ) -> Result<BytesMut<'_>, (&mut [Self], Self::Meaning)> {
            Err((values, code))
        }
        /// Steps in 1.
        fn unit(code: Self::Meaning) -> f32;
        /// What values stand for, in steps of which there are `unit` in 1.
        fn read8<L: Lanes>(values: &[Self; 8], code: Self::Meaning, unit: f32) -> L;
        /// The values of so many of their steps.
        fn write8<L: Lanes>(steps: L, code: Self::Meaning) -> [Self; 8];
    }
}

use private::{BytesMut, Eightfold};

impl Eightfold for f32 {
    type Meaning = ();

    #[inline(always)]
    fn unit((): ()) -> f32 {
        1.0
    }

    #[inline(always)]
    fn read8<L: Lanes>(values: &[f32; 8], (): (), unit: f32) -> L {
        L::read(values).mul(L::splat(unit))
    }

    #[inline(always)]
    fn write8<L: Lanes>(steps: L, (): ()) -> [f32; 8] {
        steps.write()
    }
}

impl Eightfold for u8 {
    type Meaning = Code;

    fn bytes(values: &[u8], code: Code) -> Option<(&[u8], Code)> {
        Some((values, code))
    }

    fn bytes_mut(values: &mut [u8], code: Code) -> Result<BytesMut<'_>, BytesMut<'_>> {
        Ok((values, code))
    }

    #[inline(always)]
    fn unit(code: Code) -> f32 {
        code.inverse
    }

    #[inline(always)]
    fn read8<L: Lanes>(values: &[u8; 8], code: Code, unit: f32) -> L {
        let steps = L::from_bytes(values).sub(L::splat(f32::from(code.zero)));
        steps.mul(L::splat(code.scale * unit))
    }

    #[inline(always)]
    fn write8<L: Lanes>(steps: L, code: Code) -> [u8; 8] {
        steps.to_nearest_bytes(code.zero)
    }
}

/// What a byte stands for: `scale * (byte - zero)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Code {
    scale: f32,
    inverse: f32,
    zero: u8,
}

impl Code {
    /// A code; `None` unless scale and `1 / scale` are positive and finite.
    pub fn new(scale: f32, zero: u8) -> Option<Self> {
        let inverse = 1.0 / scale;
        let possible = |x: f32| x > 0.0 && x.is_normal();
        (possible(scale) && possible(inverse)).then_some(Self { scale, inverse, zero })
    }

    /// The step from one byte to the next.
    #[inline]
    pub fn scale(self) -> f32 {
        self.scale
    }

    /// Steps in 1: `1 / scale`, rounded.
    #[cfg(target_arch = "x86_64")]
    #[inline]
    pub(super) fn unit(self) -> f32 {
        self.inverse
    }

    /// The byte that stands for 0.
    #[inline]
    pub fn zero(self) -> u8 {
        self.zero
    }
}

impl Value for f32 {
    type Code = ();

    #[inline(always)]
    fn read(self, (): ()) -> f32 {
        self
    }

    #[inline(always)]
    fn write(value: f32, (): ()) -> f32 {
        value
    }
}

impl Value for u8 {
    type Code = Code;

    #[inline(always)]
    fn read(self, code: Code) -> f32 {
        (f32::from(self) - f32::from(code.zero)) * code.scale
    }

    #[inline(always)]
    fn write(value: f32, code: Code) -> u8 {
        <u8 as Eightfold>::write8([value * code.inverse; 8], code)[0]
    }
}

/// Values to be read.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a, T: Value> {
    /// Picture by picture.
    pub values: &'a [T],
    /// What they stand for.
    pub code: T::Code,
}

/// Values to be written.
#[derive(Debug)]
pub struct Target<'a, T: Value> {
    /// Picture by picture.
    pub values: &'a mut [T],
    /// What they are to stand for.
    pub code: T::Code,
}

impl<'a, T: Value> Source<'a, T> {
    /// Values that are bytes, and what they stand for.
    pub(super) fn bytes(&self) -> Option<(&'a [u8], Code)> {
        T::bytes(self.values, self.code)
    }

    /// Values `i..i + 8`, in steps of which there are `unit` in 1.
    #[inline(always)]
    pub(super) fn lanes<L: Lanes>(&self, i: usize, unit: f32) -> L {
        T::read8(self.values[i..i + 8].try_into().expect("a range of eight"), self.code, unit)
    }

    /// The first `count` values from `i` on, and what is of no account.
    #[inline(always)]
    pub(super) fn part<L: Lanes>(&self, i: usize, count: usize, unit: f32) -> L {
        if count >= 8 {
            return self.lanes(i, unit);
        }
        let mut values = [T::default(); 8];
        values[..count].copy_from_slice(&self.values[i..i + count]);
        T::read8(&values, self.code, unit)
    }
}

impl<'a, T: Value> Target<'a, T> {
    /// Values that are bytes, and what they are to stand for; itself where they are not.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn into_bytes(self) -> Result<BytesMut<'a>, Self> {
        T::bytes_mut(self.values, self.code).map_err(|(values, code)| Self { values, code })
    }

    /// Values that are bytes and are to stand for what those of `code` do.
    pub(super) fn bytes_of(&mut self, code: Code) -> Option<&mut [u8]> {
        T::bytes_mut(self.values, self.code).ok().filter(|&(_, own)| own == code).map(|(y, _)| y)
    }

    /// Steps in 1.
    #[inline(always)]
    pub(super) fn unit(&self) -> f32 {
        T::unit(self.code)
    }

    /// Writes the values of the first `count` numbers of steps from `i` on.
    #[inline(always)]
    pub(super) fn put<L: Lanes>(&mut self, i: usize, count: usize, steps: L) {
        let written = T::write8(steps, self.code);
        if count >= 8 {
            self.values[i..i + 8].copy_from_slice(&written);
        } else {
            self.values[i..i + count].copy_from_slice(&written[..count]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Level;
    use crate::infer::{Finish, pointwise};

    #[test]
    fn bytes_round_half_to_even_and_saturate() {
        let code = Code::new(0.5, 3).unwrap();
        for (value, byte) in [
            (0.0, 3),
            (0.5, 4),
            (0.25, 3),  // 0.5 steps, to the even 0
            (0.75, 5),  // 1.5 steps, to the even 2
            (-0.75, 1), // -1.5 steps, to the even -2
            (-9.0, 0),
            (1e30, 255),
            (f32::INFINITY, 255),
            (f32::NEG_INFINITY, 0),
        ] {
            assert_eq!(u8::write(value, code), byte, "{value}");
        }
        for byte in 0..=255 {
            assert_eq!(u8::write(byte.read(code), code), byte);
        }
    }

    #[test]
    fn every_level_rounds_alike() {
        let code = Code::new(0.5, 3).unwrap();
        let finish = Finish::new(vec![1.0; 8], vec![0.0; 8]);
        let special = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30, -1e30, -0.0, 0.25, 1e-40];
        let spread: Vec<f32> = (0..800).map(|i| i as f32 / 8.0 - 2.0).chain(special).collect();
        let expected: Vec<u8> = spread.iter().map(|&value| u8::write(value, code)).collect();
        for &level in Level::available() {
            let mut found = vec![0; spread.len()];
            let x = Source { values: &spread, code: () };
            let y = Target { values: &mut found, code };
            pointwise::<_, f32, _>(level, &finish, x, None, y);
            assert_eq!(found, expected, "{level:?}");
        }
    }

    #[test]
    fn impossible_codes_are_refused() {
        for scale in [0.0, -1.0, f32::NAN, f32::INFINITY, 1e-40, 3e38] {
            assert_eq!(Code::new(scale, 0), None, "{scale}");
        }
    }
}
